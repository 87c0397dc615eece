"""Hostile submissions as data: a folder each, with what the submission may get at most.

expect.toml: lab, most, why; and course, exactly, note, limits where needed. Beside it the submission:
answers.py (answers as in a course's `submissions/`), or make.py, whose `submission(notebook, cells)` makes bytes from
a notebook whose answers are right and from its cells by name. `files/` are handed in with it, `links` (name to
target) are links among those.
"""

from __future__ import annotations

import functools
import json
import runpy
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.bounds import with_answers
from labkit.courses import Lab, Limits, load_course, load_text, notebook
from labkit.courses.text import read_cells
from labkit.errors import OperatorError
from labkit.strict import strict

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "tests" / "autograder" / "hostile"
LABS = PROJECT / "tests" / "autograder" / "hostile_labs"
_COURSES = {"attacked": LABS, "testing": PROJECT / "courses"}
_FORMS = ("answers.py", "make.py")


@dataclass(frozen=True)
class Attack:
    """`most`: the most points it may get; `exactly`: what it must get; `note`: what its learner must be told."""

    name: str
    path: Path
    lab: str
    most: float
    why: str
    course: str = "attacked"
    exactly: float | None = None
    note: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    def load_lab(self) -> Lab:
        lab = _course(self.course).lab(self.lab)
        return replace(lab, limits=replace(lab.limits, **self.limits))

    def submission(self) -> bytes:
        """What arrives."""
        lab = self.load_lab()
        if (self.path / "make.py").is_file():
            right = honest_notebook(lab)
            cells = {cell["id"]: cell for cell in right["cells"]}
            made = runpy.run_path(str(self.path / "make.py"))["submission"](right, cells)
            assert isinstance(made, bytes), f"{self.name}/make.py gives no bytes"
            return made
        written = read_cells(self.path / "answers.py", points_needed=False)
        answers = {cell.name: cell.source for cell in written}
        return json.dumps(with_answers(released_notebook(lab), answers)).encode()

    def files(self) -> dict[str, bytes]:
        """What is handed in beside the notebook."""
        top = self.path / "files"
        return {str(one.relative_to(top)): one.read_bytes() for one in sorted(top.rglob("*")) if one.is_file()}


def load_attacks(folder: Path = FOLDER) -> tuple[Attack, ...]:
    """Every attack, by name."""
    return tuple(load_attack(path) for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] not in "_.")


def load_attack(path: Path) -> Attack:
    """Refuses an unknown key, no submission, and more than one."""
    table: dict[str, Any] = tomllib.loads((path / "expect.toml").read_text("utf-8"))
    forms = [name for name in _FORMS if (path / name).is_file()]
    if len(forms) != 1:
        raise OperatorError(f"{path}: {len(forms)} submissions.", instead=f"Write one of {', '.join(_FORMS)}.")
    for name in ("most", "exactly"):
        if name in table:
            table[name] = float(table[name])
    unknown = table.get("limits", {}).keys() - Limits.__dataclass_fields__.keys()
    if unknown:
        raise OperatorError(f"{path}: no limit is named {unknown.pop()!r}.", instead="Write seconds or memory_mb.")
    return strict(Attack, {"name": path.name, "path": path, **table}, str(path / "expect.toml"))


def released_notebook(lab: Lab) -> dict[str, Any]:
    """The lab as its learners get it."""
    return notebook(lab, load_text(lab), "learner")


def honest_notebook(lab: Lab) -> dict[str, Any]:
    """The same with the reference's answers in it."""
    answers = {cell.id: cell.reference for cell in load_text(lab).of("solution")}
    return with_answers(released_notebook(lab), answers)


@functools.cache
def _course(name: str) -> Any:
    return load_course(_COURSES[name], name)
