"""How much a learner may use, and the ledger that holds her to it: reserve before a call, settle after it."""

from labkit.allowance.ledger import Ledger, Reservation
from labkit.allowance.rule import Balance, Rule, Window, window

__all__ = ["Balance", "Ledger", "Reservation", "Rule", "Window", "window"]
