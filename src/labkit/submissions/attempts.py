"""How often a learner may hand a lab in, where its course says so.

An attempt is a submission that was received and differs from all earlier ones, be it readable or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from labkit.database import turn
from labkit.database.tables import submissions
from labkit.errors import AttemptsSpent


@dataclass(frozen=True)
class Attempts:
    used: int
    most: int

    @property
    def left(self) -> int:
        """Never below 0, also where a course lowers the number afterwards."""
        return max(0, self.most - self.used)


def refuse_one_more(connection: Connection, username: str, course: str, lab: str, most: int | None) -> None:
    """Raises AttemptsSpent where `most` are used up."""
    if most is None:
        return
    table = submissions.c
    hers = (table.username == username) & (table.course == course) & (table.lab == lab)
    used = connection.execute(select(func.count()).select_from(submissions).where(hers)).scalar_one()
    if used >= most:
        raise AttemptsSpent(
            f"You have handed this lab in {used} times, of {most} that are allowed. The newest of them counts.",
            instead="Ask your instructor if you think you should have another.",
        )


def take_turn(connection: Connection, username: str, course: str, lab: str) -> None:
    """Until the transaction ends, nobody else hands in for this learner and lab: two cannot both be the last.

    SQLite has one writer at a time anyway.
    """
    turn.take(connection, username, course, lab)
