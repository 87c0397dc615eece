"""Writes an imported course, whole or not at all, once labkit itself has read it back.

DIR/COURSE/course.toml, IMPORT.md           and roster.csv, history.csv where a gradebook was read
DIR/COURSE/LAB/lab.py, data/, README.md     the last for those who grade; no learner gets it
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from labkit.courses.build import FACES, notebook
from labkit.courses.course import Lab
from labkit.courses.imports.course import ImportedCourse, ImportedLab
from labkit.courses.imports.made import Converted, set_aside
from labkit.courses.imports.report import LabReport, Notes, Report, markdown, printable
from labkit.courses.imports.text import text
from labkit.courses.load import load_course
from labkit.courses.text import load_text
from labkit.durable import make_folder, sync_folder, write
from labkit.errors import AuthorError, OperatorError

# The tests of a lab that cannot be asked, by name, each with why. The autograder knows; see `labkit courses check`.
Examine = Callable[[Lab], Mapping[str, str]]
_FOR_GRADERS = "For those who grade and those who write: learners do not get this file.\n"


def write_course(
    course: ImportedCourse, to: Path | None, examine: Examine, people: Mapping[str, str], notes: Notes
) -> Report:
    """Makes `to`/COURSE, or only looks what it would be where `to` is None. `people` are files that tell of people;
    `notes` what was found while they were made. Raises OperatorError where it is there already."""
    if to is None:
        with tempfile.TemporaryDirectory() as folder:
            return _made(course, Path(folder), examine, people, notes)
    target = to / course.id
    if target.exists() or target.is_symlink():
        instead = "Give it another name with --name, or move that one away."
        raise OperatorError(f"{target} is there already.", instead=instead)
    make_folder(to)
    with tempfile.TemporaryDirectory(dir=to, prefix=".") as folder:
        report = _made(course, Path(folder), examine, people, notes)
        (Path(folder) / course.id).rename(target)
        sync_folder(to)
    return report


def _made(course: ImportedCourse, folder: Path, examine: Examine, people: Mapping[str, str], notes: Notes) -> Report:
    root = folder / course.id
    root.mkdir()
    _write(root / "course.toml", _toml(course))
    for lab in course.labs:
        _lab(root / lab.id, lab)
    labs = tuple(_examined(folder, course, lab, examine) for lab in course.labs)
    for lab in course.labs:
        if lab.converted.asides:
            _write(root / lab.id / "README.md", _readme(printable(lab.title), lab.converted))
    every = tuple(dict.fromkeys(note for one in (*course.notes, notes) for note in one.all))
    counted = {name: max(content.count("\n") - 1, 0) for name, content in people.items()}
    report = Report(
        course.id,
        course.origin,
        labs,
        every,
        course.packages,
        counted.get("roster.csv", 0),
        counted.get("history.csv", 0),
    )
    _write(root / "IMPORT.md", markdown(report))
    for name, content in people.items():
        write(root / name, content.encode(), mode=0o600)
    if people:
        _write(root / ".gitignore", "".join(f"{name}\n" for name in people))
    return report


def _lab(folder: Path, lab: ImportedLab) -> None:
    folder.mkdir()
    _write(folder / "lab.py", text(lab.converted.cells))
    for name, content in lab.files.taken.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            write(path, content)
        else:  # one that became a link meanwhile stays a link, which `build` refuses
            shutil.copyfile(content, path, follow_symlinks=False)


def _examined(root: Path, course: ImportedCourse, lab: ImportedLab, examine: Examine) -> LabReport:
    """Reads the lab back, sets its tests aside that cannot be graded, and says what is left."""
    automatic, manual, stopped = 0.0, 0.0, ""
    try:
        loaded = load_course(root, course.id).lab(lab.id)
        while refused := examine(loaded):
            for name, why in refused.items():
                set_aside(lab.converted, name, why)
            _write(loaded.text_file(), text(lab.converted.cells))
        found = load_text(loaded)
        for face in FACES:
            notebook(loaded, found, face)
        automatic = sum(cell.points for cell in found.of("test"))
        manual = sum(cell.points for cell in found.manual)
    except AuthorError as error:
        stopped = f"labkit refuses {lab.id}/lab.py, line {error.line}: {error.found}. {error.instead}"
        lab.notes.lost(stopped)
    return LabReport(lab.id, lab.notebook, automatic, manual, lab.points, tuple(lab.converted.names), stopped)


def _toml(course: ImportedCourse) -> str:
    lines = [f"title = {_quoted(course.title)}"]
    if course.packages:
        lines.append(f"packages = [{', '.join(_quoted(name) for name in course.packages)}]")
    for lab in course.labs:
        lines += ["", "[[labs]]", f"id = {_quoted(lab.id)}", f"title = {_quoted(lab.title)}"]
        lines += ['ai_policy = "closed"']  # nobody asked a model here before
        lines += [f"profile = {_quoted(lab.profile)}"] if lab.profile else []
        lines += [f"due = {lab.due.isoformat(timespec='seconds')}"] if lab.due else []
    return "".join(f"{line}\n" for line in lines)


def _quoted(words: str) -> str:
    """A JSON string of printable characters is TOML too."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    return json.dumps(plain or "Untitled", ensure_ascii=False)


def _readme(title: str, converted: Converted) -> str:
    parts = [f"## {name}\n\n{content.strip()}\n" for name, content in converted.asides]
    return "\n".join([f"# {title}\n", _FOR_GRADERS, *parts])


def _write(path: Path, content: str) -> None:
    write(path, content.encode())
