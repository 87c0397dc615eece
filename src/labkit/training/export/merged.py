"""A learner's model as one: the base's weights with her adapter added to them, in the two forms others read.

safetensors   a folder transformers, vLLM and every trainer load: the base's own files, with other weights
gguf          one file for llama.cpp and ollama: the base's own file, with other weights where the adapter changes it

What an adapter adds is computed in float32 and written in the base's own kind of number; a quantised GGUF gets those
tensors as float16, since what a small adapter changes would be lost in four bits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from labkit.errors import RequestRefused
from labkit.training.export.gguf_lora import ARCHITECTURES, NAMES, permute
from labkit.training.lora import Adapter, Shapes
from labkit.training.spec import TARGETS

WEIGHTS = "model.safetensors"
# Of a base's folder; whatever else lies there is not the model's.
_BESIDE = (
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    *("vocab.json", "added_tokens.json", "merges.txt", "chat_template.jinja", "tokenizer.model"),
)


def _go_on() -> None:
    pass


def write_safetensors(adapter: Adapter, base: Path, target: Path, piece: Callable[[], None] = _go_on) -> None:
    """Writes a model's folder to `target`, which is there and empty.

    `piece` is called before each tensor and each file; what it raises ends the writing.
    """
    added = {f"{name}.weight": scale_of(adapter, a, b) for name, a, b in adapter.tensors()}
    tensors: dict[str, Tensor] = {}
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - it is no mapping
                piece()
                tensor = weights.get_tensor(name)
                more = added.pop(name, None)
                if more is not None and more.shape != tensor.shape:
                    raise _other(name)
                tensors[name] = tensor if more is None else (tensor.float() + more).to(tensor.dtype)
    _all_found(added)
    piece()
    save_file(tensors, target / WEIGHTS, metadata={"format": "pt"})
    for path in sorted(base.iterdir()):
        if path.name in _BESIDE:
            piece()
            shutil.copyfile(path, target / path.name)


def write_gguf(adapter: Adapter, base: Path, config: Any, target: Path, piece: Callable[[], None] = _go_on) -> None:
    """`base` is the base's GGUF file, `config` its configuration as transformers reads it; `piece` as above."""
    import gguf

    if config.model_type not in ARCHITECTURES:
        raise RequestRefused(
            f"A model of the kind {config.model_type!r} is not written for llama.cpp.", instead="Take safetensors."
        )
    architecture, permuted = ARCHITECTURES[config.model_type]
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    added: dict[str, numpy.ndarray[Any, Any]] = {}
    for name, a, b in adapter.tensors():
        piece()
        parts = name.split(".")  # model.layers.N.ROOM.PROJECTION
        more = scale_of(adapter, a, b).numpy()
        if permuted and parts[-1] in heads:
            more = permute(more, heads[parts[-1]])
        added[f"blk.{parts[2]}.{NAMES['.'.join(parts[3:])]}.weight"] = more
    reader, writer = gguf.GGUFReader(base), gguf.GGUFWriter(target, architecture)
    _copy_fields(reader, writer)
    for tensor in reader.tensors:
        piece()
        extra = added.pop(tensor.name, None)
        if extra is None:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        else:
            whole = gguf.dequantize(tensor.data, tensor.tensor_type).reshape(extra.shape) + extra
            writer.add_tensor(tensor.name, whole.astype(numpy.float16))
    _all_found(added)
    piece()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def shapes(base: Path) -> Shapes:
    """Of the base's weights that an adapter may change, by the layer's name, without loading any."""
    found: dict[str, tuple[int, int]] = {}
    for file in sorted(base.glob("*.safetensors")):
        with safe_open(file, framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118 - it is no mapping
                layer = name.removesuffix(".weight")
                if layer.rpartition(".")[2] in TARGETS and layer != name:
                    out, into = weights.get_slice(name).get_shape()
                    found[layer] = (out, into)
    return found


def scale_of(adapter: Adapter, a: Tensor, b: Tensor) -> Tensor:
    """What an adapter adds to a weight [out, in]."""
    return (adapter.scale * (b.float() @ a.float())).cpu()


def _copy_fields(reader: Any, writer: Any) -> None:
    """Everything the base's file says of itself, but for what the writer says anew."""
    import gguf

    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=inner)


def _all_found(left: dict[str, Any]) -> None:
    if left:
        raise _other(next(iter(left)))


def _other(name: str) -> RequestRefused:
    return RequestRefused(f"The base has no such weight {name!r}.", instead="Merge it with the base it came from.")
