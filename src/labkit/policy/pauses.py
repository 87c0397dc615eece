"""Pauses: a model a class may not use for now. The gateway follows within a second, running streams included."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, select

from labkit.database import reading
from labkit.database.tables import pauses


@dataclass(frozen=True)
class Pause:
    """Of `model` in `lab` of `course` for `cohort`; an empty text means every one of them."""

    course: str
    cohort: str = ""
    lab: str = ""
    model: str = ""

    def meets(self, other: Pause) -> bool:
        """Whether some call falls under both."""
        pairs = ((self.cohort, other.cohort), (self.lab, other.lab), (self.model, other.model))
        return self.course == other.course and all(not one or not two or one == two for one, two in pairs)

    def covers(self, course: str, cohort: str, lab: str, model: str) -> bool:
        pairs = ((self.course, course), (self.cohort, cohort), (self.lab, lab), (self.model, model))
        return all(mine in ("", asked) for mine, asked in pairs)


def every(engine: Engine) -> tuple[Pause, ...]:
    columns = (pauses.c.course, pauses.c.cohort, pauses.c.lab, pauses.c.model)
    with reading(engine) as connection:
        return tuple(Pause(*row) for row in connection.execute(select(*columns).order_by(*columns)))


def pause(engine: Engine, what: Pause, by: str | None, now: datetime | None = None) -> None:
    """Begins a pause; one that runs already stays as it is."""
    with engine.begin() as connection:
        if connection.execute(select(pauses.c.model).where(_is(what))).first() is None:
            row = asdict(what) | {"set_by": by, "set_at": now or datetime.now(UTC)}
            connection.execute(pauses.insert().values(row))


def resume(engine: Engine, what: Pause) -> bool:
    """Ends a pause; False if there was none."""
    with engine.begin() as connection:
        return connection.execute(delete(pauses).where(_is(what))).rowcount > 0


def _is(what: Pause) -> ColumnElement[bool]:
    return and_(*(pauses.c[name] == value for name, value in asdict(what).items()))
