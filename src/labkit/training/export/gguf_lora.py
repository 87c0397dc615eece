"""A LoRA adapter as llama.cpp reads it: one GGUF file, for models of llama's and Qwen's kind.

llama.cpp turns pairs of neighbouring values where transformers turns halves, and keeps llama's q and k rows in that
order; an adapter's B rows must be permuted alike (llama.cpp, convert_lora_to_gguf.py). Qwen's are kept as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from labkit.errors import RequestRefused
from labkit.training.lora import Adapter

# transformers' model_type: (llama.cpp's architecture, whether q and k are permuted)
ARCHITECTURES = {
    "llama": ("llama", True),
    "mistral": ("llama", True),
    "qwen2": ("qwen2", False),
    "qwen3": ("qwen3", False),
}
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)")


def knows(config: Any) -> bool:
    return config.model_type in ARCHITECTURES


def write(adapter: Adapter, config: Any, path: Path) -> None:
    """`config` is the base's, as transformers reads it."""
    import gguf

    if not knows(config):
        raise RequestRefused(
            f"A model of the kind {config.model_type!r} is not written for llama.cpp.", instead="Take the PEFT files."
        )
    architecture, permuted = ARCHITECTURES[config.model_type]
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(adapter.alpha))
    for name, a, b in adapter.tensors():
        found = _LAYER.fullmatch(name)
        assert found is not None
        layer, part = found[1], found[2]
        own = part.rpartition(".")[2]
        low = b.cpu().numpy()
        if permuted and own in heads:
            low = permute(low, heads[own])
        for letter, tensor in (("a", a.cpu().numpy()), ("b", low)):
            writer.add_tensor(f"blk.{layer}.{NAMES[part]}.weight.lora_{letter}", numpy.ascontiguousarray(tensor))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def permute(rows: NDArray[numpy.float32], heads: int) -> NDArray[numpy.float32]:
    """[heads * width, n]: each head's rows from halves to neighbouring pairs."""
    shape = (heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return rows.reshape(shape).swapaxes(1, 2).reshape(rows.shape)
