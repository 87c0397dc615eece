"""The grading queue: the submissions table itself, so nothing acknowledged can be left out of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Select, func, select, update

from labkit.database.tables import submissions
from labkit.submissions.store import Submission

# After our own fault a submission waits this many seconds, longer each time; then it is shown as our fault and tried
# once an hour, so that nobody's work is forgotten.
PAUSES = (10, 30, 60, 120)
HOUR = 3600
# So long an earlier submission counts against a person's turn.
TURN_SECONDS = 600


class Queue:
    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine, self._now = engine, now

    def take(self) -> Submission | None:
        """The submission whose turn it is, from here on this worker's; None if there is none.

        People take turns: everybody's first of the last minutes, then everybody's second. Who hands in ten holds up
        nobody.
        """
        while True:
            with self._engine.begin() as connection:
                row = connection.execute(self._next()).mappings().first()
                if row is None:
                    return None
                values = {"state": "grading", "tries": row["tries"] + 1}
                same = (submissions.c.id == row["id"]) & (submissions.c.state == row["state"])
                # Where two workers saw the same one, the UPDATE decides and the other looks again.
                if connection.execute(update(submissions).where(same).values(values)).rowcount == 1:
                    return Submission.of({**row, **values})

    def _next(self) -> Select[Any]:
        table = submissions.c
        may = table.state.in_(("queued", "fault")) & (table.not_before.is_(None) | (table.not_before <= self._now()))
        recent = table.received_at >= self._now() - timedelta(seconds=TURN_SECONDS)
        turn = func.row_number().over(partition_by=table.username, order_by=table.received_at)
        ranked = select(table.id, turn.label("turn")).where(may | recent).subquery()
        found = select(submissions).join(ranked, ranked.c.id == table.id).where(may)
        return found.order_by(ranked.c.turn, table.received_at).limit(1)

    def give_up(self, submission: Submission) -> None:
        """After our own fault: tried again after a pause; once the pauses are used up, shown as our fault."""
        pauses = dict(enumerate(PAUSES, start=1))
        pause = timedelta(seconds=pauses.get(submission.tries, HOUR))
        state = "queued" if submission.tries in pauses else "fault"
        self._set(submission.id, state=state, not_before=self._now() + pause)

    def again(self, submission_id: str) -> None:
        """Grades a submission once more, now."""
        self._set(submission_id, state="queued", tries=0, not_before=None)

    def recover(self) -> int:
        """At the start: what a crash left half-graded waits again, and so does what failed before. Gives how many."""
        left = submissions.c.state.in_(("grading", "fault"))
        waiting = submissions.c.state == "queued"
        with self._engine.begin() as connection:
            connection.execute(update(submissions).where(waiting).values(not_before=None))
            again = update(submissions).where(left).values(state="queued", tries=0, not_before=None)
            return connection.execute(again).rowcount

    def _set(self, submission_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(submissions).where(submissions.c.id == submission_id).values(values))
