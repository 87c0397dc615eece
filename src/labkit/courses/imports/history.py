"""What nbgrader's gradebook.db knows of people, due dates and scores: read only, of any version of nbgrader's schema.

nbgrader writes times in UTC without saying so. A score is what a person gave, or else the automatic one, with extra
credit and without the penalty for being late: as nbgrader itself adds up.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.errors import OperatorError

_ROWS = 1_000_000


@dataclass(frozen=True)
class Student:
    id: str
    given_name: str
    family_name: str
    email: str


@dataclass(frozen=True)
class Score:
    """`score` and `of` in points; `waits` where a person has not graded all of it. `at` is when it was handed in."""

    assignment: str
    student: str
    score: float
    of: float
    late_penalty: float
    waits: bool
    at: datetime | None


@dataclass(frozen=True)
class History:
    students: tuple[Student, ...] = ()
    due: Mapping[str, datetime] | None = None  # by assignment
    scores: tuple[Score, ...] = ()

    def due_of(self, assignment: str) -> datetime | None:
        return (self.due or {}).get(assignment)


def read_history(file: Path) -> History:
    """Raises OperatorError for what is no gradebook of nbgrader's."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            opened.row_factory = sqlite3.Row
            opened.execute("PRAGMA trusted_schema = OFF")
            return _history(_Tables(opened))
    except (sqlite3.Error, OverflowError, KeyError, TypeError, ValueError) as error:
        instead = "Close nbgrader, or leave the gradebook out with --no-gradebook."
        raise OperatorError(f"{file} cannot be read as nbgrader's gradebook ({error}).", instead=instead) from None


class _Tables:
    def __init__(self, opened: sqlite3.Connection) -> None:
        self._opened = opened
        names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._there = {row["name"] for row in names}

    def rows(self, *names: str) -> Iterator[Mapping[str, Any]]:
        """Of the first of these tables that there is; nothing where there is none. Columns differ by version."""
        for name in names:
            if name in self._there:
                found = self._opened.execute(f'SELECT * FROM "{name}" LIMIT {_ROWS}')  # noqa: S608 - names of ours
                yield from ({key: row[key] for key in row.keys()} for row in found)  # noqa: SIM118
                return


def _history(tables: _Tables) -> History:
    assignments = {row["id"]: str(row["name"]) for row in tables.rows("assignment")}
    if not assignments and not list(tables.rows("student")):
        return History()
    due = {str(row["name"]): time for row in tables.rows("assignment") if (time := _time(row.get("duedate")))}
    students = tuple(
        Student(str(row["id"]), *(str(row.get(key) or "") for key in ("first_name", "last_name", "email")))
        for row in tables.rows("student")
    )
    return History(students, due, tuple(_scores(tables, assignments)))


def _scores(tables: _Tables, assignments: Mapping[str, str]) -> Iterator[Score]:
    notebooks = {row["id"]: row["assignment_id"] for row in tables.rows("notebook")}
    most, cells = defaultdict[str, float](float), {row["id"]: row for row in tables.rows("base_cell")}
    for row in (*tables.rows("grade_cells", "grade_cell"), *tables.rows("task_cells")):
        notebook = row.get("notebook_id") or cells.get(row["id"], {}).get("notebook_id")
        most[notebooks.get(notebook, "")] += _number(row.get("max_score"))
    given, waits = defaultdict[str, float](float), set()
    for row in tables.rows("grade"):
        score = row.get("manual_score")
        given[row["notebook_id"]] += _number(row.get("auto_score") if score is None else score)
        given[row["notebook_id"]] += _number(row.get("extra_credit"))
        waits |= {row["notebook_id"]} if row.get("needs_manual_grade") else set()
    handed_in = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in tables.rows("submitted_notebook"):
        handed_in[row["assignment_id"]].append(row)
    for row in tables.rows("submitted_assignment"):
        parts = handed_in[row["id"]]
        late = sum(_number(part.get("late_submission_penalty")) for part in parts)
        total = sum(given[part["id"]] for part in parts)
        open_still = any(part["id"] in waits for part in parts)
        name, of = assignments.get(row["assignment_id"], ""), most[row["assignment_id"]]
        yield Score(name, str(row["student_id"]), total, of, late, open_still, _time(row.get("timestamp")))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found and found.tzinfo else found.replace(tzinfo=UTC) if found else None


def table(history: History) -> str:
    """history.csv: one line for each submission. No cell of it is a formula to a spreadsheet."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(
        ("assignment", "student", "score", "max_score", "late_penalty", "waits_for_a_person", "handed_in", "due")
    )
    for one in sorted(history.scores, key=lambda score: (score.assignment, score.student)):
        due = history.due_of(one.assignment)
        times = [time.isoformat() if time else "" for time in (one.at, due)]
        numbers = [f"{number:g}" for number in (one.score, one.of, one.late_penalty)]
        rows.writerow((_plain(one.assignment), _plain(one.student), *numbers, "yes" if one.waits else "no", *times))
    return written.getvalue()


def _plain(text: str) -> str:
    """A spreadsheet takes a cell that begins so for a formula and runs it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
