"""nbgrader's gradebook of one course: labs registered, submissions written down, manual grades read back.

ROOT/source/LAB/LAB.ipynb           the notebook with every test, from the course's text
ROOT/submitted/LEARNER/LAB/         the repaired submission
ROOT/autograded/LEARNER/LAB/        the same with the checks' results, what formgrader shows
ROOT/gradebook.db                   where scores live
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import os
import shutil
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import api
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning

from autograder.configuration import config
from autograder.execute import graded
from autograder.plain import fenced
from autograder.report import Report
from labkit.errors import OperatorError, PlatformFault

_REGISTERED = ".registered"
# nbgrader's own way with SQLAlchemy's sessions: nobody here can act on it.
warnings.filterwarnings("ignore", "Object of type", SAWarning)


@dataclass(frozen=True)
class ManualGrade:
    """What a person gave for a learner's written answers; `score` is None while one of them waits to be read."""

    username: str
    lab: str
    score: float | None


class CourseGradebook:
    def __init__(self, root: Path, course: str) -> None:
        self.root, self.course = root, course
        root.mkdir(parents=True, exist_ok=True)
        _find_alembic()
        _keep_engines()
        c = config(root, course)
        self._coursedir = CourseDirectory(config=c)
        self._api = NbGraderAPI(coursedir=self._coursedir, config=c)

    def register(self, lab: str, notebook: Path, due: datetime | None = None) -> bool:
        """Makes the lab known with the grader's `notebook`; False if exactly this one is known already.

        Raises OperatorError if answers or tests were added or removed after learners handed in: their scores would
        no longer be of the same lab.
        """
        source = self.root / "source" / lab
        digest = _digest(notebook)
        mark = source / _REGISTERED
        # The copy too: a power cut may keep the mark and lose the copy's bytes.
        if mark.exists() and mark.read_text() == digest == _digest(source / f"{lab}.ipynb"):
            return False
        self._follow(lab, json.loads(notebook.read_text()))
        source.mkdir(parents=True, exist_ok=True)
        mark.unlink(missing_ok=True)
        shutil.copyfile(notebook, source / f"{lab}.ipynb")
        self._must(self._api.generate_assignment(lab, force=True, create=True), f"register {lab}")
        with self._open() as book:
            book.update_or_create_assignment(lab, duedate=due.replace(tzinfo=None) if due else None)
        mark.write_text(digest)
        return True

    def write(self, learner: Mapping[str, str], lab: str, notebook: Any, received_at: datetime, report: Report) -> None:
        """Writes a graded submission down. `learner` has id, first_name, last_name and email; `notebook` is repaired.

        Raises PlatformFault if nbgrader could not; the gradebook's scores are then what they were before.
        """
        with self._open() as book:
            book.update_or_create_student(learner["id"], **{k: v for k, v in learner.items() if k != "id"})
        read_before = self._answers(learner["id"], lab)
        submitted = self.root / "submitted" / learner["id"] / lab
        shutil.rmtree(submitted, ignore_errors=True)
        submitted.mkdir(parents=True)
        (submitted / f"{lab}.ipynb").write_text(nbformat.writes(self._readable(lab, notebook)))
        (submitted / "timestamp.txt").write_text(received_at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"))
        token = graded.set(report)
        try:
            self._must(self._api.autograde(lab, learner["id"], force=True, create=True), f"write down {lab}")
        finally:
            graded.reset(token)
        self._keep_what_was_read(learner["id"], lab, read_before)
        for stage in ("submitted", "autograded"):
            self._hand_over(self.root / stage / learner["id"], lab)

    def manual_grades(self) -> list[ManualGrade]:
        """For every submission with written answers, what a person gave."""
        found = []
        with self._open() as book:
            for submission in book.db.query(_submitted_assignment()).all():
                manual = [
                    grade
                    for notebook in submission.notebooks
                    for answers in ({cell.name for cell in notebook.notebook.solution_cells},)
                    for grade in notebook.grades
                    if grade.name in answers
                ]
                if manual:
                    waiting = any(_waits(grade) for grade in manual)
                    total = sum(grade.score + (grade.extra_credit or 0) for grade in manual)
                    name, lab = submission.student.id, submission.assignment.name
                    found.append(ManualGrade(name, lab, None if waiting else float(total)))
        return found

    def automatic_scores(self, lab: str) -> dict[str, float]:
        """Each learner's automatic points in a lab."""
        with self._open() as book:
            found = book.db.query(_submitted_assignment()).all()
            return {
                one.student.id: sum(grade.auto_score or 0.0 for notebook in one.notebooks for grade in notebook.grades)
                for one in found
                if one.assignment.name == lab
            }

    def stamp(self) -> float:
        """Changes whenever the gradebook does; cheap enough to ask every second."""
        files = (self.root / name for name in ("gradebook.db", "gradebook.db-wal", "gradebook.db-journal"))
        return max((path.stat().st_mtime for path in files if path.exists()), default=0.0)

    def _readable(self, lab: str, notebook: Any) -> Any:
        """The submission with each written answer as plain text below the author's question; one left as released
        stays the author's."""
        released = nbformat.read(self.root / "source" / lab / f"{lab}.ipynb", as_version=4)
        author = {cell.id: cell.source for cell in released.cells}
        mine = nbformat.from_dict(copy.deepcopy(notebook))
        for cell in mine.cells:
            text = "".join(cell.source)
            if cell.cell_type == "markdown" and text.strip() != author.get(cell.id, "").strip():
                cell.source = f"{author.get(cell.id, '')}\n\n---\n\n{fenced(text)}"
        return mine

    def _answers(self, username: str, lab: str) -> dict[str, str]:
        """The answers of her graded submission that a person reads, by name."""
        path = self.root / "autograded" / username / lab / f"{lab}.ipynb"
        if not path.exists():
            return {}
        try:
            cells = nbformat.read(path, as_version=4).cells
        except ValueError:
            return {}  # a crash cut nbgrader short: its answers count as unread, and are written anew
        about = {cell.id: cell.metadata.get("nbgrader", {}) for cell in cells}
        return {
            cell.id: cell.source for cell in cells if about[cell.id].get("grade") and about[cell.id].get("solution")
        }

    def _keep_what_was_read(self, username: str, lab: str, before: Mapping[str, str]) -> None:
        """nbgrader sends every answer back to be read again; one that did not change keeps its grade."""
        now = self._answers(username, lab)
        with self._open() as book:
            for grade in book.find_submission_notebook(lab, lab, username).grades:
                if grade.manual_score is not None and now.get(grade.name, "") == before.get(grade.name):
                    grade.needs_manual_grade = False
            book.db.commit()

    def refuse(self, lab: str, notebook: Mapping[str, Any]) -> None:
        """Raises OperatorError if `notebook` lacks an answer or test that learners handed in, or has another."""
        with self._open() as book:
            self._known(book, lab, notebook)

    def _known(self, book: Any, lab: str, notebook: Mapping[str, Any]) -> Any:
        """The notebook nbgrader has submissions to; None where it has none. Raises OperatorError as `refuse` does."""
        try:
            known = book.find_notebook(lab, lab)
        except MissingEntry:
            return None
        before = {cell.name for cell in (*known.grade_cells, *known.solution_cells)}
        changed = sorted(_judged(notebook) ^ before)
        if known.submissions and changed:
            raise OperatorError(
                f"{self.course}/{lab} has submissions, and these parts came or went: {', '.join(changed)}.",
                instead="Put them back, or make the new version a lab of its own folder.",
            )
        return known if known.submissions else None

    def _follow(self, lab: str, notebook: Mapping[str, Any]) -> None:
        """Lets prose and plain code change after the first submission, which nbgrader refuses for every cell."""
        about = {cell["id"]: cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]}
        with self._open() as book:
            known = self._known(book, lab, notebook)
            if known is None:
                return
            sources = _judged(notebook) | {name for name, one in about.items() if one.get("locked")}
            for cell in list(known.source_cells):
                if cell.name not in sources:
                    book.db.delete(cell)
            types = {cell["id"]: cell["cell_type"] for cell in notebook["cells"]}
            for name in sources - {cell.name for cell in known.source_cells}:
                book.add_source_cell(name, lab, lab, cell_type=types[name])
            book.db.commit()

    def _open(self) -> Any:
        return Gradebook(self._coursedir.db_url, self.course)

    def _must(self, result: Mapping[str, Any], what: str) -> None:
        if not result["success"]:
            last = str(result.get("error") or result.get("log") or "").strip().splitlines()[-1:]
            raise PlatformFault(f"nbgrader could not {what}: {' '.join(last)}", instead="Its log has the whole story.")

    def _hand_over(self, hers: Path, lab: str) -> None:
        """Files made by root belong to whoever owns the course's folder, so that formgrader can replace them.

        Only what one write makes is looked at: with everybody's, each would cost more than the one before it.
        """
        if os.geteuid() != 0:
            return
        owner = self.root.stat()
        for path in (hers.parent, hers, hers / lab, *(hers / lab).rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _judged(notebook: Mapping[str, Any]) -> set[str]:
    """The names of its answers and tests."""
    about = {cell["id"]: cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]}
    return {name for name, one in about.items() if one.get("grade") or one.get("solution")}


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _find_alembic() -> None:
    """nbgrader makes a new gradebook by running a bare `alembic`, which a process not started from a shell lacks."""
    scripts = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    if scripts not in path.split(os.pathsep):
        os.environ["PATH"] = f"{scripts}{os.pathsep}{path}"


@functools.cache
def _keep_engines() -> None:
    """nbgrader opens the gradebook a dozen times for one submission, each time with a new engine, whose statements
    are all compiled anew: half of the time a write takes. One engine for each address keeps what it compiled.

    Closing a gradebook disposes of the engine's connections still, so the file is opened anew each time.
    """
    api.create_engine = functools.lru_cache(maxsize=64)(api.create_engine)


def _submitted_assignment() -> Any:
    from nbgrader.api import SubmittedAssignment

    return SubmittedAssignment


def _waits(grade: Any) -> bool:
    """Nothing was given yet, and nbgrader did not settle it (an untouched answer is 0 at once)."""
    return bool(grade.needs_manual_grade) or (grade.manual_score is None and grade.auto_score is None)
