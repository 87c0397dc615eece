"""What happened in a job, in order: messages for people, and the figures a loss curve is drawn from."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from labkit.database import reading
from labkit.database.tables import training_checkpoints, training_events


@dataclass(frozen=True)
class Event:
    """`id` grows from one to the next; `data` of metrics has step, loss and what else is known of that step."""

    id: int
    job: str
    at: datetime
    kind: str
    level: str
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    id: str
    job: str
    step: int
    metrics: Mapping[str, float]
    adapter: str
    at: datetime


class Events:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def say(self, job: str, text: str, level: str = "info", **data: Any) -> None:
        self._add([self._row(job, "message", level, text, data)])

    def measured(self, job: str, figures: Sequence[Mapping[str, Any]]) -> None:
        """A line for each step, all in one transaction."""
        self._add([self._row(job, "metrics", "info", _told(one), one) for one in figures])

    def rewind(self, job: str, step: int) -> None:
        """A job that goes on from its checkpoint takes the steps after it again: their figures are dropped."""
        table = training_events.c
        with self._engine.begin() as connection:
            query = select(table.id, table.data).where(table.job == job, table.kind == "metrics")
            later = [row.id for row in connection.execute(query) if row.data.get("step", 0) > step]
            connection.execute(delete(training_events).where(table.id.in_(later)))

    def of(self, job: str, after: int = 0, most: int = 1000) -> list[Event]:
        """Those after the event of that id, the oldest first."""
        table = training_events.c
        query = select(training_events).where(table.job == job, table.id > after).order_by(table.id).limit(most)
        return self._read(query)

    def every(self, job: str) -> Iterator[Event]:
        """All of them, the oldest first, a page at a time."""
        after = 0
        while page := self.of(job, after):
            yield from page
            after = page[-1].id

    def newest(self, job: str, before: int | None, most: int) -> list[Event]:
        """Those before the event of that id, the newest first."""
        table = training_events.c
        query = select(training_events).where(table.job == job).order_by(table.id.desc()).limit(most)
        return self._read(query if before is None else query.where(table.id < before))

    def keep_checkpoint(self, job: str, step: int, metrics: Mapping[str, float], adapter: str) -> Checkpoint:
        found = Checkpoint(f"ftckpt-{secrets.token_hex(12)}", job, step, dict(metrics), adapter, datetime.now(UTC))
        with self._engine.begin() as connection:
            table = training_checkpoints.c
            connection.execute(delete(training_checkpoints).where(table.job == job, table.step == step))
            connection.execute(insert(training_checkpoints).values(vars(found)))
        return found

    def checkpoints(self, job: str) -> list[Checkpoint]:
        """The newest first."""
        table = training_checkpoints.c
        query = select(training_checkpoints).where(table.job == job).order_by(table.step.desc())
        with reading(self._engine) as connection:
            return [Checkpoint(**row) for row in connection.execute(query).mappings()]

    def _row(self, job: str, kind: str, level: str, text: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return {**{"job": job, "at": datetime.now(UTC), "kind": kind}, "level": level, "text": text, "data": dict(data)}

    def _add(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(training_events), rows)

    def _read(self, query: Any) -> list[Event]:
        with reading(self._engine) as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]


def _told(figures: Mapping[str, Any]) -> str:
    """As OpenAI's event says it."""
    words = [f"Step {figures['step']}/{figures['total_steps']}: training loss={figures['train_loss']:.2f}"]
    if figures.get("valid_loss") is not None:
        words.append(f"validation loss={figures['valid_loss']:.2f}")
    return ", ".join(words)
