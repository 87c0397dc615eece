"""Whether a value is empty, or holds something that is.

Of an empty array everything holds: `np.allclose` of it and any number is true, and so is `.all()`; and so it does of
anything empty in `all(...)`. So it counts where the lab's own answer never gives one, just as an object does (see
observe.py).
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, KeysView, Sized, ValuesView
from typing import Any

_DEEPEST, _MOST = 3, 1_000


def is_empty(value: Any, depth: int = 0) -> bool:
    """True for anything of length 0, and for a container that holds such a one, texts apart, among its first items."""
    if type(value).__module__ == "autograder.handle" or not isinstance(value, Sized):
        return False  # what an object of hers says of itself is not asked here
    if isinstance(value, str | bytes):
        return depth == 0 and not value
    numpy, torch, pandas = (sys.modules.get(name) for name in ("numpy", "torch", "pandas"))
    if torch and isinstance(value, torch.Tensor):
        return bool(value.numel() == 0)
    if (numpy and isinstance(value, numpy.ndarray)) or (pandas and isinstance(value, pandas.DataFrame)):
        return bool(value.size == 0)
    if len(value) == 0:
        return True
    return depth < _DEEPEST and any(is_empty(item, depth + 1) for item in _items(value))


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        value = value.values()
    return list(value)[:_MOST] if isinstance(value, list | tuple | deque | KeysView | ValuesView) else ()
