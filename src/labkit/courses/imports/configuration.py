"""What nbgrader_config.py says, read and never run: `c.Class.name = literal`, each in a line of its own.

Whatever else stands there (loops, calls, `load_subconfig`) is told by its line and not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.courses.imports.report import Notes
from labkit.courses.syntax import parse
from labkit.errors import OperatorError

FILE = "nbgrader_config.py"
_LARGEST = 1 << 20
_CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
# nbgrader's own names; `delimeter` is its spelling.
_TEXTS = {
    "ClearSolutions.begin_solution_delimeter": "begin_solution",
    "ClearSolutions.end_solution_delimeter": "end_solution",
    "ClearSolutions.text_stub": "text_stub",
    "ClearHiddenTests.begin_test_delimeter": "begin_hidden",
    "ClearHiddenTests.end_test_delimeter": "end_hidden",
    "ClearMarkScheme.begin_mark_scheme_delimeter": "begin_scheme",
    "ClearMarkScheme.end_mark_scheme_delimeter": "end_scheme",
    "IncludeHeaderFooter.header": "header",
    "IncludeHeaderFooter.footer": "footer",
    "CourseDirectory.course_id": "course_id",
    "CourseDirectory.source_directory": "source",
    "CourseDirectory.db_url": "database",
    "NbGrader.course_id": "course_id",
    "NbGrader.source_directory": "source",
    "NbGrader.db_url": "database",
    "InstantiateTests.autotest_delimiter": "autotest",
}
# Where things are handed in and by whom is the platform's own matter: nothing of a lab hangs on it.
_NOT_OURS = ("Exchange", "FormgradeApp", "NbGraderAPI", "Application", "CourseDirectory.root", "Authenticator")


@dataclass(frozen=True)
class Settings:
    """What holds where nbgrader_config.py says nothing."""

    begin_solution: str = "BEGIN SOLUTION"
    end_solution: str = "END SOLUTION"
    code_stub: str = _CODE_STUB
    text_stub: str = "YOUR ANSWER HERE"
    begin_hidden: str = "BEGIN HIDDEN TESTS"
    end_hidden: str = "END HIDDEN TESTS"
    begin_scheme: str = "BEGIN MARK SCHEME"
    end_scheme: str = "END MARK SCHEME"
    autotest: str = "AUTOTEST"
    header: str = ""
    footer: str = ""
    course_id: str = ""
    source: str = "source"
    database: str = ""

    @property
    def own_stub(self) -> str | None:
        """The stub of code where it is not the one labkit gives too."""
        return None if self.code_stub == _CODE_STUB else self.code_stub


@dataclass
class _Reading:
    notes: Notes
    lines: list[str]
    names: set[str] = field(default_factory=lambda: {"c"})
    values: dict[str, Any] = field(default_factory=dict)


def read_settings(file: Path, notes: Notes) -> Settings:
    """Raises OperatorError where the file is not Python: the marks of hidden tests may stand in it."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST).decode("utf-8-sig")
        tree = parse(text)
    except (OSError, ValueError, SyntaxError, MemoryError, RecursionError) as error:
        instead = "Mend it, or move it away where nothing in it matters."
        raise OperatorError(f"{file} cannot be read as Python ({error}).", instead=instead) from None
    reading = _Reading(notes, text.split("\n"))
    for node in tree.body:
        _statement(reading, node)
    return Settings(**reading.values)


def _statement(reading: _Reading, node: ast.stmt) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ):
        return
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    if isinstance(node, ast.Assign) and isinstance(target, ast.Name) and _is_get_config(node.value):
        reading.names.add(target.id)
        return
    key = _key(reading, target)
    if not isinstance(node, ast.Assign) or not key:
        _not_carried(reading, node)
        return
    try:
        value = ast.literal_eval(node.value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        _not_carried(reading, node)
        return
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()  # half a surrogate could not be written
    if key in _TEXTS and isinstance(value, str) and (value or "delim" not in key):
        reading.values[_TEXTS[key]] = value
    elif key == "ClearSolutions.code_stub" and (stub := _stub(value)) is not None:
        reading.values["code_stub"] = stub
    elif not key.startswith(_NOT_OURS):
        _not_carried(reading, node)


def _is_get_config(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "get_config"


def _key(reading: _Reading, target: ast.expr | None) -> str:
    """`Class.name` of `c.Class.name`."""
    parts: list[str] = []
    while isinstance(target, ast.Attribute):
        parts.insert(0, target.attr)
        target = target.value
    known = isinstance(target, ast.Name) and target.id in reading.names and len(parts) == 2
    return ".".join(parts) if known else ""


def _stub(value: object) -> str | None:
    found = value.get("python") if isinstance(value, Mapping) else value
    return found.encode("utf-8", "replace").decode() if isinstance(found, str) else None


def _not_carried(reading: _Reading, node: ast.stmt) -> None:
    text = " ".join("\n".join(reading.lines[node.lineno - 1 : node.end_lineno]).split())
    shown = text if len(text) <= 100 else f"{text[:99]}…"
    reading.notes.lost(f"`{shown}` is a setting labkit does not read", f"line {node.lineno}")
