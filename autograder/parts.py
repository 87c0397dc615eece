"""Which of several cells make up one answer: whole answers, their copies, and the parts of a cell that was split.

Known by what the answer is to define. Not covered: a part that matters in another way than by names, standing apart
from the others; and a cell cut in two within a function, which is Python in neither half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.definitions import UNREAD, Defined, Definitions


@dataclass(frozen=True)
class Wanted:
    """The names an answer is to define, and which of them its starter leaves to do."""

    names: frozenset[str] = frozenset()
    to_do: frozenset[str] = frozenset()

    def whole(self, cell: Defined) -> bool:
        return self.names <= cell.bound and not self.names & cell.needed

    def answered(self, cell: Defined) -> bool:
        return self.whole(cell) and not self.to_do & cell.left

    def begun(self, cell: Defined) -> bool:
        return self.whole(cell) and bool(self.to_do - cell.left)

    def given(self, cell: Defined) -> frozenset[str]:
        return (self.names & cell.bound) - (self.to_do & cell.left)

    def goes_on(self, cell: Defined) -> bool:
        """It defines again what it needs first, as `model = trained(model)` does: no copy."""
        return bool(self.names & cell.bound & cell.needed)


def chosen(
    cells: Mapping[int, str], original: int | None, wanted: Wanted | None, definitions: Definitions
) -> list[int]:
    """The places, in order, of those `cells` (text by place, in order) that make up the answer.
    Of a written answer (`wanted` is None) nothing is asked but that its parts stand together."""
    first = [place for place in cells if place == original]  # before its copies
    distinct = {cells[place]: place for place in reversed([*first, *(place for place in cells if place != original)])}
    if len(distinct) == 1:
        return list(distinct.values())
    if wanted is None:
        return _neighbours(sorted(distinct.values()), list(cells)) or [*first, *cells][:1]
    found = {place: definitions.of(cells[place]) for place in sorted(distinct.values())}
    known = {place: one for place, one in found.items() if one is not None}
    by_rank = [place for place in (*first, *found) if place in (known or found)]
    if not wanted.names or not known or any(one is UNREAD for one in known.values()):
        return _neighbours(list(known or found), list(cells)) or by_rank[:1]
    for fits in (wanted.answered, wanted.begun, wanted.whole):
        for place in by_rank:
            if fits(known[place]):
                return _with_parts(place, known, wanted, list(cells))
    return together(known, by_rank, wanted, apart=False) or _neighbours(list(known), list(cells)) or by_rank[:1]


def together(known: Mapping[int, Defined], ranked: Iterable[int], wanted: Wanted, *, apart: bool) -> list[int]:
    """Cells of which each gives what the ones before it in rank do not. With `apart` they have nothing else in common:
    they must give everything, and no other cell belongs to them."""
    have, takes = frozenset[str](), set[int]()
    for place in ranked:
        if more := wanted.given(known[place]) - have:
            have, takes = have | more, takes | {place}
    if apart or not takes:
        return sorted(takes) if have == wanted.names else []
    rest = [place for place in known if place not in takes]
    for place in rest:
        one = known[place]
        goes_on = place > min(takes) and (wanted.goes_on(one) or not one.bound & wanted.names)
        if goes_on or (one.bound and not (one.bound | one.needed) & wanted.names):
            takes.add(place)
    return sorted(takes)


def _with_parts(whole: int, known: Mapping[int, Defined], wanted: Wanted, places: list[int]) -> list[int]:
    """A whole answer with what else was cut from it; a copy, broken or older, would define the same names again."""
    runs = {place: place - rank for rank, place in enumerate(places)}  # the same for all that stand side by side
    return [place for place in known if place == whole or _belongs(place, whole, known, wanted, runs)]


def _belongs(place: int, whole: int, known: Mapping[int, Defined], wanted: Wanted, runs: Mapping[int, int]) -> bool:
    one, needed = known[place], bool(known[place].bound & known[whole].used)
    near = runs[place] == runs[whole]
    if one.bound & wanted.names:
        return place > whole and wanted.goes_on(one)
    if place < whole:
        return bool(one.bound) and (near or needed) and not one.needed & wanted.names
    return near or needed or bool(one.used & wanted.names)


def _neighbours(known: list[int], places: list[int]) -> list[int]:
    """Where nothing tells parts from copies: cells that stand together and carry one name were one."""
    return known if places[-1] - places[0] == len(places) - 1 else []
