"""nbgrader as it comes: its own configuration, a kernel for each submission."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.grading.subject import Subject, learner


class Stock:
    """A course folder whose lab is registered with stock nbgrader."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject, self._folder = subject, folder
        self._registered = folder / "registered"
        source = self._registered / "source" / subject.lab.id
        source.mkdir(parents=True)
        shutil.copyfile(subject.grader_notebook, source / f"{subject.lab.id}.ipynb")
        with _quiet():
            done = _api(self._registered).generate_assignment(subject.lab.id)
        if not done["success"]:
            raise RuntimeError(f"nbgrader could not take the lab: {done}")

    def calls(self, count: int) -> float:
        """`nbgrader autograde` for one learner at a time; seconds for one."""
        with self._course(count) as root:
            began = time.perf_counter()
            for number in range(count):
                self._command(root, "--student", learner(number)["id"])
            return self._each(root, count, began)

    def batch(self, size: int) -> float:
        """`nbgrader autograde` once for everybody; seconds for one."""
        with self._course(size) as root:
            began = time.perf_counter()
            self._command(root)
            return self._each(root, size, began)

    def in_process(self, count: int) -> float:
        """NbGraderAPI.autograde in this very process; seconds for one."""
        with self._course(count) as root, _quiet():
            api = _api(root)
            began = time.perf_counter()
            for number in range(count):
                api.autograde(self.subject.lab.id, learner(number)["id"])
            return self._each(root, count, began)

    @contextmanager
    def _course(self, learners: int) -> Iterator[Path]:
        with TemporaryDirectory(dir=self._folder) as folder:
            root, lab = Path(folder) / "course", self.subject.lab.id
            shutil.copytree(self._registered, root)
            for number in range(learners):
                submitted = root / "submitted" / learner(number)["id"] / lab
                submitted.mkdir(parents=True)
                (submitted / f"{lab}.ipynb").write_bytes(self.subject.finished(number))
            yield root

    def _command(self, root: Path, *words: str) -> None:
        command = [sys.executable, "-m", "nbgrader", "autograde", self.subject.lab.id, *words]
        done = subprocess.run(
            [*command, f"--CourseDirectory.root={root}"], cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"nbgrader autograde failed: {done.stderr[-2000:]}")

    def _each(self, root: Path, count: int, began: float) -> float:
        """Seconds for one, once it is seen that each was graded as ours grades it."""
        seconds = (time.perf_counter() - began) / count
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
            given = [sum(grade.auto_score or 0 for grade in one.grades) for one in _notebooks(book, self.subject)]
        if given != [self.subject.most] * count:
            raise RuntimeError(f"nbgrader gave {given}, not {self.subject.most} to each of {count}")
        return seconds


def _notebooks(book: Any, subject: Subject) -> list[Any]:
    return [one for sent in book.assignment_submissions(subject.lab.id) for one in sent.notebooks]


def _api(root: Path) -> Any:
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(root)
    return NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)


@contextmanager
def _quiet() -> Iterator[None]:
    """nbgrader logs every step; the figures are to be read."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
