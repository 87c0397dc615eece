"""A job's state on the disk: written whole or not at all, so that one that was cut short goes on from it.

Weights and both moments of the optimiser, float32, with the step and what it belongs to; a job that goes on from it
ends with the same bits as one that was never cut short.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from labkit import durable
from labkit.training.cotrainer import Trained

_DIGEST = hashlib.sha256().digest_size  # bytes before it: what is damaged is not believed
_MOMENTS = ("exp_avg", "exp_avg_sq")


def write(path: Path, job: Trained, about: dict[str, Any]) -> None:
    """`about` is what must be the same when it is read: the spec, and the data's hash."""
    state = job.optimizer.state[job.optimizer.param_groups[0]["params"][0]]
    tensors = {"weights": job.adapter.weights} | {name: state[name] for name in _MOMENTS if name in state}
    content = save(tensors, metadata={"step": str(job.step), "about": _text(about)})
    durable.write(path, hashlib.sha256(content).digest() + content, mode=0o600)


def read(path: Path, job: Trained, about: dict[str, Any]) -> bool:
    """Puts the job where the checkpoint left it; False, and nothing changed, if it is none of this job's or damaged."""
    try:
        whole = path.read_bytes()
    except OSError:
        return False
    digest, content = whole[:_DIGEST], whole[_DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        return False
    metadata, tensors = _metadata(content), load(content)
    step, weights = int(metadata.get("step", 0)), tensors.get("weights")
    if metadata.get("about") != _text(about) or weights is None or weights.shape != job.adapter.weights.shape:
        return False
    job.adapter.load(weights)
    parameter = job.optimizer.param_groups[0]["params"][0]
    if all(name in tensors for name in _MOMENTS):
        moments = {name: tensors[name] for name in _MOMENTS}
        job.optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
    job.step = step
    return True


def _metadata(content: bytes) -> dict[str, str]:
    """What stands beside the tensors: safetensors begins with the length of its header, eight bytes, then the header
    as JSON (https://github.com/huggingface/safetensors#format)."""
    size = int.from_bytes(content[:8], "little")
    found: dict[str, str] = json.loads(content[8 : 8 + size]).get("__metadata__", {})
    return found


def _text(about: dict[str, Any]) -> str:
    return json.dumps(about, sort_keys=True)
