"""How much a learner may use, and the ledger that holds her to it: reserve before a call, settle after it.

A learner's `labkit.allowance()` has this room's name. Wherever the room is imported too (the grader, the suite), Python
puts the module in the function's place; so the module can be called, and answers as the function does.
"""

from __future__ import annotations

import sys
from types import ModuleType

from labkit.allowance.ledger import Ledger, Reservation, Settlement, Told
from labkit.allowance.order import Asked, Order
from labkit.allowance.rule import Balance, Rule, Share, Window, window
from labkit.client import Allowance
from labkit.client import allowance as _her_allowance

__all__ = [
    "Asked",
    "Balance",
    "Ledger",
    "Order",
    "Reservation",
    "Rule",
    "Settlement",
    "Share",
    "Told",
    "Window",
    "window",
]


class _Room(ModuleType):
    def __call__(self) -> Allowance:
        return _her_allowance()


sys.modules[__name__].__class__ = _Room
