"""A lab that every way grades, and finished notebooks of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.courses import Lab, build, load_course, load_text, notebook

_ROOT = Path(__file__).resolve().parents[2]
SUBJECTS: dict[str, tuple[Path, str, str]] = {
    "light": (_ROOT / "courses", "testing", "clip"),
    "train": (_ROOT / "benchmarks" / "grading" / "courses", "speed", "train"),
    "prompt": (_ROOT / "courses", "prompting", "message-triage"),
}


@dataclass(frozen=True)
class Subject:
    """`built` holds the course's notebooks as `labkit courses build` makes them."""

    name: str
    courses: Path
    lab: Lab
    built: Path

    @property
    def grader_notebook(self) -> Path:
        return self.built / "grader" / self.lab.id / f"{self.lab.id}.ipynb"

    @property
    def most(self) -> float:
        """The automatic points there are."""
        return sum(cell.points for cell in load_text(self.lab).of("test"))

    def finished(self, number: int) -> bytes:
        """The notebook of the learner of this number: solved, and unlike anybody else's."""
        solved = notebook(self.lab, load_text(self.lab), "reference")
        for cell in solved["cells"]:
            if cell["metadata"]["labkit"]["kind"] == "solution":
                cell["source"] = _own(cell["source"], number)
            if cell["metadata"]["labkit"]["kind"] == "answer":
                cell["source"] = [f"What I think about it, number {number}."]
        return json.dumps(solved).encode()

    def tests(self) -> list[tuple[str, float, str]]:
        """Name, points and source of each test."""
        return [(cell.id, cell.points, cell.source) for cell in load_text(self.lab).of("test")]


def subject(name: str, folder: Path) -> Subject:
    courses, course, lab = SUBJECTS[name]
    loaded = load_course(courses, course)
    build(loaded, folder / course)
    return Subject(name, courses, loaded.lab(lab), folder / course)


def learner(number: int) -> dict[str, Any]:
    name = f"learner{number:02}"
    return {"id": name, "first_name": name, "last_name": "", "email": f"{name}@example.org"}


def _own(source: list[str], number: int) -> list[str]:
    # In a prompt lab the answer is a text: what stands before its examples makes it one's own.
    if source[0].startswith('TEMPLATE = """'):
        return [source[0], f"Office {number} of the city.\n\n", *source[1:]]
    return [f"# written by number {number}\n", *source]
