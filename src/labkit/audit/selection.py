"""Which calls are meant."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select

from labkit.database.tables import calls

OUTCOMES = ("complete", "cancelled", "paused", "refused", "failed", "lost")
# The kinds of a training's lines: what was charged for them are steps, and seconds of the machine. Every other line's
# are tokens.
TRAINING_STEPS, TRAINING_TIME = "fine_tuning/jobs", "fine_tuning/time"
TRAININGS = (TRAINING_STEPS, TRAINING_TIME)


@dataclass(frozen=True)
class Selection:
    """None: every one. A call belongs to the span from `since` to before `until` in which it ended.

    `people` is a query for usernames, such as those of a class; `cohorts` are those the calls were made in ("" for
    the calls of whoever teaches). `trainings`: only their lines, or all others.
    """

    username: str | None = None
    cohorts: Collection[str] | None = None
    course: str | None = None
    lab: str | None = None
    model: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    people: Select[Any] | None = None
    trainings: bool | None = None

    def where(self) -> list[ColumnElement[bool]]:
        """The conditions on `calls`, all of which hold."""
        named = ("username", "course", "lab", "model", "outcome")
        found = [calls.c[name] == value for name in named if (value := getattr(self, name)) is not None]
        if self.cohorts is not None:
            found.append(calls.c.cohort.in_(list(self.cohorts)))
        if self.people is not None:
            found.append(calls.c.username.in_(self.people))
        if self.trainings is not None:
            found.append(calls.c.kind.in_(TRAININGS) if self.trainings else calls.c.kind.not_in(TRAININGS))
        if self.since is not None:
            found.append(calls.c.closed_at >= self.since)
        if self.until is not None:
            found.append(calls.c.closed_at < self.until)
        return found
