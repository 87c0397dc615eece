"""What bounds somebody's calls: her allowance in each lab, and, where there are any, hers in all labs and her cohort's.

The same rules as the gateway's (labkit.gateway.place), read for showing: nothing is reserved here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, or_, select

from labkit.allowance import Balance, Order, Share
from labkit.allowance.limits import Limit, applied, every
from labkit.allowance.order import Counter
from labkit.courses import Course, Lab
from labkit.database import reading
from labkit.database.tables import allowances
from labkit.pages.site import Site
from labkit.programme.cohorts import Seat

_TOGETHER = Share(per="total")


@dataclass(frozen=True)
class Bounds:
    """Of one person in one course. `person` and `together` are None where nothing bounds her so."""

    course: Course
    cohort: str
    labs: tuple[tuple[Lab, Balance], ...]
    person: Balance | None = None
    together: Balance | None = None


def rule(found: Sequence[Limit], seat: Seat | None, username: str, lab: Lab) -> Share:
    """Her allowance in the lab: the course's, her cohort's part of it, or another that somebody gave her."""
    taken = (seat.taken(lab) if seat else lab).allowance
    cohort = seat.cohort.name if seat else ""
    return applied(taken, found, "lab", username, cohort, lab.course, lab.id)


def bounds(site: Site, username: str, now: datetime | None = None) -> tuple[Bounds, ...]:
    """In every course she takes part in. Few queries, however many labs."""
    now, found = now or datetime.now(UTC), every(site.engine)
    seats = [(course, site.enrolment.seat(username, course.id)) for course in site.courses]
    mine = [(course, seat) for course, seat in seats if seat is not None]
    held = _held(site.engine, username, [seat.cohort.name for _, seat in mine])
    return tuple(_bounds(site, username, course, seat, found, held, now) for course, seat in mine)


Held = dict[tuple[str, ...], tuple[int, int, int]]


def _bounds(
    site: Site, username: str, course: Course, seat: Seat, found: Sequence[Limit], held: Held, now: datetime
) -> Bounds:
    cohort = seat.cohort.name
    person = applied(site.person, found, "person", username, cohort, course.id, "")
    together = applied(_TOGETHER, found, "cohort", username, cohort, course.id, "")
    # A cohort's budget is its learners'.
    budget = cohort if seat.role == "learner" else ""
    labs, others = [], dict[str, Balance]()
    for lab in course.labs:
        mine = rule(found, seat, username, lab)
        order = Order(username, course.id, lab.id, mine, 0, "", "", budget, person, together)
        counters = {one.scope: one for one in order.counters(site.timezone, now)}
        labs.append((lab, _balance(counters.pop("lab"), held)))
        others |= {scope: _balance(one, held) for scope, one in counters.items() if _says(one)}
    return Bounds(course, cohort, tuple(labs), others.get("person"), others.get("cohort"))


def _says(counter: Counter) -> bool:
    return counter.rule.tokens is not None or counter.rule.requests is not None


def _balance(counter: Counter, held: Held) -> Balance:
    return counter.balance(*held.get(tuple(counter.key.values()), (0, 0, 0)))


def _held(engine: Engine, username: str, cohorts: Sequence[str]) -> Held:
    a = allowances.c
    key = [a[name] for name in ("username", "cohort", "course", "lab", "unit", "window")]
    whose = or_(a.username == username, (a.username == "") & a.cohort.in_(list(cohorts)))
    query = select(*key, a.used, a.reserved, a.requests + a.requests_reserved).where(whose)
    with reading(engine) as connection:
        return {tuple(row[:6]): (row[6], row[7], row[8]) for row in connection.execute(query)}
