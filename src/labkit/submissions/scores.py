"""Scores with reasons, as pages show them. nbgrader's gradebook stays the place where scores live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from labkit.database import reading
from labkit.database.tables import scores, submissions


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

    def record(self, submission_id: str, report: Mapping[str, Any], manual_max: float) -> None:
        """Writes the automatic score and marks the submission graded, both or neither."""
        row = {
            "submission": submission_id,
            "score": report["score"],
            "max": report["max"],
            "report": dict(report),
            "manual_max": manual_max,
            "graded_at": datetime.now(UTC),
        }
        with self._engine.begin() as connection:
            connection.execute(delete(scores).where(scores.c.submission == submission_id))
            connection.execute(insert(scores).values(row))
            connection.execute(update(submissions).where(submissions.c.id == submission_id).values(state="graded"))

    def set_manual(self, username: str, course: str, lab: str, manual_score: float | None) -> None:
        """What the instructor gave, for her latest graded submission of the lab."""
        latest = self.latest(username, course, lab)
        if latest is None or latest.manual_score == manual_score:
            return
        with self._engine.begin() as connection:
            changed = update(scores).where(scores.c.submission == latest.submission)
            connection.execute(changed.values(manual_score=manual_score))

    def get(self, submission_id: str) -> Score | None:
        return next(iter(self._select(scores.c.submission == submission_id)), None)

    def latest(self, username: str, course: str, lab: str) -> Score | None:
        """The score of the newest submission that has one."""
        where = (submissions.c.username == username, submissions.c.course == course, submissions.c.lab == lab)
        return next(iter(self._select(*where)), None)

    def of_course(self, course: str) -> tuple[Score, ...]:
        """Each learner's latest score in each lab of a course."""
        found: dict[tuple[str, str], Score] = {}
        for score in self._select(submissions.c.course == course):
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
