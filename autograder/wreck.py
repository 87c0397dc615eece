"""The answer that destroys what it is handed: right code, run on arguments emptied first.

A change to an argument is seen by the test (writeback.py), so a test that compares a result with the argument *after*
the call can be made to hold by emptying it. `labkit courses check` grades the reference this way; a test that still
holds in full would hold for such an answer, and is refused.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any


def empty(value: Any) -> None:
    """Empties or zeroes what can be changed in place; leaves the rest."""
    numpy, torch, pandas = (sys.modules.get(name) for name in ("numpy", "torch", "pandas"))
    if isinstance(value, list | dict | set | deque | bytearray):
        value.clear()
    elif numpy and type(value) is numpy.ndarray and value.dtype.kind in "biufc":
        value.fill(0)
    elif torch and isinstance(value, torch.Tensor):
        with torch.no_grad():
            value.zero_()
    elif pandas and isinstance(value, pandas.DataFrame):
        value._update_inplace(value.iloc[:0])
    elif isinstance(value, tuple):
        for part in value:
            empty(part)
