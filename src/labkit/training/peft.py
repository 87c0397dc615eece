"""An adapter from and to PEFT's files: `adapter_config.json` and `adapter_model.safetensors`, which every engine reads.

What is read is looked at first: safetensors only, no code; exactly the tensors such an adapter of this base has, by
name, shape and kind, every number finite. What this does not cover: weights that fit and are malicious in what they
make the model say.
"""

from __future__ import annotations

import json
import re
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from labkit.errors import RequestRefused
from labkit.training.adapter_files import CONFIG, WEIGHTS, Files
from labkit.training.lora import Adapter, Shapes
from labkit.training.spec import TARGETS, Spec

LARGEST = 512 * 2**20
MOST_RANK = 64
_NAME = re.compile(r"base_model\.model\.(model\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+))\.lora_([AB])\.weight")


def write(adapter: Adapter, spec: Spec, layers: int) -> Files:
    first = spec.first_layer(layers)
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": spec.base,
        "r": spec.rank,
        "lora_alpha": spec.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
        "target_modules": list(spec.targets),
        "layers_to_transform": list(range(first, layers)) if first else None,
    }
    tensors = {}
    for name, a, b in adapter.tensors():
        for letter, tensor in (("A", a), ("B", b)):
            tensors[f"base_model.model.{name}.lora_{letter}.weight"] = tensor.cpu().contiguous().clone()
    return Files(json.dumps(config, indent=2).encode(), save(tensors, metadata={"format": "pt"}))


def read(files: Files, shapes: Shapes) -> Adapter:
    """The adapter of a base whose layers have these `shapes`, to answer and not to be trained.

    RequestRefused, naming what is wrong, for another.
    """
    rank, alpha = _settings(files.config)
    if len(files.weights) > LARGEST:
        raise _refused(f"{WEIGHTS} has {len(files.weights):,} bytes", "Train an adapter of a lower rank.")
    try:
        tensors = load(files.weights)
    except (SafetensorError, ValueError) as error:
        raise _refused(f"{WEIGHTS} is no safetensors file", "Save the adapter with PEFT or labkit.") from error
    mine: dict[str, tuple[int, int]] = {}
    for name, tensor in tensors.items():
        found = _NAME.fullmatch(name)
        if found is None or found[1] not in shapes or found[3] not in TARGETS:
            raise _refused(f"it has a tensor {name[:120]!r}", "Train only the projections of the decoder's layers.")
        out, into = shapes[found[1]]
        wanted = (rank, into) if found[4] == "A" else (out, rank)
        if tuple(tensor.shape) != wanted:
            raise _refused(
                f"{name} is {tuple(tensor.shape)}, not {wanted}", "Train it on this base, with the rank it says."
            )
        if tensor.dtype not in (torch.float32, torch.float16, torch.bfloat16) or not bool(tensor.isfinite().all()):
            raise _refused(f"{name} has what is no number", "Train it again, with a lower learning rate.")
        mine[found[1]] = shapes[found[1]]
    lacks = [
        f"{name}.lora_{one}"
        for name in mine
        for one in "AB"
        if f"base_model.model.{name}.lora_{one}.weight" not in tensors
    ]
    if lacks or not mine:
        raise _refused(f"{lacks[0] if lacks else 'every tensor'} is missing", "Save the whole adapter again.")
    adapter = Adapter({name: shapes[name] for name in shapes if name in mine}, rank, alpha, seed=0, trained=False)
    for name, a, b in adapter.tensors():
        a.copy_(tensors[f"base_model.model.{name}.lora_A.weight"].float())
        b.copy_(tensors[f"base_model.model.{name}.lora_B.weight"].float())
    return adapter


def _settings(content: bytes) -> tuple[int, float]:
    """(rank, alpha), where the config is of a plain LoRA: anything else would be computed in another way."""
    try:
        config = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(f"{CONFIG} is no JSON", "Save the adapter again.") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise _refused("it is no LoRA adapter", "Train one with labkit.finetune or PEFT's LoRA.")
    for name in ("use_dora", "use_rslora", "fan_in_fan_out", "rank_pattern", "alpha_pattern", "modules_to_save"):
        if config.get(name):
            raise _refused(f"{CONFIG} sets {name}", "Train a plain LoRA adapter.")
    if config.get("bias", "none") != "none":
        raise _refused(f"{CONFIG} trains biases", "Train a plain LoRA adapter.")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if type(rank) is not int or not 1 <= rank <= MOST_RANK:
        raise _refused(f"its rank is {rank!r}"[:60], f"Train one of a rank from 1 to {MOST_RANK}.")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha <= 4096:
        raise _refused(f"its lora_alpha is {alpha!r}"[:60], "Train it with an alpha such as twice the rank.")
    return rank, float(alpha)


def _refused(what: str, instead: str) -> RequestRefused:
    return RequestRefused(f"This adapter cannot be used: {what}.", instead=instead)
