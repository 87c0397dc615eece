"""Other amounts than the course's and the site's: more for one person, a budget for a cohort.

    scope    bounds                              a limit may be of
    lab      her tokens and requests in a lab    one person, or everybody of a cohort (each)
    person   hers in all labs of a day           one person, or everybody of a cohort (each)
    cohort   a cohort's together, in all         a cohort

The nearest wins: a person's own before her cohort's before the course's or the site's. A limit that names only tokens
or only requests leaves the other as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Engine, and_, delete, select

from labkit.allowance.rule import Rule, Share
from labkit.database import reading
from labkit.database.tables import limits
from labkit.errors import OperatorError

SCOPES = ("lab", "person", "cohort")
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
    tokens, requests = rule.tokens, rule.requests
    mine = [one for one in found if one.covers(scope, username, cohort, course, lab)]
    for one in sorted(mine, key=lambda one: (one.username != "", one.lab != "", one.course != "")):
        tokens = one.tokens if one.tokens is not None else tokens
        requests = one.requests if one.requests is not None else requests
    return Share(tokens, requests, rule.per)


def _check(limit: Limit) -> None:
    if limit.scope not in SCOPES:
        raise OperatorError(f"There is no limit of a {limit.scope!r}.", instead=f"Known: {', '.join(SCOPES)}.")
    if limit.tokens is None and limit.requests is None:
        raise OperatorError("This limit says nothing.", instead="Give tokens, requests or both.")
    if any(number is not None and not 0 <= number < 2**31 for number in (limit.tokens, limit.requests)):
        raise OperatorError("A limit is a whole number, 0 or more.", instead="Give fewer than 2,147,483,648.")
    if not (limit.username or limit.cohort):
        raise OperatorError("This limit is nobody's.", instead="Name a person or a cohort.")
    if limit.scope == "cohort" and (limit.username or limit.course or limit.lab):
        raise OperatorError("A cohort's limit is of all its people and labs.", instead="Name the cohort alone.")
    if limit.scope == "lab" and not (limit.course and limit.lab):
        raise OperatorError("A lab's limit names the lab.", instead="Write it as COURSE/LAB.")
    if limit.scope == "person" and (limit.course or limit.lab):
        raise OperatorError("A person's limit is of all labs together.", instead="Leave the lab out.")


def _is(limit: Limit) -> ColumnElement[bool]:
    return and_(*(limits.c[name] == getattr(limit, name) for name in _KEY))
