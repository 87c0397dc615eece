"""The grading queue: the submissions table itself, so nothing acknowledged can be left out of it.

What a worker takes carries its name (`holder`) until the worker is done with it: two at once never take each other's
work, and `recover` takes back what no living process holds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select, true, update

from labkit import holder as holders
from labkit.database.tables import submissions
from labkit.submissions.store import Submission

# After our own fault a submission waits this many seconds, longer each time; then it is shown as our fault and tried
# once an hour, so that nobody's work is forgotten.
PAUSES = (10, 30, 60, 120)
HOUR = 3600
# So long an earlier submission counts against a person's turn.
TURN_SECONDS = 600
_FREE: dict[str, None] = {"holder": None, "held_since": None}


class Queue:
    """One worker's way to the queue; `holder` is its name."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine, self._now = engine, now
        self.holder = holders.new()

    def take(self, batch: str | None = None, *, fresh: bool = False) -> Submission | None:
        """The submission whose turn it is, from here on this worker's; None if there is none. With `batch`, of that
        batch alone; with `fresh`, none that waits for its pass with the model.

        People take turns: everybody's first of the last minutes, then everybody's second. Who hands in ten holds up
        nobody. What waits for its pass with the model comes after all that has had none yet.
        """
        return self._claim(self._next(batch, fresh=fresh), lambda row: {"state": "grading", "tries": row["tries"] + 1})

    def take_unwritten(self, batch: str | None = None) -> Submission | None:
        """A graded submission that has still to be written into the gradebook, from here on this worker's."""
        table = submissions.c
        free = self._free() & (table.not_before.is_(None) | (table.not_before <= self._now()))
        free &= true() if batch is None else table.batch == batch
        query = select(submissions).where(table.state == "graded", ~table.written, free)
        return self._claim(query.order_by(table.received_at).limit(1), lambda row: {"tries": row["tries"] + 1})

    def _claim(self, query: Select[Any], change: Callable[[Any], dict[str, Any]]) -> Submission | None:
        while True:
            with self._engine.begin() as connection:
                row = connection.execute(query).mappings().first()
                if row is None:
                    return None
                values = {**change(row), "holder": self.holder, "held_since": self._now()}
                same = (submissions.c.id == row["id"]) & (submissions.c.state == row["state"])
                same &= submissions.c.digest == row["digest"]  # whoever handed it in was not erased meanwhile
                # Where two workers saw the same one, the UPDATE decides and the other looks again.
                if connection.execute(update(submissions).where(same, self._free()).values(values)).rowcount == 1:
                    return Submission.of({**row, **values})

    def _next(self, batch: str | None, *, fresh: bool) -> Select[Any]:
        table = submissions.c
        waits = table.state.in_(("queued", "fault")) & table.holder.is_(None)
        waits &= ~table.asks_model if fresh else true()
        waits &= true() if batch is None else table.batch == batch
        may = waits & (table.not_before.is_(None) | (table.not_before <= self._now()))
        recent = table.received_at >= self._now() - timedelta(seconds=TURN_SECONDS)
        turn = func.row_number().over(partition_by=table.username, order_by=table.received_at)
        ranked = select(table.id, turn.label("turn")).where(may | recent).subquery()
        found = select(submissions).join(ranked, ranked.c.id == table.id).where(may)
        return found.order_by(table.asks_model, ranked.c.turn, table.received_at).limit(1)

    def give_up(self, submission: Submission) -> None:
        """After our own fault: tried again after a pause; once the pauses are used up, shown as our fault."""
        state = "queued" if submission.tries <= len(PAUSES) else "fault"
        self._mine(submission, "grading", {"state": state, "not_before": self._pause(submission)})

    def put_off(self, submission: Submission) -> None:
        """The gradebook could not be written: tried again after a pause. The score stands."""
        self._mine(submission, "graded", {"not_before": self._pause(submission)})

    def wrote(self, submission: Submission) -> None:
        """The gradebook has it."""
        self._mine(submission, "graded", {"written": True, "tries": 0, "not_before": None})

    def again(self, submission_id: str, why: str = "regrade") -> None:
        """Grades a submission once more, now."""
        values = {"state": "queued", "tries": 0, "not_before": None, "why": why, **_FREE}
        with self._engine.begin() as connection:
            connection.execute(update(submissions).where(submissions.c.id == submission_id).values(values))

    def recover(self, alive: Callable[[str, datetime | None], bool] = holders.alive) -> int:
        """At the start: what a crash left half-graded waits again, and so does what failed before. Gives how many.

        What another living process holds is left to it. This worker's own is taken back: it asks when it is at
        nothing. A score that is recorded and not yet in the gradebook stands: `take_unwritten` gives it out again.
        """
        waiting = submissions.c.state.in_(("queued", "graded"))
        with self._engine.begin() as connection:
            self._take_back(connection, alive)
            connection.execute(update(submissions).where(waiting).values(not_before=None))
            left = submissions.c.state.in_(("grading", "fault")) & submissions.c.holder.is_(None)
            again = update(submissions).where(left).values(state="queued", tries=0, not_before=None)
            return connection.execute(again).rowcount

    def take_back(self, alive: Callable[[str, datetime | None], bool] = holders.alive) -> int:
        """While others work: what a process held that is gone waits again. Gives how many."""
        with self._engine.begin() as connection:
            self._take_back(connection, alive)
            dropped = (submissions.c.state == "grading") & submissions.c.holder.is_(None)
            return connection.execute(update(submissions).where(dropped).values(state="queued")).rowcount

    def _take_back(self, connection: Connection, alive: Callable[[str, datetime | None], bool]) -> None:
        lost = self._lost(connection, alive)
        connection.execute(update(submissions).where(submissions.c.id.in_(lost)).values(_FREE))

    def _lost(self, connection: Connection, alive: Callable[[str, datetime | None], bool]) -> list[str]:
        table = submissions.c
        held = connection.execute(select(table.id, table.holder, table.held_since).where(table.holder.is_not(None)))
        return [one.id for one in held if one.holder == self.holder or not alive(one.holder, one.held_since)]

    def _free(self) -> ColumnElement[bool]:
        """Held by nobody else. A worker is at one thing at a time: what it holds when it asks, it had to drop."""
        return submissions.c.holder.is_(None) | (submissions.c.holder == self.holder)

    def _pause(self, submission: Submission) -> datetime:
        pauses = dict(enumerate(PAUSES, start=1))
        return self._now() + timedelta(seconds=pauses.get(submission.tries, HOUR))

    def _mine(self, submission: Submission, state: str, values: dict[str, object]) -> None:
        """Changes what this worker holds and lets it go; what was taken from it meanwhile is another's to change."""
        held = (submissions.c.id == submission.id) & (submissions.c.holder == self.holder)
        with self._engine.begin() as connection:
            changed = update(submissions).where(held, submissions.c.state == state)
            connection.execute(changed.values({**values, **_FREE}))
