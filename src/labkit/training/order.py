"""Which rows a step learns from: each epoch goes through all of them once, in an order of its own.

It follows from the seed and the step alone, so a job that goes on after a crash sees the same rows it would have seen.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def batch(rows: Sequence[T], size: int, step: int, seed: int) -> list[T]:
    """The rows of a step (from 0). A batch may end one epoch and begin the next."""
    first = step * size
    found, orders = [], dict[int, list[int]]()
    for place in range(first, first + size):
        epoch, at = divmod(place, len(rows))
        if epoch not in orders:
            orders[epoch] = list(range(len(rows)))
            random.Random(f"{seed} {epoch}").shuffle(orders[epoch])
        found.append(rows[orders[epoch][at]])
    return found
