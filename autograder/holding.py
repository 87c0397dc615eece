"""What nbgrader keeps of a learner: rows of each course's gradebook, and copies of her graded notebooks.

Read and changed as a plain SQLite file, in nbgrader's own tables (the schema of nbgrader 0.9). Erasure gives her rows a
pseudonym, so that every point still counts in the course, and takes away name, comments and notebooks. Does not cover:
feedback that was downloaded; a grade an instructor is typing in at this very moment.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any

from autograder.alone import alone
from labkit.errors import PlatformFault

_FOLDERS = ("submitted", "autograded", "feedback")
_GRADES = """
SELECT assignment.name AS lab, base_cell.name AS cell, base_cell.type AS kind, submitted_assignment.timestamp AS at,
       grade.auto_score, grade.manual_score, grade.extra_credit
FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN assignment ON assignment.id = submitted_assignment.assignment_id
WHERE submitted_assignment.student_id = ? ORDER BY lab, cell
"""
_COMMENTS = """
SELECT assignment.name AS lab, base_cell.name AS cell, comment.auto_comment, comment.manual_comment
FROM comment JOIN base_cell ON base_cell.id = comment.cell_id
JOIN submitted_notebook ON submitted_notebook.id = comment.notebook_id
JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
JOIN assignment ON assignment.id = submitted_assignment.assignment_id
WHERE submitted_assignment.student_id = ? ORDER BY lab, cell
"""
_ERASE = (
    "INSERT OR IGNORE INTO student (id, first_name, last_name, email, lms_user_id) "
    "SELECT :new, NULL, NULL, NULL, NULL FROM student WHERE id = :old",
    "UPDATE submitted_assignment SET student_id = :new WHERE student_id = :old",
    "UPDATE comment SET auto_comment = NULL, manual_comment = NULL WHERE notebook_id IN (SELECT submitted_notebook.id "
    "FROM submitted_notebook JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id "
    "WHERE student_id = :new)",
    "DELETE FROM student WHERE id = :old",
)


class GradebookHolding:
    """`folder` has one folder a course. `coarse(username, course, lab)`: she may see no points of single tests yet."""

    name = "gradebook"

    def __init__(self, folder: Path, coarse: Callable[[str, str, str], bool]) -> None:
        self._folder, self._coarse = folder, coarse

    def export(self, username: str) -> Iterator[tuple[str, bytes | IO[bytes]]]:
        for root in self._courses():
            with closing(_opened(root)) as book:
                student = _rows(book, "SELECT * FROM student WHERE id = ?", username)
                grades = [self._seen(username, root.name, one) for one in _rows(book, _GRADES, username)]
                comments = _rows(book, _COMMENTS, username)
            if student:
                found = {"student": student, "grades": grades, "comments": comments}
                text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
                yield f"gradebook/{root.name}.json", f"{text}\n".encode()

    def erase(self, username: str, pseudonym: str) -> None:
        for root in self._courses():
            # No grader writes meanwhile.
            with alone(root):
                try:
                    with closing(_opened(root)) as book, book:
                        for statement in _ERASE:
                            book.execute(statement, {"old": username, "new": pseudonym})
                except sqlite3.Error as error:
                    raise PlatformFault(
                        f"The gradebook of {root.name} could not be changed ({error}).", instead="It is tried again."
                    ) from error
                for name in _FOLDERS:
                    shutil.rmtree(root / name / username, ignore_errors=True)
                    if (root / name / username).exists():
                        raise PlatformFault(f"{root / name / username} could not be deleted.", instead="Delete it.")

    def _courses(self) -> list[Path]:
        return sorted(path.parent for path in self._folder.glob("*/gradebook.db"))

    def _seen(self, username: str, course: str, grade: Mapping[str, Any]) -> dict[str, Any]:
        """A grade as she may see it: what a person gave always, a test's points once they tell her nothing hidden."""
        shown = dict(grade)
        if grade["manual_score"] is None and self._coarse(username, course, grade["lab"]):
            shown["auto_score"] = "(left out: it is shown once the lab cannot be handed in again)"
        return shown


def _opened(root: Path) -> sqlite3.Connection:
    book = sqlite3.connect(root / "gradebook.db", timeout=30)
    book.row_factory = sqlite3.Row
    book.execute("PRAGMA secure_delete=ON").close()
    return book


def _rows(book: sqlite3.Connection, query: str, username: str) -> list[dict[str, Any]]:
    return [dict(row) for row in book.execute(query, (username,))]
