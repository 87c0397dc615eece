"""Other amounts than the course's and the site's: more for one person, a budget for a cohort.

    scope    bounds                              a limit may be of
    lab      her tokens and requests in a lab    one person, or everybody of a cohort (each)
    person   hers in all labs of a day           one person, or everybody of a cohort (each)
    cohort   a cohort's together, in all         a cohort

The nearest wins: a person's own before her cohort's before the course's or the site's. A limit that names only tokens
or only requests leaves the other as it was. A lab's limit may name steps and minutes of trainings too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, select

from labkit.allowance.rule import Rule, Share
from labkit.database import reading
from labkit.database.tables import limits
from labkit.errors import OperatorError

SCOPES = ("lab", "person", "cohort")
AMOUNTS = ("tokens", "requests", "steps", "minutes")
_KEY = ("username", "cohort", "course", "lab", "scope")


@dataclass(frozen=True)
class Limit:
    """One row. None: as it was without this limit."""

    scope: str
    username: str = ""
    cohort: str = ""
    course: str = ""
    lab: str = ""
    tokens: int | None = None
    requests: int | None = None
    steps: int | None = None  # of trainings in the lab, as the next
    minutes: int | None = None

    def covers(self, scope: str, username: str, cohort: str, course: str, lab: str) -> bool:
        pairs = ((self.username, username), (self.cohort, cohort), (self.course, course), (self.lab, lab))
        return self.scope == scope and all(mine in ("", asked) for mine, asked in pairs)


def every(engine: Engine) -> tuple[Limit, ...]:
    columns = [limits.c[one.name] for one in fields(Limit)]
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(*columns[:5])).mappings()
        return tuple(Limit(**row) for row in rows)


def set_limit(engine: Engine, limit: Limit, by: str | None, now: datetime | None = None) -> None:
    """Writes a limit in place of the one that was there. Raises OperatorError for what cannot be."""
    _check(limit)
    row = asdict(limit) | {"set_by": by, "set_at": now or datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(delete(limits).where(_is(limit)))
        connection.execute(limits.insert().values(row))


def remove(engine: Engine, limit: Limit) -> bool:
    """Takes a limit away; False if there was none."""
    with engine.begin() as connection:
        return connection.execute(delete(limits).where(_is(limit))).rowcount > 0


def applied(rule: Rule, found: Iterable[Limit], scope: str, username: str, cohort: str, course: str, lab: str) -> Share:
    """The rule with the nearest limits in its place."""
    mine = farthest_first(found, scope, username, cohort, course, lab)
    return Share(nearest(mine, "tokens", rule.tokens), nearest(mine, "requests", rule.requests), rule.per)


def farthest_first(
    found: Iterable[Limit], scope: str, username: str, cohort: str, course: str, lab: str
) -> tuple[Limit, ...]:
    """Those that cover her there; the last wins."""
    mine = [one for one in found if one.covers(scope, username, cohort, course, lab)]
    return tuple(sorted(mine, key=lambda one: (one.username != "", one.lab != "", one.course != "")))


def nearest(mine: Sequence[Limit], name: str, otherwise: int | None) -> int | None:
    """The amount of the last of `mine` that names it."""
    return next((amount for one in reversed(mine) if (amount := getattr(one, name)) is not None), otherwise)


def _check(limit: Limit) -> None:
    if limit.scope not in SCOPES:
        raise OperatorError(f"There is no limit of a {limit.scope!r}.", instead=f"Known: {', '.join(SCOPES)}.")
    if all(getattr(limit, name) is None for name in AMOUNTS):
        raise OperatorError("This limit says nothing.", instead="Give tokens, requests, steps or minutes.")
    if any(number is not None and not 0 <= number < 2**31 for number in (getattr(limit, name) for name in AMOUNTS)):
        raise OperatorError("A limit is a whole number, 0 or more.", instead="Give fewer than 2,147,483,648.")
    if not (limit.username or limit.cohort):
        raise OperatorError("This limit is nobody's.", instead="Name a person or a cohort.")
    if limit.scope == "cohort" and (limit.username or limit.course or limit.lab):
        raise OperatorError("A cohort's limit is of all its people and labs.", instead="Name the cohort alone.")
    if limit.scope == "lab" and not (limit.course and limit.lab):
        raise OperatorError("A lab's limit names the lab.", instead="Write it as COURSE/LAB.")
    if limit.scope != "lab" and (limit.steps is not None or limit.minutes is not None):
        raise OperatorError("Steps and minutes of trainings are a lab's.", instead="Name the lab, as COURSE/LAB.")
    if limit.scope == "person" and (limit.course or limit.lab):
        raise OperatorError("A person's limit is of all labs together.", instead="Leave the lab out.")


def _is(limit: Limit) -> ColumnElement[bool]:
    return and_(*(limits.c[name] == getattr(limit, name) for name in _KEY))
