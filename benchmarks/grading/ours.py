"""Our way: warm children, repair, report, gradebook."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from autograder.alone import alone
from autograder.grade import grade
from autograder.gradebook import CourseGradebook
from autograder.repair import repair
from autograder.warm import Warm
from benchmarks.grading.subject import Subject, learner


class Ours:
    """A lab registered in a gradebook, and zygotes that are warm already."""

    def __init__(self, subject: Subject, folder: Path, warm: Warm) -> None:
        self.subject, self.warm, self._folder = subject, warm, folder
        course = subject.lab.course
        self._registered = folder / "registered" / course
        CourseGradebook(self._registered, course).register(subject.lab.id, subject.grader_notebook)

    def batch(self, size: int, workers: int) -> float:
        """Grades notebooks of so many learners into a new gradebook; seconds for one."""
        with self._gradebook() as gradebook:
            notebooks = [self.subject.finished(number) for number in range(size)]
            began = time.perf_counter()
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda number: self._grade(gradebook, number, notebooks[number]), range(size)))
            return (time.perf_counter() - began) / size

    @contextmanager
    def _gradebook(self) -> Iterator[CourseGradebook]:
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            root = Path(folder) / self.subject.lab.course
            shutil.copytree(self._registered, root)
            yield CourseGradebook(root, self.subject.lab.course)

    def _grade(self, gradebook: CourseGradebook, number: int, content: bytes) -> None:
        lab, who = self.subject.lab, learner(number)
        report = grade(lab, content, learner=who["id"], lane=None, warm=self.warm)
        if report.fault or report.score != report.max:
            raise RuntimeError(f"{lab.id} of {who['id']} scored {report.score} of {report.max}: {report.fault}")
        json.dumps(report.to_json())
        repaired = repair(json.loads(self.subject.grader_notebook.read_text()), content)
        with alone(gradebook.root):
            gradebook.write(who, lab.id, repaired.notebook, datetime.now(UTC), report)
