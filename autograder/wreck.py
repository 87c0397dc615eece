"""The answer that destroys what it is handed: right code, run on arguments emptied first.

A change to an argument is seen by the test (writeback.py), so a test that compares a result with the argument *after*
the call can be made to hold by emptying it. `labkit courses check` grades the reference this way; a test that still
holds in full would hold for such an answer, and is refused.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

WAYS = ("empty", "spike")


def wreck(how: str, value: Any) -> None:
    """In one of the WAYS: `empty` empties or zeroes what can be changed in place; `spike` leaves a one and zeros, so
    that what is divided by a sum or a length is still a number. Leaves the rest."""
    numpy, torch, pandas = (sys.modules.get(name) for name in ("numpy", "torch", "pandas"))
    if isinstance(value, list) and how == "spike" and value and all(type(one) in (int, float) for one in value):
        value[:] = [1, *[0] * (len(value) - 1)]
    elif isinstance(value, list | dict | set | deque | bytearray):
        value.clear()
    elif numpy and type(value) is numpy.ndarray and value.dtype.kind in "biufc":
        value.fill(0)
        if how == "spike" and value.size:
            value.flat[0] = 1
    elif torch and isinstance(value, torch.Tensor):
        with torch.no_grad():
            value.zero_()
            if how == "spike" and value.numel():
                value.view(-1)[0] = 1
    elif pandas and isinstance(value, pandas.Series) and value.dtype.kind in "biufc":
        value.iloc[:] = [int(how == "spike" and place == 0) for place in range(len(value))]
    elif pandas and isinstance(value, pandas.DataFrame):
        value._update_inplace(value.iloc[:0])
    elif isinstance(value, tuple):
        for part in value:
            wreck(how, part)
