"""How much memory a training takes beside its base, estimated from above before it is admitted.

An adapter is there four times (weights, gradients, both moments), in float32. A pass keeps, for each of its tokens and
in every layer above the lowest adapter, what its backward pass needs: counted in widths of the hidden state and of the
feed-forward layer, as measured in tests/labkit/training/test_memory.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit.training.cotrainer import PASS_TOKENS
from labkit.training.lora import Shapes
from labkit.training.spec import Spec

_COPIES, _FLOAT = 4, 4
_HIDDEN, _FORWARD = 16, 6  # tensors of each width that a layer keeps of a token
_LOGITS = 3 * 256  # rows of the vocabulary that are there at once, see losses.py


def estimate(spec: Spec, step_tokens: float, config: Any, shapes: Shapes) -> int:
    """Bytes of one training that alone is in a pass; `config` is its base's, `shapes` what it changes."""
    adapter = sum(spec.rank * (out + into) for out, into in shapes.values()) * _COPIES * _FLOAT
    tokens = min(max(step_tokens, float(spec.length)), max(PASS_TOKENS, spec.length))
    layers = config.num_hidden_layers - spec.first_layer(config.num_hidden_layers)
    kept = tokens * layers * (_HIDDEN * config.hidden_size + _FORWARD * config.intermediate_size) * _FLOAT
    # Attention keeps a square of a row's length for every head where no fused way is there.
    squares = config.num_attention_heads * spec.length**2 * _FLOAT
    return int(adapter + kept + squares + _LOGITS * config.vocab_size * _FLOAT)


def free() -> int:
    """Bytes that are free on this machine, or in this container."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    found = int(lines["MemAvailable"].split()[0]) * 1024
    group = Path("/sys/fs/cgroup")
    try:
        most, now = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:  # no limit of its own
        return found
    return max(0, min(found, int(most) - int(now))) if most.isdecimal() else found
