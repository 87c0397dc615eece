"""The grading queue: the submissions table itself, so nothing acknowledged can be left out of it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, select, update

from labkit.database.tables import submissions
from labkit.submissions.store import Submission

# A submission that fails through our fault is tried this often before a person must look at it.
MOST_TRIES = 3


class Queue:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self) -> Submission | None:
        """The oldest waiting submission, now this worker's; None if nobody waits."""
        waiting = (
            select(submissions).where(submissions.c.state == "queued").order_by(submissions.c.received_at).limit(1)
        ).with_for_update(skip_locked=True)
        with self._engine.begin() as connection:
            row = connection.execute(waiting).mappings().first()
            if row is None:
                return None
            values = {"state": "grading", "tries": row["tries"] + 1, "taken_at": datetime.now(UTC)}
            connection.execute(update(submissions).where(submissions.c.id == row["id"]).values(values))
            return Submission.of({**row, **values})

    def give_up(self, submission: Submission) -> None:
        """After our own fault: back into the queue, or aside for a person after MOST_TRIES."""
        self._set(submission.id, "queued" if submission.tries < MOST_TRIES else "fault")

    def again(self, submission_id: str) -> None:
        """Grades a submission once more."""
        with self._engine.begin() as connection:
            connection.execute(
                update(submissions).where(submissions.c.id == submission_id).values(state="queued", tries=0)
            )

    def recover(self) -> int:
        """At the start: what a crash left half-graded waits again. Gives how many."""
        with self._engine.begin() as connection:
            left = update(submissions).where(submissions.c.state == "grading").values(state="queued")
            return connection.execute(left).rowcount

    def _set(self, submission_id: str, state: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(submissions).where(submissions.c.id == submission_id).values(state=state))
