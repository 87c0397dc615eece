"""Takes a submission from the queue to its score: grade, record for the pages, write into nbgrader's gradebook.

A score is recorded, with its line in the history, in one transaction that leaves a mark: the gradebook has still to
be written. A crash before it grades again; one after it only writes again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from autograder.alone import alone
from autograder.grade import grade
from autograder.gradebook import CourseGradebook
from autograder.lane import Lane, Later
from autograder.own_model import OwnModelLane
from autograder.recordings import RecordedLane
from autograder.repair import Starters, repair
from autograder.report import Report
from autograder.warm import Warm
from labkit.courses import Course, Lab, releases
from labkit.draw import key_for
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
    secret: bytes = b""  # of the site; with it, each learner has hidden items of her own
    fresh: bool = False  # takes nothing that waits for its pass with the model: that may take minutes
    _stamps: dict[str, float] = field(default_factory=dict)

    def recover(self) -> int:
        return self.queue.recover()

    def take_back(self) -> int:
        """What a process that is gone had begun (a batch that was killed, another grader) waits again."""
        return self.queue.take_back()

    def grade_next(self, batch: str | None = None) -> bool:
        """Writes down what was graded, else grades the submission that waits longest; whether there was one. With
        `batch`, of that batch alone."""
        if self.write_next(batch):
            return True
        submission = self.queue.take(batch, fresh=self.fresh)
        if submission is None:
            return False
        try:
            self._grade(submission)
        except Exception:
            # Whatever it was, it was ours: the learner loses nothing and it is tried again.
            log.exception("Submission %s could not be graded", submission.id)
            self.queue.give_up(submission)
        return True

    def write_next(self, batch: str | None = None) -> bool:
        """Writes a recorded score into the gradebook; whether one was waiting for that."""
        graded = self.queue.take_unwritten(batch)
        if graded is not None:
            self._write_down(graded)
        return graded is not None

    def grade_notebook(
        self, course: str, lab_id: str, learner: str, notebook: bytes, later: Later | None = None
    ) -> Report:
        """The report on one notebook, in the learner's language; with `later`, on what needs no model."""
        lab, language = self._lab(course, lab_id), self._language(learner)
        lane: Lane = later or self.lane
        if isinstance(self.lane, RecordedLane):
            lane = self.lane.of(course, lab_id, instead=later)
        lane = OwnModelLane(lane, self.engine, learner)
        starters = self._starters(lab, language)
        words = {"learner": learner, "language": language, "key": key_for(self.secret, course, lab_id, learner)}
        return grade(lab, notebook, lane=lane, warm=self.warm, later=later, starters=starters, **words)

    def _starters(self, lab: Lab, language: str) -> Starters:
        folder = self.build / lab.course / "releases"
        return lambda release: releases.starters(folder, lab.id, release, language)

    def grade_by_hand(self, course: str, lab_id: str, learner: str, notebook: bytes) -> Report:
        """What formgrader's button asks for. nbgrader writes it down; our score of the work it has becomes the same.

        Should nbgrader fail afterwards, the two differ until the button is pressed again.
        """
        release = self._lab(course, lab_id).release
        report = self.grade_notebook(course, lab_id, learner, notebook)
        hers = self.store.of_person(learner, course, lab_id)
        newest = next((one for one in hers if one.state == "graded" and one.written), None)
        if report.fault is None and newest is not None:
            self.scores.record(newest.id, report.to_json(), _manual(report), release=release, why="button")
        return report

    def read_manual_grades(self) -> None:
        """What instructors gave in formgrader becomes part of the learners' totals."""
        for course, gradebook in self.gradebooks.items():
            stamp = gradebook.stamp()
            if self._stamps.get(course) == stamp:
                continue
            with alone(gradebook.root):
                grades = gradebook.manual_grades()
            for given in grades:
                self.scores.set_manual(given.username, course, given.lab, given.score)
            self._stamps[course] = stamp

    def _grade(self, submission: Submission) -> None:
        lab = self._lab(submission.course, submission.lab)
        release, began = lab.release, time.monotonic()
        later = Later() if self._is_first(submission) else None
        content = self.store.content(submission)[f"{lab.id}.ipynb"]
        report = self.grade_notebook(lab.course, lab.id, submission.username, content, later)
        if report.fault is not None:
            log.error("Submission %s: %s", submission.id, report.fault)
            self.queue.give_up(submission)
            return
        if report.pending:
            about = {"release": release, "holder": self.queue.holder}
            self.scores.record_first(submission.id, report.to_json(), _manual(report), **about)
        elif self._record(submission, report, release, time.monotonic() - began):
            self._write_down(submission)
        else:
            log.warning("Submission %s was taken by another grader; what was found here is dropped", submission.id)

    def _record(self, submission: Submission, report: Report, release: str, seconds: float) -> bool:
        """Records what stands in the end; whether the submission was still ours."""
        return self.scores.record(
            submission.id,
            report.to_json(),
            _manual(report),
            release=release,
            why=submission.why,
            seconds=seconds if submission.asks_model else None,
            holder=self.queue.holder,
            written=False,
        )

    def _is_first(self, submission: Submission) -> bool:
        """Whether it is graded for the first time: then what needs no model is told at once."""
        return not submission.asks_model and submission.why == "submitted" and self.scores.get(submission.id) is None

    def _write_down(self, submission: Submission) -> None:
        """The recorded score goes into the gradebook; where that fails it is tried again, and the score stands."""
        try:
            score = self.scores.get(submission.id)
            assert score is not None
            lab = self._lab(submission.course, submission.lab)
            content = self.store.content(submission)[f"{lab.id}.ipynb"]
            # Two graders do not write at once, nor does an older one take a newer one's place with nbgrader.
            with alone(self.gradebooks[lab.course].root):
                if not self._was_overtaken(submission):
                    self._write(submission, lab, content, Report.from_json(score.report))
            self.queue.wrote(submission)
            self._stamps.pop(lab.course, None)
        except Exception:
            log.exception("Submission %s could not be written into the gradebook", submission.id)
            self.queue.put_off(submission)

    def _was_overtaken(self, submission: Submission) -> bool:
        hers = self.store.of_person(submission.username, submission.course, submission.lab)
        newer = (one for one in hers if one.received_at > submission.received_at and not one.asks_model)
        return any(self.scores.get(one.id) is not None for one in newer)

    def _write(self, submission: Submission, lab: Lab, content: bytes, report: Report) -> None:
        source = json.loads((self.build / lab.course / "grader" / lab.id / f"{lab.id}.ipynb").read_text())
        someone = person(self.engine, submission.username)
        learner = {
            "id": submission.username,
            "first_name": someone.given_name if someone else "",
            "last_name": someone.family_name if someone else "",
            "email": someone.email if someone else "",
        }
        language = self._language(submission.username)
        repaired = repair(source, content, self._starters(lab, language))
        repaired.notebook["metadata"].setdefault("labkit", {})["language"] = language  # of the feedback page
        self.gradebooks[lab.course].write(learner, lab.id, repaired.notebook, submission.received_at, report)

    def _lab(self, course: str, lab_id: str) -> Lab:
        if course not in self.courses:
            raise LabkitError(f"The course {course!r} is not taught here.", instead="Name it in LABKIT_TEACH.")
        return self.courses[course].lab(lab_id)

    def _language(self, learner: str) -> str:
        someone = person(self.engine, learner)
        return someone.language if someone else "en"


def _manual(report: Report) -> float:
    return sum(answer.max for answer in report.manual)
