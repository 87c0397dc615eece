"""Puts the author's data back as it was when a test began.

A call may change what it is handed, and the test sees that (writeback.py). The next test must not: an answer could
otherwise empty, in one test, the very data another test works out its expected values from.

Not covered: what the author's own functions change outside of their arguments, and data of more than `MOST_SEEN` parts.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Iterator
from typing import Any

from autograder import writeback

MOST_SEEN = 1_000_000
_ATOMS = (int, float, bool, str, bytes, complex, type(None))


class Undo:
    """`begin` with the values that were there before the test; `note` each argument just before it is changed."""

    def __init__(self) -> None:
        self._there: list[object] = []
        self._theirs: set[int] | None = None
        self._before: dict[int, tuple[Any, Any]] = {}

    def begin(self, there: Iterable[object]) -> None:
        for value, before in self._before.values():
            with contextlib.suppress(ValueError):
                writeback.apply(value, before)
        self._before.clear()
        self._there, self._theirs = list(there), None

    def note(self, value: Any) -> None:
        """What a test made for itself is not kept: a loop may make very much of it."""
        if self._theirs is None:
            self._theirs = {id(part) for part in _parts(self._there)}
        for part in _parts([value]):
            if id(part) in self._theirs and id(part) not in self._before:
                with contextlib.suppress(Exception):  # an object of the author's that cannot be copied
                    self._before[id(part)] = part, copy.deepcopy(part)


def _parts(values: Iterable[object]) -> Iterator[object]:
    """The values and what they hold, but for what cannot change."""
    waiting, seen = list(values), set[int]()
    while waiting and len(seen) < MOST_SEEN:
        value = waiting.pop()
        if type(value) in _ATOMS or id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        if isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif hasattr(type(value), "__dataclass_fields__"):
            waiting.extend(vars(value).values() if hasattr(value, "__dict__") else ())
