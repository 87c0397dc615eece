"""A file of `submissions/`: an answer as a learner might send it, and the score it must get.

# score: >=90%                          or 42 (points), 42%, <=60%, and `loses NAME` (that test is not full)
# %% solution="clip"
def clip(x, low, high): ...
# %% solution="again"
                                      an empty solution is the lab's own; one that is left out is not answered
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.course import Lab
from labkit.courses.text import Cell, load_text, read_cells
from labkit.errors import AuthorError

_SCORE = re.compile(r"# score:\s*(?P<sign>>=|<=|)\s*(?P<number>\d+(?:\.\d+)?)(?P<unit>%?)(?:\s+loses\s+(?P<loses>.+))?")
_INSTEAD = "Write `# score: 42`, `# score: >=90%` or `# score: <=60% loses clip-properties`."


@dataclass(frozen=True)
class Bound:
    """What a score must be: exactly (`sign` "="), at least or at most; in points, or in percent of `of`."""

    sign: str
    number: float
    percent: bool = False
    loses: tuple[str, ...] = ()

    def holds(self, score: float, of: float) -> bool:
        limit = self.number * of / 100 if self.percent else self.number
        slack = 1e-6
        within = {"=": abs(score - limit) <= 0.005, ">=": score >= limit - slack, "<=": score <= limit + slack}
        return within[self.sign]

    def __str__(self) -> str:
        sign = "" if self.sign == "=" else self.sign
        loses = f" loses {', '.join(self.loses)}" if self.loses else ""
        return f"{sign}{self.number:g}{'%' if self.percent else ''}{loses}"


@dataclass(frozen=True)
class Attempt:
    name: str
    bound: Bound
    answers: Mapping[str, str]


def load_attempts(lab: Lab) -> tuple[Attempt, ...]:
    return tuple(load_attempt(lab, path) for path in sorted((lab.path / "submissions").glob("*.py")))


def load_attempt(lab: Lab, path: Path) -> Attempt:
    """Refuses a name that is no cell of the lab: an answer nobody reads would prove nothing."""
    cells = {cell.id: cell for cell in load_text(lab).cells}
    bound = _bound(path, cells)
    answers: dict[str, str] = {}
    for cell in read_cells(path, points_needed=False, skip=1):
        wanted = cells.get(cell.name)
        if cell.kind not in ("solution", "answer") or wanted is None or wanted.kind != cell.kind:
            known = ", ".join(
                f'{one.kind}="{one.name}"' for one in cells.values() if one.kind in ("solution", "answer")
            )
            found = f"{cell.kind} {cell.name!r} is no answer of this lab"
            raise AuthorError(str(path), cell.line, found, instead=f"Its answers are {known}.")
        if cell.name in answers:
            raise AuthorError(str(path), cell.line, f"{cell.name!r} is answered twice", instead="Keep one.")
        answers[cell.name] = cell.source or wanted.reference
    return Attempt(path.stem, bound, answers)


def _bound(path: Path, cells: Mapping[str, Cell]) -> Bound:
    first = (path.read_text("utf-8").splitlines() or [""])[0]
    match = _SCORE.fullmatch(first.strip())
    if match is None:
        raise AuthorError(str(path), 1, f"the first line is {first!r}", instead=_INSTEAD)
    loses = tuple(re.split(r"[,\s]+", match["loses"].strip())) if match["loses"] else ()
    for name in loses:
        if name not in cells or cells[name].kind != "test":
            tests = ", ".join(cell.name for cell in cells.values() if cell.kind == "test")
            raise AuthorError(str(path), 1, f"there is no test {name!r}", instead=f"Tests of this lab: {tests}.")
    return Bound(match["sign"] or "=", float(match["number"]), bool(match["unit"]), loses)
