"""Cells of a lab's text that were made of a notebook's, and what is kept beside them for those who grade."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from labkit.courses.imports.names import Taken
from labkit.courses.imports.report import Notes


@dataclass(frozen=True)
class Made:
    """A cell of a lab's text; `place` and `notes` lead back to the notebook's."""

    kind: str  # prose | code | demo | solution | test | answer
    source: str
    place: str
    notes: Notes
    name: str = ""
    points: float = 0
    hidden: bool = False


@dataclass
class Converted:
    """`asides` is for those who grade, by what it is: model answers, mark schemes, tests that were set aside."""

    cells: list[Made] = field(default_factory=list)
    asides: list[tuple[str, str]] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    taken: Taken = field(default_factory=Taken)
    seen: set[str] = field(default_factory=set)


def set_aside(to: Converted, name: str, why: str) -> None:
    """A test that cannot be graded here: what learners see becomes a demo, a hidden one is kept for its author."""
    for at, cell in enumerate(to.cells):
        if cell.kind == "test" and cell.name == name:
            told = f"the test {name} is set aside and gives no points: {why}"
            cell.notes.lost(told, cell.place, cell.points)
            to.names[:] = [(old, f"{new} (set aside)" if new == name else new) for old, new in to.names]
            to.asides.append((f"The test {name}, set aside", fenced(cell.source)))
            to.cells[at : at + 1] = [] if cell.hidden else [replace(cell, kind="demo", name="", points=0)]
            return


def fenced(source: str, language: str = "python") -> str:
    """As a block of code in Markdown, whatever stands in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", source)), default=0))
    return f"{fence}{language}\n{source.strip(chr(10))}\n{fence}"
