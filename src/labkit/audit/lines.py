"""The calls themselves, one line each; a training has a line for its steps and, where time is bounded, one for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, func, select

from labkit.audit.prices import Prices
from labkit.audit.selection import TRAINING_STEPS, TRAINING_TIME, Selection
from labkit.database import reading
from labkit.database.tables import calls

_AT_ONCE = 2_000
_NO_PRICES = Prices()


@dataclass(frozen=True)
class Line:
    """One call. `cost` is in the currency of the prices; None where its model has none. Times are in seconds."""

    id: str
    closed_at: datetime
    username: str
    cohort: str
    course: str
    lab: str
    kind: str
    model: str
    outcome: str
    prompt_tokens: int
    answer_tokens: int
    charged: int
    seconds: float
    waited: float
    cost: float | None = None

    @property
    def unit(self) -> str:
        """Of `charged`: tokens; of a training steps, or seconds of the machine."""
        return {TRAINING_STEPS: "steps", TRAINING_TIME: "seconds"}.get(self.kind, "tokens")


_COLUMNS = tuple(calls.c[one.name] for one in fields(Line) if one.name != "cost")


def newest(
    engine: Engine, which: Selection, most: int, skipped: int = 0, prices: Prices = _NO_PRICES
) -> tuple[Line, ...]:
    """At most `most` of the calls, the last that ended first."""
    order = (calls.c.closed_at.desc(), calls.c.id)
    query = select(*_COLUMNS).where(*which.where()).order_by(*order).limit(most).offset(skipped)
    with reading(engine) as connection:
        return tuple(_line(row, prices) for row in connection.execute(query))


def each(engine: Engine, which: Selection, prices: Prices = _NO_PRICES) -> Iterator[Line]:
    """Every one of them, the first that ended first; read as they are asked for."""
    query = select(*_COLUMNS).where(*which.where()).order_by(calls.c.closed_at, calls.c.id)
    with reading(engine) as connection:
        for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
            yield _line(row, prices)


def number(engine: Engine, which: Selection) -> int:
    """How many there are."""
    with reading(engine) as connection:
        return int(connection.execute(select(func.count()).select_from(calls).where(*which.where())).scalar_one())


def _line(row: Row[Any], prices: Prices) -> Line:
    told = dict(row._mapping)
    cost = prices.of(told["model"], told["prompt_tokens"], told["answer_tokens"], told["seconds"])
    return Line(**told, cost=cost)
