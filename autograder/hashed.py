"""How much of a stranger's may be hashed here.

Values can be chosen to share one hash; then a set of n takes n * n steps to build, on our side. Not covered: whole
numbers of 64 bits chosen for the tables inside pandas; an index of several levels is short instead (see tables.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

MOST_HASHED = 500_000
_MOST_ALIKE = 100


class TooAlike(ValueError):
    """Too many, or too many of one hash."""


def refuse_alike(items: Collection[Any]) -> None:
    if len(items) > MOST_HASHED or len(items) - len(set(map(hash, items))) > _MOST_ALIKE:
        raise TooAlike("too large to hash")


def refuse_alike_among(items: Iterable[Any]) -> None:
    """The same of values that may repeat; a set of them would already be what is to be refused."""
    seen: dict[int, list[Any]] = {}
    alike = 0
    for item in items:
        known = seen.setdefault(hash(item), [])
        if any(item is one or item == one for one in known):
            continue
        alike += bool(known)
        known.append(item)
        if alike > _MOST_ALIKE or len(seen) > MOST_HASHED:
            raise TooAlike("too large to hash")
