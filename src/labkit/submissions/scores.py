"""Scores with reasons, as pages show them. nbgrader's gradebook stays the place where scores live."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from labkit.database import reading
from labkit.database.tables import gradings, scores, submissions
from labkit.programme.sight import learn_in
from labkit.submissions.history import Grading, lines


@dataclass(frozen=True)
class Score:
    """`score` of `max` automatic points; `manual_score` of `manual_max` is None until a person has graded."""

    submission: str
    username: str
    course: str
    lab: str
    score: float
    max: float
    report: dict[str, Any]
    manual_score: float | None
    manual_max: float
    graded_at: datetime
    release: str = ""

    @property
    def total(self) -> float:
        return self.score + (self.manual_score or 0)

    @property
    def judged_max(self) -> float:
        """What could be reached in what has been judged so far."""
        return self.max + (self.manual_max if self.manual_score is not None else 0)

    @property
    def total_max(self) -> float:
        return self.max + self.manual_max


class Scores:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(
        self,
        submission_id: str,
        report: Mapping[str, Any],
        manual_max: float,
        *,
        release: str = "",
        why: str = "submitted",
        seconds: float | None = None,
        holder: str = "",
        written: bool = True,
    ) -> bool:
        """Writes the score, its line in the history and the submission's state, all or none; whether it did.

        With a `holder`, only while that process holds the submission: whoever lost it to another writes nothing.
        `written=False` leaves the mark that the gradebook has still to be written, and the submission held.
        """
        row = _row(submission_id, report, manual_max, release)
        line = {**row, "id": uuid.uuid4().hex, "why": why, "seconds": seconds}
        state = {"state": "graded", "written": written, "asks_model": False, "tries": 0, "not_before": None}
        with self._engine.begin() as connection:
            if not _set_state(connection, submission_id, holder, state, release=written) and holder:
                return False
            _replace(connection, row)
            connection.execute(insert(gradings).values(line))
        return True

    def record_first(
        self, submission_id: str, report: Mapping[str, Any], manual_max: float, *, release: str, holder: str
    ) -> bool:
        """Writes what holds without the model, and lets the submission wait for its pass with it; whether it did.

        It is no grading yet: neither history nor gradebook hear of it.
        """
        state = {"state": "queued", "asks_model": True, "tries": 0, "not_before": None}
        with self._engine.begin() as connection:
            if not _set_state(connection, submission_id, holder, state, release=True):
                return False
            _replace(connection, _row(submission_id, report, manual_max, release))
        return True

    def set_manual(self, username: str, course: str, lab: str, manual_score: float | None) -> None:
        """What the instructor gave, for her latest submission of the lab once the gradebook has it."""
        latest = self.latest(username, course, lab)
        if latest is None or latest.manual_score == manual_score:
            return
        there = select(submissions.c.id).where(submissions.c.state == "graded", submissions.c.written)
        changed = update(scores).where(scores.c.submission == latest.submission, scores.c.submission.in_(there))
        with self._engine.begin() as connection:
            connection.execute(changed.values(manual_score=manual_score))

    def get(self, submission_id: str) -> Score | None:
        return next(iter(self._select(scores.c.submission == submission_id)), None)

    def latest(self, username: str, course: str, lab: str) -> Score | None:
        """The score of the newest submission that has one."""
        where = (submissions.c.username == username, submissions.c.course == course, submissions.c.lab == lab)
        return next(iter(self._select(*where)), None)

    def history(self, username: str, course: str, lab: str) -> tuple[Grading, ...]:
        """Every grading of hers in a lab, newest first."""
        where = (submissions.c.username == username, submissions.c.course == course, submissions.c.lab == lab)
        with reading(self._engine) as connection:
            return lines(connection, *where)

    def of_course(self, course: str, *, cohorts: Collection[str] | None = None) -> tuple[Score, ...]:
        """Each learner's latest score in each lab of a course, or those of the learners of some of its cohorts."""
        found: dict[tuple[str, str], Score] = {}
        where = [submissions.c.course == course]
        if cohorts is not None:
            where.append(submissions.c.username.in_(learn_in(cohorts)))
        for score in self._select(*where):
            found.setdefault((score.username, score.lab), score)
        return tuple(found.values())

    def _select(self, *where: Any) -> tuple[Score, ...]:
        query = (
            select(scores, submissions.c.username, submissions.c.course, submissions.c.lab)
            .join(submissions)
            .where(*where)
            .order_by(submissions.c.received_at.desc())
        )
        with reading(self._engine) as connection:
            return tuple(Score(**dict(row)) for row in connection.execute(query).mappings())


def _row(submission_id: str, report: Mapping[str, Any], manual_max: float, release: str) -> dict[str, Any]:
    return {
        "submission": submission_id,
        "score": report["score"],
        "max": report["max"],
        "report": dict(report),
        "manual_max": manual_max,
        "release": release,
        "graded_at": datetime.now(UTC),
    }


def _set_state(
    connection: Connection, submission_id: str, holder: str, state: Mapping[str, Any], *, release: bool
) -> bool:
    mine = submissions.c.id == submission_id
    if holder:
        mine &= (submissions.c.holder == holder) & (submissions.c.state == "grading")
    values = {**state, **({"holder": None, "held_since": None} if release else {})}
    return connection.execute(update(submissions).where(mine).values(values)).rowcount == 1


def _replace(connection: Connection, row: Mapping[str, Any]) -> None:
    """What a person gave for the same submission stays."""
    same = scores.c.submission == row["submission"]
    given = connection.execute(select(scores.c.manual_score).where(same)).scalar()
    connection.execute(delete(scores).where(same))
    connection.execute(insert(scores).values({**row, "manual_score": given}))
