"""Rows that are held back, so that what was learned can be told from what was learned by heart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def split(rows: Sequence[T], share: float, seed: int) -> tuple[list[T], list[T]]:
    """(rows to learn from, rows held back): a share of the rows, drawn by the seed; rows that are alike stay together,
    since whoever has learned one knows the other. None are held back where all are alike, or where `share` is 0."""
    unlike: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        unlike.setdefault(repr(row), []).append(place)
    groups = list(unlike.values())
    if len(groups) < 2 or not share:
        return list(rows), []
    random.Random(seed).shuffle(groups)
    wanted, held = max(1, round(share * len(rows))), set[int]()
    for group in groups[:-1]:
        if len(held) >= wanted:
            break
        held.update(group)
    return (
        [row for place, row in enumerate(rows) if place not in held],
        [row for place, row in enumerate(rows) if place in held],
    )
