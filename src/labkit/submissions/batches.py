"""A whole lab graded again: which submissions, and how far it has come.

A batch marks every learner's newest submission and queues it, in one transaction. What is left of it is read from the
submissions themselves, so a run that was killed at any point goes on where it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, func, insert, select, update

from labkit.courses import Lab
from labkit.database import reading
from labkit.database.tables import batches, scores, submissions
from labkit.programme.privacy.strip import has_files
from labkit.submissions import queue


@dataclass(frozen=True)
class Batch:
    """`resumed`: it was begun by a run that did not finish it."""

    id: str
    started_at: datetime
    resumed: bool


@dataclass(frozen=True)
class Progress:
    """How many submissions are graded and written, wait, and failed through our fault after every try."""

    total: int
    done: int
    waiting: int
    faults: int


class Batches:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, lab: Lab, *, only_changed: bool = False) -> Batch:
        """The lab's unfinished batch of this release, or a new one over every learner's newest submission.

        `only_changed` leaves out what was graded with this very release.
        """
        with self._engine.begin() as connection:
            unfinished = self._unfinished(connection, lab)
            if unfinished is not None:
                return unfinished
            batch = Batch(uuid.uuid4().hex, datetime.now(UTC), False)
            row = {"id": batch.id, "course": lab.course, "lab": lab.id, "release": lab.release}
            connection.execute(insert(batches).values(row | {"started_at": batch.started_at}))
            chosen = _newest(lab)
            if only_changed:
                same = select(scores.c.submission).where(scores.c.release == lab.release)
                chosen = chosen.where(submissions.c.id.not_in(same))
            ids = [one.id for one in connection.execute(chosen)]
            # What is being graded at this moment is left to whoever does it, and counts as part of the batch.
            free = submissions.c.id.in_(ids) & (submissions.c.state != "grading")
            again = {"state": "queued", "tries": 0, "not_before": None, "why": "regrade", "asks_model": False}
            fresh = {"why": case((submissions.c.state == "queued", submissions.c.why), else_="regrade")}
            connection.execute(update(submissions).where(free).values({**again, **fresh}))
            connection.execute(update(submissions).where(submissions.c.id.in_(ids)).values(batch=batch.id))
            return batch

    def progress(self, batch: str) -> Progress:
        done = (submissions.c.state == "graded") & submissions.c.written
        counts = {"total": func.count(), "done": _count(done), "faults": _count(_given_up())}
        query = select(*(value.label(name) for name, value in counts.items())).where(submissions.c.batch == batch)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one()
        done_, faults = int(row["done"] or 0), int(row["faults"] or 0)
        return Progress(row["total"], done_, row["total"] - done_ - faults, faults)

    def finish(self, batch: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(batches).where(batches.c.id == batch).values(finished_at=datetime.now(UTC)))

    def reports(self, batch: str) -> tuple[tuple[str, Mapping[str, Any] | None], ...]:
        """Each learner of the batch with the report that stands and is in the gradebook, or None where our fault left
        it at less."""
        graded = (submissions.c.state == "graded") & submissions.c.written
        query = (
            select(submissions.c.username, case((graded, scores.c.report)).label("report"))
            .join(scores, scores.c.submission == submissions.c.id, isouter=True)
            .where(submissions.c.batch == batch)
            .order_by(submissions.c.username)
        )
        with reading(self._engine) as connection:
            return tuple((row.username, row.report) for row in connection.execute(query))

    def _unfinished(self, connection: Connection, lab: Lab) -> Batch | None:
        same = (batches.c.course == lab.course) & (batches.c.lab == lab.id) & (batches.c.release == lab.release)
        row = connection.execute(select(batches).where(same, batches.c.finished_at.is_(None))).mappings().first()
        return None if row is None else Batch(row["id"], row["started_at"], True)


def newest(engine: Engine, lab: Lab) -> tuple[str, ...]:
    """The ids of every learner's newest submission."""
    with reading(engine) as connection:
        return tuple(row.id for row in connection.execute(_newest(lab)))


def _newest(lab: Lab) -> Select[Any]:
    of_lab = (submissions.c.course == lab.course) & (submissions.c.lab == lab.id)
    order = (submissions.c.received_at.desc(), submissions.c.id)
    rank = func.row_number().over(partition_by=submissions.c.username, order_by=order)
    ranked = select(submissions.c.id, rank.label("rank")).where(of_lab).subquery()
    newest_ones = select(submissions.c.id).join(ranked, ranked.c.id == submissions.c.id).where(ranked.c.rank == 1)
    return newest_ones.where(has_files())  # of what was erased only the points are left


def _given_up() -> ColumnElement[bool]:
    """What failed through our fault after every pause: it is tried again once an hour, for which nobody waits here."""
    unwritten = (submissions.c.state == "graded") & ~submissions.c.written & (submissions.c.tries > len(queue.PAUSES))
    return (submissions.c.state == "fault") | unwritten


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
