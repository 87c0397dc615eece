"""Arrays and tensors on the wire: their bytes and shape. Neither library is imported before it is needed.

An array of objects crosses as a list and its shape, where each element is plain data.
"""

from __future__ import annotations

import base64
import math
import sys
from collections.abc import Callable
from typing import Any

TAGS = frozenset(("array", "scalar", "objects", "tensor", "size", "dtype"))
ARRAY_KINDS = "biufcUSmM"  # no objects: those would be pickled


class NotAllPlain(Exception):
    """Among the elements is one that is not plain data."""


def encode(value: Any, plain: Callable[[Any], Any]) -> dict[str, Any] | None:
    """None where `value` is neither array, scalar nor tensor. `plain` raises NotAllPlain for what is not plain data."""
    numpy, torch = (sys.modules.get(name) for name in ("numpy", "torch"))
    kind = type(value)
    if numpy and kind is numpy.ndarray and value.dtype.kind == "O":
        return _objects(value, plain)
    if numpy and (kind is numpy.ndarray or (isinstance(value, numpy.generic) and kind.__module__ == "numpy")):
        return _array(numpy, value) if value.dtype.kind in ARRAY_KINDS else None
    if torch and kind in (torch.Tensor, torch.nn.Parameter):
        return _tensor(torch, value)
    if torch and kind is torch.Size:
        return {"t": "size", "v": list(value)}
    if torch and kind is torch.dtype:
        return {"t": "dtype", "v": str(value).removeprefix("torch.")}
    return None


def decode(coded: dict[str, Any], plain: Callable[[Any], Any]) -> Any:
    tag = coded["t"]
    if tag in ("array", "scalar"):
        return _read_array(coded)
    if tag == "tensor":
        return _read_tensor(coded)
    if tag == "objects":
        return _read_objects(coded["s"], plain(coded["v"]))
    import torch

    return torch.Size([int(size) for size in coded["v"]]) if tag == "size" else _torch_type(torch, coded["v"])


def _array(numpy: Any, value: Any) -> dict[str, Any]:
    whole = numpy.ascontiguousarray(value)
    tag = "array" if type(value) is numpy.ndarray else "scalar"
    return {"t": tag, "d": whole.dtype.str, "s": list(value.shape), "v": base64.b64encode(whole.tobytes()).decode()}


def _read_array(coded: dict[str, Any]) -> Any:
    import numpy

    dtype = numpy.dtype(str(coded["d"]))
    shape = [int(size) for size in coded["s"]]
    data = base64.b64decode(coded["v"], validate=True)
    if dtype.kind not in ARRAY_KINDS or min(shape, default=0) < 0 or len(data) != math.prod(shape) * dtype.itemsize:
        raise ValueError("not an array")
    array = numpy.frombuffer(data, dtype).reshape(shape).copy()
    return array[()] if coded["t"] == "scalar" else array


def _objects(value: Any, plain: Callable[[Any], Any]) -> dict[str, Any] | None:
    try:
        return {"t": "objects", "s": list(value.shape), "v": plain(value.ravel().tolist())}
    except NotAllPlain:
        return None


def _read_objects(shape: Any, items: Any) -> Any:
    import numpy

    sizes = [int(size) for size in shape]
    if type(items) is not list or min(sizes, default=0) < 0 or len(items) != math.prod(sizes):
        raise ValueError("not an array")
    array = numpy.empty(len(items), object)
    for place, item in enumerate(items):  # at once, lists among them would be taken for more dimensions
        array[place] = item
    return array.reshape(sizes)


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
