"""What an answer uses from cells of the learner's own, as it does in her kernel: an import, a function, a constant.

Just the statements that bind those names are taken, and what these use in turn, the last one of each name; a statement
that only runs something never is. What it covers: names that neither the answer, an answer above it nor the lab's own
code binds. What it does not: an assignment or import that raises stops the answer it was taken for, though no check
may ever reach it; and what a text longer than definitions.LONGEST binds or uses, which is not read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from autograder.definitions import UNREAD, Defined, Definitions, unprompted
from autograder.pieces import Span, cut

MOST_TAKEN = 100  # statements for one answer: one that uses more is left as it is
MOST_NAMES = 300  # looked for in one notebook
_WORD = re.compile(r"\w+")
_TAKEN_OFF = re.compile(r"\s*?(?:^[ \t]+\S|>>>)", re.M)  # from the whole of a cell
_CELL_MAGIC = re.compile(r"\s*%%.*")


@dataclass(frozen=True, order=True)
class _Statement:
    place: int
    span: Span


_Asked = tuple[str, _Statement | None]  # a name, and what needs it while it runs


class Beside:
    """`cells` gives the text of her own code cells by place, in order; it is called once somebody needs them."""

    def __init__(self, cells: Callable[[], Mapping[int, str]], known: Callable[[], set[str]], read: Definitions):
        self._get_cells, self._get_known, self._definitions = cells, known, read
        self._above = set[str]()
        self._found: dict[str, list[_Statement]] = {}
        self._cuts: dict[_Statement, str] = {}

    def join(self, text: str, places: Iterable[int]) -> tuple[str, tuple[str, ...]]:
        """The answer `text`, which stands at `places`, with what it uses put above it; and the names of that."""
        answer = self._definitions.of(text)
        if answer is None:
            return text, ()
        taken: dict[_Statement, str] = {}
        names = set[str]()
        if answer.sought - self._above:
            names = self._gather(answer, set(places), taken)
        self._above |= answer.bound | names
        if not taken:
            return text, ()
        return _put("\n\n".join(taken[one] for one in sorted(taken)), text, answer), tuple(sorted(names))

    def _gather(self, answer: Defined, but: set[int], taken: dict[_Statement, str]) -> set[str]:
        """Fills `taken`, and gives the names it is taken for; nothing where it would be too much."""
        names, seen = set[str](), set[_Asked]()
        asked: list[_Asked] = [(name, None) for name in self._missing(answer)]
        while asked:
            name, before = asked.pop()
            one = None if (name, before) in seen else self._last(name, before, but)
            seen.add((name, before))
            text = self._cut(one) if one else ""
            found = self._definitions.of(text)
            if one is None or found is None or found is UNREAD:
                continue
            names.add(name)
            if one in taken:
                continue
            taken[one] = text
            if len(taken) > MOST_TAKEN:
                taken.clear()
                return set()
            asked += [(more, one if more in found.needed else None) for more in self._missing(found)]
        return names

    def _missing(self, one: Defined) -> list[str]:
        missing = one.sought - self._above
        return sorted(missing - self._known) if missing else []

    def _last(self, name: str, before: _Statement | None, but: set[int]) -> _Statement | None:
        """What binds the name last; for one who needs it while it runs, last before it, if anything does."""
        every = [one for one in self._binding(name) if one.place not in but]
        if before is not None:
            earlier = every[: bisect_left(every, before)]
            every = earlier or [one for one in every if one != before]
        return every[-1] if every else None

    def _binding(self, name: str) -> list[_Statement]:
        """All that binds it, in order. A cell that does not even hold the word is not read."""
        if name not in self._found:
            if len(self._found) >= MOST_NAMES:
                return []
            self._found[name] = sorted(
                _Statement(place, span)
                for place, words in self._words.items()
                if words is None or name in words
                for span in self._read_at(place).spans.get(name, ())
            )
        return self._found[name]

    def _cut(self, one: _Statement) -> str:
        if one not in self._cuts:
            self._cuts[one] = cut(self._read_at(one.place).read, one.span)
        return self._cuts[one]

    def _read_at(self, place: int) -> Defined:
        return self._definitions.of(self._cells[place]) or UNREAD

    @cached_property
    def _known(self) -> set[str]:
        return self._get_known()

    @cached_property
    def _cells(self) -> Mapping[int, str]:
        return self._get_cells()

    @cached_property
    def _words(self) -> dict[int, frozenset[str] | None]:
        """None where a name may be spelled in another way than it is known by."""
        return {
            place: frozenset(_WORD.findall(text)) if text.isascii() else None for place, text in self._cells.items()
        }


def _put(above: str, text: str, answer: Defined) -> str:
    """Below what has to stay first: a cell magic, and `from __future__`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = unprompted(text) if _TAKEN_OFF.match(text) else text
    magic = _CELL_MAGIC.match(text)
    top = max(answer.head, text[: magic.end()].count("\n") + 1 if magic else 0)
    lines = text.split("\n")
    return "\n".join([*lines[:top], above, "", *lines[top:]])
