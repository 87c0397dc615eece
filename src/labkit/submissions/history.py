"""What became of a learner's work over time: one line for each time it was graded to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from labkit.database.tables import gradings, submissions


@dataclass(frozen=True)
class Grading:
    """`why` is submitted, regrade, rescore or button; `seconds` is what the pass with the model took, if one did."""

    id: str
    submission: str
    score: float
    max: float
    manual_max: float
    report: dict[str, Any]
    release: str
    why: str
    seconds: float | None
    graded_at: datetime


def lines(connection: Connection, *where: ColumnElement[bool]) -> tuple[Grading, ...]:
    """The gradings of the submissions that fit `where`, newest first."""
    query = select(gradings).join(submissions).where(*where).order_by(gradings.c.graded_at.desc(), gradings.c.id)
    return tuple(Grading(**dict(row)) for row in connection.execute(query).mappings())
