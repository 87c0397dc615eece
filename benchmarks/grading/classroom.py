"""A class that hands in at once: real store, queue, graders and gradebook in a folder that is thrown away."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.lane import Lane, Later
from autograder.recordings import Identity, RecordedLane
from autograder.warm import Warm
from benchmarks.grading.figures import waits
from benchmarks.grading.subject import Subject, learner
from labkit.courses import load_course
from labkit.database import connect, migrate
from labkit.database.tables import submissions
from labkit.programme.people import Person, provision
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

_SECONDS = 3600


def hand_in(
    subject: Subject, folder: Path, warm: Warm, size: int, *, lane: Lane | None = None, workers: int = 2
) -> dict[str, Any]:
    """So many learners hand in, one right after another; what they waited for their score, and the gradebook for it."""
    grader = _compose(subject, folder, warm, size, lane or Later())
    notebooks = [subject.finished(number) for number in range(size)]
    warm.boot(subject.lab.profile)
    stop, scores = threading.Event(), Noting(grader.engine)
    graders = [dataclasses.replace(grader, queue=Queue(grader.engine), scores=scores) for _ in range(workers)]
    threads = [threading.Thread(target=_work, args=(one, stop)) for one in graders]
    for thread in threads:
        thread.start()
    try:
        handed_in = _submit(grader, subject, notebooks)
        written = _wait(grader, size)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        grader.engine.dispose()
    return _figures(handed_in, scores, written) | {"learners": size, "workers": workers}


class Noting(Scores):
    """Notes when each submission was told its score, and when it was told anything at all."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.told: dict[str, float] = {}
        self.first_told: dict[str, float] = {}

    def record(self, submission_id: str, *words: Any, **more: Any) -> bool:
        done = super().record(submission_id, *words, **more)
        self.told.setdefault(submission_id, time.monotonic())
        self.first_told.setdefault(submission_id, self.told[submission_id])
        return done

    def record_first(self, submission_id: str, *words: Any, **more: Any) -> bool:
        done = super().record_first(submission_id, *words, **more)
        self.first_told.setdefault(submission_id, time.monotonic())
        return done


def _submit(grader: Grader, subject: Subject, notebooks: Sequence[bytes]) -> dict[str, float]:
    handed_in = {}
    for number, content in enumerate(notebooks):
        began = time.monotonic()
        files = {f"{subject.lab.id}.ipynb": content}
        kept, _ = grader.store.receive(learner(number)["id"], subject.lab.course, subject.lab.id, files, [])
        handed_in[kept.id] = began
    return handed_in


def _work(grader: Grader, stop: threading.Event) -> None:
    while not stop.is_set():
        if not grader.grade_next():
            stop.wait(0.05)


def _wait(grader: Grader, size: int) -> float:
    """Until every score is in the gradebook too; when that was."""
    table, end = submissions.c, time.monotonic() + _SECONDS
    done = select(table.id).where(table.state == "graded", table.written)
    while time.monotonic() < end:
        with grader.engine.connect() as connection:
            if len(connection.execute(done).all()) == size:
                return time.monotonic()
        time.sleep(0.05)
    raise RuntimeError("a class was not graded within an hour")


def _figures(handed_in: dict[str, float], scores: Noting, written: float) -> dict[str, Any]:
    begun = list(handed_in.values())
    figures: dict[str, Any] = {"score": waits(begun, [scores.told[one] for one in handed_in])}
    if scores.first_told != scores.told:
        figures["first_word"] = waits(begun, [scores.first_told[one] for one in handed_in])
    return figures | {"last_in_gradebook": round(written - min(begun), 2)}


def _compose(subject: Subject, folder: Path, warm: Warm, size: int, lane: Lane) -> Grader:
    course = load_course(subject.courses, subject.lab.course)
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    people = tuple(Person(one["id"], one["email"], one["first_name"], "") for one in map(learner, range(size)))
    provision(engine, people, ())
    gradebook = CourseGradebook(folder / "nbgrader" / course.id, course.id)
    gradebook.register(subject.lab.id, subject.grader_notebook)
    return Grader(
        engine=engine,
        courses={course.id: course},
        build=subject.built.parent,
        gradebooks={course.id: gradebook},
        store=Store(engine, Blobs(folder / "blobs"), Signer(folder / "receipts.pem")),
        queue=Queue(engine),
        scores=Scores(engine),
        lane=RecordedLane(lane, engine, Identity(lambda: {"model": "embedded"}, engine)),
        warm=warm,
    )
