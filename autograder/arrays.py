"""Arrays, tensors and tables on the wire: their bytes and shape. Neither library is imported before it is needed."""

from __future__ import annotations

import base64
import math
import sys
from collections.abc import Callable
from typing import Any

TAGS = frozenset(("array", "scalar", "tensor", "table", "column", "index", "size", "dtype"))
_KINDS = "biufcUSmM"  # no objects: those would be pickled


def encode(value: Any, inner: Callable[[Any], Any]) -> dict[str, Any] | None:
    """None where `value` is neither array, scalar, tensor nor table."""
    numpy, torch, pandas = (sys.modules.get(name) for name in ("numpy", "torch", "pandas"))
    kind = type(value)
    if numpy and (kind is numpy.ndarray or (isinstance(value, numpy.generic) and kind.__module__ == "numpy")):
        return _array(numpy, value) if value.dtype.kind in _KINDS else None
    if torch and kind in (torch.Tensor, torch.nn.Parameter):
        return _tensor(torch, value)
    if pandas and kind is pandas.DataFrame:
        columns = [_values(value.iloc[:, place], inner) for place in range(value.shape[1])]
        return {"t": "table", "names": inner(list(value.columns)), "rows": inner(list(value.index)), "v": columns}
    if pandas and kind is pandas.Series:
        name = inner(value.name if type(value.name) is str else None)
        return {"t": "column", "name": name, "rows": inner(list(value.index)), "v": _values(value, inner)}
    if pandas and kind in (pandas.Index, pandas.RangeIndex):
        return {"t": "index", "v": _values(value, inner)}
    if torch and kind is torch.Size:
        return {"t": "size", "v": list(value)}
    if torch and kind is torch.dtype:
        return {"t": "dtype", "v": str(value).removeprefix("torch.")}
    return None


def decode(coded: dict[str, Any], inner: Callable[[Any], Any]) -> Any:
    tag = coded["t"]
    if tag in ("array", "scalar"):
        return _read_array(coded)
    if tag == "tensor":
        return _read_tensor(coded)
    if tag in ("size", "dtype"):
        import torch

        return torch.Size([int(size) for size in coded["v"]]) if tag == "size" else _torch_type(torch, coded["v"])
    import pandas

    if tag == "index":
        return pandas.Index(inner(coded["v"]))
    if tag == "column":
        return pandas.Series(inner(coded["v"]), index=inner(coded["rows"]), name=inner(coded["name"]))
    columns, rows = [inner(column) for column in coded["v"]], inner(coded["rows"])
    table = pandas.DataFrame(dict(enumerate(columns)), index=rows)
    table.columns = pandas.Index(inner(coded["names"]))
    return table


def _array(numpy: Any, value: Any) -> dict[str, Any]:
    whole = numpy.ascontiguousarray(value)
    tag = "array" if type(value) is numpy.ndarray else "scalar"
    return {"t": tag, "d": whole.dtype.str, "s": list(value.shape), "v": base64.b64encode(whole.tobytes()).decode()}


def _read_array(coded: dict[str, Any]) -> Any:
    import numpy

    dtype = numpy.dtype(str(coded["d"]))
    shape = [int(size) for size in coded["s"]]
    data = base64.b64decode(coded["v"], validate=True)
    if dtype.kind not in _KINDS or min(shape, default=0) < 0 or len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError("not an array")
    array = numpy.frombuffer(data, dtype).reshape(shape).copy()
    return array[()] if coded["t"] == "scalar" else array


def _tensor(torch: Any, value: Any) -> dict[str, Any] | None:
    import numpy

    if value.layout is not torch.strided or value.is_quantized or value.device.type == "meta":
        return None
    plain = value.detach().cpu().resolve_conj().resolve_neg()
    name = str(plain.dtype).removeprefix("torch.")
    if plain.dtype in (torch.bfloat16,):  # numpy has none
        plain = plain.to(torch.float32)
    array = _array(numpy, plain.numpy())
    slope = value.grad if value.is_leaf and value.requires_grad else None
    return {
        "t": "tensor",
        "type": name,
        "grad": bool(value.requires_grad),
        "slope": None if slope is None else _tensor(torch, slope),
        "v": array,
    }


def _read_tensor(coded: dict[str, Any]) -> Any:
    import torch

    tensor = torch.from_numpy(_read_array({**coded["v"], "t": "array"})).to(_torch_type(torch, coded["type"]))
    if coded["grad"] is not True:
        return tensor
    tensor.requires_grad_()
    if coded.get("slope") is not None:
        tensor.grad = _read_tensor({**coded["slope"], "grad": False, "slope": None})
    return tensor


def _torch_type(torch: Any, name: object) -> Any:
    kind = getattr(torch, str(name))
    if not isinstance(kind, torch.dtype):
        raise ValueError("not a type of torch's")
    return kind


def _values(column: Any, inner: Callable[[Any], Any]) -> Any:
    array = column.to_numpy()
    return inner(array if array.dtype.kind in _KINDS else array.tolist())
