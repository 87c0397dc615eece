"""Takes a submission from the queue to its score: grade, write into nbgrader's gradebook, record for the pages."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from autograder.grade import grade
from autograder.gradebook import CourseGradebook
from autograder.lane import Lane
from autograder.repair import repair
from autograder.report import Report
from autograder.warm import Warm
from labkit.courses import Course, Lab
from labkit.errors import LabkitError
from labkit.programme.people import person
from labkit.submissions.queue import Queue
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store, Submission

log = logging.getLogger("labkit.grader")


@dataclass
class Grader:
    engine: Engine
    courses: Mapping[str, Course]
    build: Path
    gradebooks: Mapping[str, CourseGradebook]
    store: Store
    queue: Queue
    scores: Scores
    lane: Lane
    warm: Warm
    _stamps: dict[str, float] = field(default_factory=dict)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def recover(self) -> int:
        return self.queue.recover()

    def grade_next(self) -> bool:
        """Grades the submission that waits longest; whether there was one."""
        submission = self.queue.take()
        if submission is None:
            return False
        try:
            self._grade(submission)
        except Exception:
            # Whatever it was, it was ours: the learner loses nothing and it is tried again.
            log.exception("Submission %s could not be graded", submission.id)
            self.queue.give_up(submission)
        return True

    def grade_notebook(self, course: str, lab_id: str, learner: str, notebook: bytes) -> Report:
        """The report on one notebook, in the learner's language."""
        lab, language = self._lab(course, lab_id), self._language(learner)
        return grade(lab, notebook, learner=learner, lane=self.lane, warm=self.warm, language=language)

    def read_manual_grades(self) -> None:
        """What instructors gave in formgrader becomes part of the learners' totals."""
        for course, gradebook in self.gradebooks.items():
            stamp = gradebook.stamp()
            if self._stamps.get(course) == stamp:
                continue
            with self._writing:
                grades = gradebook.manual_grades()
            for given in grades:
                self.scores.set_manual(given.username, course, given.lab, given.score)
            self._stamps[course] = stamp

    def _grade(self, submission: Submission) -> None:
        lab = self._lab(submission.course, submission.lab)
        content = self.store.content(submission)[f"{lab.id}.ipynb"]
        report = self.grade_notebook(lab.course, lab.id, submission.username, content)
        if report.fault is not None:
            log.error("Submission %s: %s", submission.id, report.fault)
            self.queue.give_up(submission)
            return
        # An older one, graded late after a fault of ours, must not take the newer one's place with nbgrader.
        if not self._was_overtaken(submission):
            self._write(submission, lab, content, report)
        self.scores.record(submission.id, report.to_json(), sum(each["max"] for each in report.to_json()["manual"]))
        self._stamps.pop(lab.course, None)

    def _was_overtaken(self, submission: Submission) -> bool:
        hers = self.store.of_person(submission.username, submission.course, submission.lab)
        return any(one.received_at > submission.received_at and one.state == "graded" for one in hers)

    def _write(self, submission: Submission, lab: Lab, content: bytes, report: Report) -> None:
        source = json.loads((self.build / lab.course / "grader" / lab.id / f"{lab.id}.ipynb").read_text())
        someone = person(self.engine, submission.username)
        learner = {
            "id": submission.username,
            "first_name": someone.given_name if someone else "",
            "last_name": someone.family_name if someone else "",
            "email": someone.email if someone else "",
        }
        repaired = repair(source, content)
        with self._writing:
            gradebook = self.gradebooks[lab.course]
            gradebook.write(learner, lab.id, repaired.notebook, submission.received_at, report)

    def _lab(self, course: str, lab_id: str) -> Lab:
        if course not in self.courses:
            raise LabkitError(f"The course {course!r} is not taught here.", instead="Name it in LABKIT_TEACH.")
        return self.courses[course].lab(lab_id)

    def _language(self, learner: str) -> str:
        someone = person(self.engine, learner)
        return someone.language if someone else "en"
