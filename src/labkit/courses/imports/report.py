"""What an import did: each lab, every cell that got another name, and what was changed or is not carried over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """`lost`: it is not carried over, with the `points` it had; else it was changed on the way."""

    file: str
    cell: str
    told: str
    lost: bool = False
    points: float = 0

    def __post_init__(self) -> None:
        """What a notebook names may be anything: it is shown short, and without what would move a terminal's cursor."""
        for name in ("file", "cell", "told"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.file, self.cell) if part)
        points = f" ({counted(self.points, 'point')})" if self.points else ""
        return f"{place}: {self.told}{points}"


@dataclass
class Notes:
    """Gathers notes about one file."""

    file: str
    all: list[Note] = field(default_factory=list)

    def changed(self, told: str, cell: str = "") -> None:
        self.all.append(Note(self.file, cell, told))

    def lost(self, told: str, cell: str = "", points: float = 0) -> None:
        self.all.append(Note(self.file, cell, told, True, points))


@dataclass(frozen=True)
class LabReport:
    """`names` says which cells of the notebook became which of the lab; `before` is what nbgrader gave at most, the
    other points are those of the lab as it is now. `refused` says why labkit cannot build it yet."""

    id: str
    notebook: str
    automatic: float
    manual: float
    before: float = 0
    names: tuple[tuple[str, str], ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Report:
    course: str
    origin: str
    labs: tuple[LabReport, ...]
    notes: tuple[Note, ...]
    packages: tuple[str, ...] = ()
    people: int = 0
    scores: int = 0

    @property
    def lost(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.lost)

    @property
    def changed(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if not note.lost)

    def to_json(self) -> dict[str, Any]:
        labs = [{**vars(lab), "names": [{"from": old, "to": new} for old, new in lab.names]} for lab in self.labs]
        told = {"lost": self.lost, "changed": self.changed}
        notes = {
            name: [{"file": one.file, "cell": one.cell, "told": one.told, "points": one.points} for one in some]
            for name, some in told.items()
        }
        about = {"course": self.course, "from": self.origin, "labs": labs, "packages": list(self.packages)}
        return {**about, **notes, "people": self.people, "scores": self.scores}


def printable(text: str, most: int = 400) -> str:
    """In one line that any terminal and any text file can hold."""
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text[: most + 1])
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def counted(number: float, what: str) -> str:
    return f"{number:g} {what}" if number == 1 else f"{number:g} {what}s"


def markdown(report: Report) -> str:
    """IMPORT.md."""
    lines = [f"# {report.course}, imported from {report.origin}", "", *_table(report), ""]
    for title, notes in (("Not carried over", report.lost), ("Changed on the way", report.changed)):
        lines += [f"## {title}", "", *([f"- {_plain(note)}" for note in notes] or ["Nothing."]), ""]
    lines += ["## Names", "", "Every cell of a name, and what it is called now.", "", *_names(report), ""]
    lines += ["## What to do next", "", *_next(report), ""]
    return "\n".join(lines)


def _table(report: Report) -> list[str]:
    rows = [
        f"| {lab.id} | {_plain(lab.notebook)} | {lab.before:g} | {lab.automatic:g} | {lab.manual:g} |"
        for lab in report.labs
    ]
    return ["| lab | notebook | points in nbgrader | automatic here | by hand here |", "|---|---|---|---|---|", *rows]


def _names(report: Report) -> list[str]:
    rows = [f"| {lab.id} | {_plain(old)} | {new} |" for lab in report.labs for old, new in lab.names]
    return ["| lab | before | now |", "|---|---|---|", *rows]


def _next(report: Report) -> list[str]:
    steps = [
        f"1. `labkit courses check {report.course}` grades each lab's own answer and its starter, and names what would "
        "trouble learners. Mend what it says.",
        "2. Read each lab's README.md, where there is one: model answers, mark schemes and tests that were set aside.",
    ]
    steps.append("3. Models are closed to learners in these labs, as they were: `ai_policy` in course.toml opens them.")
    if report.packages:
        steps.append(f"4. Install {', '.join(report.packages)} where learners' servers and the grader run.")
    if report.people or report.scores:
        steps.append(
            f"{len(steps) + 1}. roster.csv and history.csv tell of people: `labkit roster plan roster.csv` first, "
            "and keep both out of version control."
        )
    return steps


def _plain(text: object) -> str:
    """In one line, and a table's cell stays one."""
    return " ".join(str(text).split()).replace("|", "\\|")
