"""Whether a value is empty, or holds an array that is.

Of an empty array everything holds: `np.allclose` of it and any number is true, and so is `.all()`. So it counts where
the lab's own answer never gives one, just as an object does (see observe.py).
"""

from __future__ import annotations

import sys
from typing import Any

_DEEPEST, _MOST = 3, 1_000


def is_empty(value: Any, depth: int = 0) -> bool:
    """True for an empty container, and for one that holds an empty array among its first items."""
    if isinstance(value, list | tuple | set | frozenset | dict):
        if not value:
            return depth == 0
        items = list(value.values() if isinstance(value, dict) else value)[:_MOST]
        return depth < _DEEPEST and any(is_empty(item, depth + 1) for item in items)
    numpy, torch, pandas = (sys.modules.get(name) for name in ("numpy", "torch", "pandas"))
    if numpy and isinstance(value, numpy.ndarray):
        return bool(value.size == 0)
    if torch and isinstance(value, torch.Tensor):
        return bool(value.numel() == 0)
    if pandas and isinstance(value, pandas.DataFrame | pandas.Series | pandas.Index):
        return bool(value.size == 0)
    return False
