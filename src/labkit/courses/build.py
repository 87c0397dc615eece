"""Builds a lab's text into notebooks; the same text gives the same bytes, always."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.courses import releases
from labkit.courses.course import Course, Lab
from labkit.courses.marks import is_telling
from labkit.courses.sums import calls_check
from labkit.courses.text import Cell, LabText, load_text
from labkit.errors import AuthorError

FACES = ("reference", "learner", "grader")
IMPORT_CHECK = "from labkit.checks import check"
_HIDDEN = {
    "en": "# Hidden checks run here after you submit. Run the cells above; leave this one as it is.",
    "fil": "# May mga nakatagong pagsusuri rito pagkatapos mong magsumite. Huwag baguhin ang cell na ito.",
}


def build(course: Course, out: Path) -> None:
    """Writes OUT/{reference,learner,grader}/LAB/LAB.ipynb (LAB.fil.ipynb), with the lab's data beside them.

    OUT/releases grows by what this release gives learners to fill in; see `releases`.
    """
    texts = {(lab.id, language): load_text(lab, language) for lab in course.labs for language in lab.languages}
    for face in FACES:
        for lab in course.labs:
            folder = out / face / lab.id
            if (folder / lab.notebook_name()).is_file():
                shutil.rmtree(folder)  # an earlier build of ours: nothing stale stays
            folder.mkdir(parents=True, exist_ok=True)
            for language in lab.languages:
                content = json.dumps(notebook(lab, texts[lab.id, language], face), indent=1, ensure_ascii=False)
                (folder / lab.notebook_name(language)).write_text(content + "\n", "utf-8")
            copy_data(lab.path / "data", folder / "data")
            if face != "learner":
                copy_data(lab.path / "hidden", folder / "hidden")
    for lab in course.labs:
        for language in lab.languages:
            releases.keep(out / "releases", lab, texts[lab.id, language])


def notebook(lab: Lab, text: LabText, face: str) -> dict[str, Any]:
    """One notebook: `face` is "reference" (solved), "learner" (what is released) or "grader" (unsolved, all tests)."""
    cells = [_cell(cell, face, text.language) for cell in text.cells]
    if face == "learner":
        _refuse_leaks(lab, text, cells)
    about: dict[str, Any] = {"course": lab.course, "lab": lab.id, "language": text.language, "release": lab.release}
    if face == "grader" and lab.attempts is not None:  # what decides how much a feedback page may say
        about |= {"attempts": lab.attempts, "due": lab.due.isoformat() if lab.due else None}
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "labkit": about,
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def copy_data(source: Path, target: Path) -> None:
    """Copies plain files; a link could carry a file of the machine into every learner's home."""
    if not source.is_dir():
        return
    for path in sorted(source.rglob("*")):
        if path.is_symlink():
            raise AuthorError(str(path), 1, "a link among the data", instead="Copy the file here.")
        if path.is_file():
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def _cell(cell: Cell, face: str, language: str) -> dict[str, Any]:
    markdown = cell.kind in ("prose", "answer")
    metadata: dict[str, Any] = {"labkit": {"kind": cell.kind}}
    if cell.kind == "test":
        metadata["labkit"]["hidden"] = cell.hidden
    if cell.kind != "demo":
        metadata["nbgrader"] = _nbgrader(cell)
    source = _SOURCES[cell.kind](cell, face, language)
    built: dict[str, Any] = {"cell_type": "markdown" if markdown else "code", "id": cell.id, "metadata": metadata}
    if not markdown:
        built |= {"execution_count": None, "outputs": []}
    return built | {"source": source.splitlines(keepends=True)}


def _nbgrader(cell: Cell) -> dict[str, Any]:
    answered, graded = cell.kind in ("solution", "answer"), cell.points > 0
    metadata = {
        "grade": graded,
        "grade_id": cell.id,
        "locked": not answered,
        "schema_version": 3,
        "solution": answered,
        "task": False,
    }
    return metadata | ({"points": cell.points} if graded else {})


def _plain(cell: Cell, face: str, language: str) -> str:
    return cell.source


def _solution(cell: Cell, face: str, language: str) -> str:
    return cell.reference if face == "reference" else cell.starter


def _test(cell: Cell, face: str, language: str) -> str:
    if cell.hidden and face == "learner":
        return _HIDDEN[language]
    imports = calls_check(cell.source) and IMPORT_CHECK not in cell.source
    source = f"{IMPORT_CHECK}\n{cell.source}" if imports else cell.source
    if cell.hidden:  # nbgrader's own marks: its release step takes out the same lines we do
        return f"### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS"
    return source


_SOURCES: dict[str, Callable[[Cell, str, str], str]] = {
    "prose": _plain,
    "code": _plain,
    "demo": _plain,
    "answer": _plain,
    "solution": _solution,
    "test": _test,
}


def _refuse_leaks(lab: Lab, text: LabText, cells: list[dict[str, Any]]) -> None:
    """No line of a hidden test may stand elsewhere in what learners are given.

    Compares whole lines that tell something: a hidden value that the author retold in prose is not found.
    """
    released = {line.strip() for cell in cells for line in cell["source"]}
    for cell in text.of("test"):
        for offset, line in enumerate(cell.source.splitlines() if cell.hidden else (), 1):
            shown = line.strip()
            if is_telling(shown) and shown in released:
                file, found = str(lab.text_file(text.language)), f"hidden test {cell.id!r} is given away: {shown!r}"
                instead = "The same line is in a cell the learner sees; change one of them."
                raise AuthorError(file, cell.line + offset, found, instead=instead)
