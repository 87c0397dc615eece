"""What of a lab is graded, and for which outcome its points count, as pages need it: read once for each text.

Pages read it while an author may be writing, or a course is being put in its place: a text that cannot be read now is
what it was when it last could.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from pathlib import Path

from labkit.courses.course import Course, Lab
from labkit.courses.text import load_text
from labkit.errors import AuthorError, OperatorError


@dataclass(frozen=True)
class GradedCell:
    """`kind` is test, or answer or solution where a person grades it."""

    name: str
    kind: str
    points: float
    hidden: bool
    outcome: str


@dataclass(frozen=True)
class Weights:
    """How the points of a lab, or of a whole course, are given: by checks one sees, by hidden ones, by a person."""

    visible: float
    hidden: float
    person: float

    @property
    def whole(self) -> float:
        return self.visible + self.hidden + self.person


_Stamp = tuple[int, int, tuple[str, ...]]
_known: dict[Path, tuple[_Stamp, tuple[GradedCell, ...]]] = {}


def graded(lab: Lab) -> tuple[GradedCell, ...]:
    """The cells of lab.py that give points, in order; none where there is no text that can be read."""
    file = lab.text_file()
    before = _known.get(file)
    try:
        found = file.stat()
        stamp = (found.st_mtime_ns, found.st_size, lab.outcomes)
        if before is None or before[0] != stamp:
            before = _known[file] = (stamp, _read(lab))
    except (AuthorError, OperatorError, OSError):
        pass
    return before[1] if before else ()


def weights(lab: Lab) -> Weights:
    cells = graded(lab)
    tests = [cell for cell in cells if cell.kind == "test"]
    return Weights(
        visible=fsum(cell.points for cell in tests if not cell.hidden),
        hidden=fsum(cell.points for cell in tests if cell.hidden),
        person=fsum(cell.points for cell in cells if cell.kind != "test"),
    )


def outcomes_by_cell(course: Course) -> dict[tuple[str, str], str]:
    """(lab, cell) to the id of the outcome its points count for."""
    return {(lab.id, cell.name): cell.outcome for lab in course.labs for cell in graded(lab) if cell.outcome}


def _read(lab: Lab) -> tuple[GradedCell, ...]:
    cells = (cell for cell in load_text(lab).cells if cell.points)
    return tuple(GradedCell(cell.name, cell.kind, cell.points, cell.hidden, cell.outcome) for cell in cells)
