import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.courses import Lab, load_course, load_text
from labkit.courses.imports.course import read_course
from labkit.courses.imports.report import Notes
from labkit.courses.imports.write import write_course

KERNEL = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}


def cell(kind: str, source: str, name: str = "", **about) -> dict:
    """A cell of nbformat 4; `about` are nbgrader's flags and points, `attachments` its pictures."""
    attachments = about.pop("attachments", None)
    metadata = {}
    if name or about:
        flags = {"grade": False, "solution": False, "locked": False, "schema_version": 3, "grade_id": name}
        metadata = {"nbgrader": flags | about}
    made = {"cell_type": kind, "metadata": metadata, "source": source}
    made |= {"outputs": [], "execution_count": None} if kind == "code" else {}
    return made | ({"attachments": attachments} if attachments else {})


def prose(source: str, **about) -> dict:
    return cell("markdown", source, **about)


def plain(source: str, **about) -> dict:
    return cell("code", source, **about)


def solution(source: str, name: str = "f", **about) -> dict:
    return cell("code", source, name, solution=True, **about)


def graded(source: str, name: str = "f_test", points: float = 2, **about) -> dict:
    return cell("code", source, name, grade=True, locked=True, points=points, **about)


def answer(source: str, name: str = "why", points: float = 3, kind: str = "markdown", **about) -> dict:
    return cell(kind, source, name, grade=True, solution=True, points=points, **about)


SOLVED = solution("def f(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION")
TESTED = graded("assert f(1) == 2")


def notebook(*cells: dict, **more) -> str:
    return json.dumps({"cells": list(cells), "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5} | more)


@pytest.fixture
def course(tmp_path: Path) -> Callable[..., Path]:
    """Writes a course folder: `files` by path; a list of cells becomes a notebook."""

    def _course(files: dict[str, list[dict] | str | bytes], config: str | None = "c = get_config()\n") -> Path:
        root = tmp_path / "given"
        root.mkdir(exist_ok=True)
        if config is not None:
            (root / "nbgrader_config.py").write_text(config, "utf-8")
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = notebook(*content) if isinstance(content, list) else content
            path.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
        return root

    return _course


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """Imports a path: the report, and the course as labkit reads it back."""

    def _bring(path: Path, name: str = "given", examine=lambda lab: {}, **options) -> SimpleNamespace:
        to = tmp_path / "courses"
        report = write_course(read_course(path, name, **options), to, examine, {}, Notes(""))
        loaded = load_course(to, name)
        told = "\n".join(str(note) for note in report.notes)
        lost = "\n".join(str(note) for note in report.lost)
        return SimpleNamespace(report=report, course=loaded, told=told, lost=lost, folder=to / name)

    return _bring


@pytest.fixture
def lab(course, bring) -> Callable[..., SimpleNamespace]:
    """Imports one notebook of these cells."""

    def _lab(*cells: dict, config: str = "c = get_config()\n", examine=lambda lab: {}, **files) -> SimpleNamespace:
        brought = bring(course({"source/one/one.ipynb": list(cells), **files}, config), examine=examine)
        found: Lab = brought.course.lab("one")
        text = load_text(found)
        return SimpleNamespace(
            **vars(brought), lab=found, text=text, cells=text.cells, kinds=[c.kind for c in text.cells]
        )

    return _lab
