"""Finds a learner's answers among her cells: by name and, where that is not enough, by what they were to define."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autograder.beside import Beside
from autograder.definitions import LONGEST, Defined, Definitions
from autograder.parts import Wanted, chosen, together

LONGEST_ANSWER = 1 << 20
MOST_OF_ONE = 100  # cells of one name; whoever has more has copies
# Cells of her own, from the last on, in which what an answer uses is looked for.
MOST_OWN, MOST_OWN_TEXT = 1_000, 512 << 10
_OTHER_CELL = re.compile(r"\s*%%(?!(?:time|capture|prun|memit)\b)")  # it binds nothing here
_Cells = list[dict[str, Any]]


class Answers:
    """Her `cells`, for the notebook of `released` ones; `old` are the starters of the release she worked on."""

    def __init__(self, released: _Cells, cells: _Cells, old: Mapping[str, str]) -> None:
        self._cells, self._old = cells, old
        self._sources = [_source(cell) for cell in cells]
        self._names = [_name(cell) for cell in cells]
        self._given = {text.strip() for text in (*("".join(cell["source"]) for cell in released), *old.values())}
        self._released = {cell["id"] for cell in released if "nbgrader" in cell["metadata"]}
        self._definitions = Definitions()
        self._starters = Definitions()  # ours: they take nothing from what may be read of hers
        self._beside = Beside(self._own, lambda: _bound(released, self._starters), self._definitions)
        self.along: dict[str, tuple[str, ...]] = {}  # what was taken from cells of her own, by answer

    def put_into(self, cell: dict[str, Any]) -> list[str]:
        """Puts her answer into `cell`; gives back what is to be noted."""
        name, starter, old = cell["id"], "".join(cell["source"]), self._old.get(cell["id"], "")
        wanted = self._wanted(starter) if cell["cell_type"] == "code" else None
        places = [place for place, one in enumerate(self._names) if one == name]
        texts = {place: text for place in places if (text := self._sources[place]) is not None}
        changed = {place: text for place, text in texts.items() if text.strip() not in {starter.strip(), old.strip()}}
        if not changed and (found := self._elsewhere(wanted, missing=not places)):
            return ["elsewhere", *self._take(cell, found)]
        if not places:
            return ["not_found"]
        original = next((place for place in places if self._cells[place].get("id") == name), None)
        first = places[0] if original is None else original
        looked_at = _first(changed, original)
        taken = chosen(looked_at, original, wanted, self._definitions) if changed else [first]
        if self._sources[taken[0]] is None:
            return ["not_text"]
        # What an older release asked is no answer: the new question stays.
        more = self._take(cell, taken) if changed or not old else []
        notes = ["split"] if len(taken) > 1 else []
        if (len(places) > 1 and not notes) or len(looked_at) < len(changed):
            notes.append("duplicate")
        if not changed and cell["cell_type"] == "markdown":
            notes.append("untouched")
        if self._cells[taken[0]].get("cell_type") != cell["cell_type"]:
            notes.append("retyped")
        return notes + more

    def _take(self, cell: dict[str, Any], places: list[int]) -> list[str]:
        text = "\n\n".join(str(self._sources[place]) for place in places)
        if cell["cell_type"] == "code" and text.strip() not in self._given:
            text, names = self._beside.join(text, places)
            self.along |= {cell["id"]: names} if names else {}
        cell["source"] = text.splitlines(keepends=True)
        return ["helpers"] if cell["id"] in self.along else []

    def _own(self) -> dict[int, str]:
        found, room = dict[int, str](), MOST_OWN_TEXT
        for place in self._last_first(own=True):
            text = self._sources[place]
            if text is None or len(text) > LONGEST or text.strip() in self._given or _OTHER_CELL.match(text):
                continue
            room -= len(text)
            if room < 0 or len(found) == MOST_OWN:
                break
            found[place] = text
        return found

    def _wanted(self, starter: str) -> Wanted:
        known = self._starters.of(starter)
        return Wanted(known.bound, known.left) if known else Wanted()

    def _elsewhere(self, wanted: Wanted | None, *, missing: bool) -> list[int]:
        """Where a code answer stands that is not in its own cell: merged into another (if its own is `missing`), or
        written into cells of her own. It is known by what it defines; the whole cell it stands in is run in its
        place, and the last one counts, as it does in her notebook."""
        if wanted is None or not wanted.names:
            return []
        for places in (self._last_first(own=True), self._last_first(own=False) if missing else []):
            known = self._known(places, wanted)
            for fits in (wanted.answered, wanted.begun):
                for place, one in known.items():
                    if fits(one):
                        return [place]
            if missing and (parts := together(known, known, wanted, apart=True)):
                return parts
        return []

    def _last_first(self, *, own: bool) -> list[int]:
        """Her code cells that are not as they were given: those she added, or those that stand for another."""
        places = [place for place, name in enumerate(self._names) if (name in self._released) is not own]
        return [place for place in reversed(places) if self._cells[place].get("cell_type") == "code"]

    def _known(self, places: Iterable[int], wanted: Wanted) -> dict[int, Defined]:
        """What may define something wanted. A cell that does not even hold such a word is not read."""
        found = dict[int, Defined]()
        for place in places:
            text = self._sources[place]
            if text is None or text.strip() in self._given:
                continue
            if text.isascii() and not any(name in text for name in wanted.names):
                continue
            if (one := self._definitions.of(text)) is not None:
                found[place] = one
        return found


def _first(cells: Mapping[int, str], original: int | None) -> dict[int, str]:
    """The original and the first of the others, in order."""
    if len(cells) <= MOST_OF_ONE:
        return dict(cells)
    kept = {original, *[place for place in cells if place != original][: MOST_OF_ONE - 1]}
    return {place: text for place, text in cells.items() if place in kept}


def _bound(released: _Cells, read: Definitions) -> set[str]:
    """What the lab's own code is to bind in her process; a `demo` cell is not run there, nor is a test."""
    sources = ("".join(cell["source"]) for cell in released if _kind(cell) in {"code", "solution"})
    run = [one for source in sources if (one := read.of(source)) is not None]
    return {name for one in run for name in one.bound}


def _kind(cell: dict[str, Any]) -> object:
    return cell["metadata"].get("labkit", {}).get("kind")


def _name(cell: dict[str, Any]) -> str | None:
    """What the cell answers: its nbgrader name, which a copy and a part keep, or its id."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    name = name if isinstance(name, str) else cell.get("id")
    return name if isinstance(name, str) else None


def _source(cell: dict[str, Any]) -> str | None:
    source = cell.get("source", cell.get("input"))  # nbformat 3 calls a code cell's text its input
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > LONGEST_ANSWER:
        return None
    return source.encode("utf-8", "replace").decode()  # a lone surrogate could be neither run nor stored
