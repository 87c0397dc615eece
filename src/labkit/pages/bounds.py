"""What bounds somebody's calls: her allowance in each lab, and, where there are any, hers in all labs and her cohort's.

Read for showing: nothing is reserved here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine, or_, select

from labkit.allowance import Balance, Order
from labkit.allowance.limits import Limit, every
from labkit.allowance.order import Counter
from labkit.allowance.rules import rules
from labkit.allowance.training import orders
from labkit.courses import Course, Lab
from labkit.database import reading
from labkit.database.tables import allowances
from labkit.pages.site import Site
from labkit.programme.cohorts import Seat


@dataclass(frozen=True)
class Bounds:
    """Of one person in one course. `person` and `together` are None where nothing bounds her so. `training` has, by a
    lab's id where it trains, what bounds her trainings by its unit."""

    course: Course
    cohort: str
    labs: tuple[tuple[Lab, Balance], ...]
    person: Balance | None = None
    together: Balance | None = None
    training: Mapping[str, Mapping[str, Balance]] = field(default_factory=dict)


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
    labs, others, training = [], dict[str, Balance](), dict[str, dict[str, Balance]]()
    for lab in course.labs:
        mine = rules(found, seat, username, lab, site.person)
        order = Order(username, course.id, lab.id, mine.lab, 0, "", "", mine.budget, mine.person, mine.together)
        asked = orders(order, mine.training) if mine.training else {}
        if asked:
            training[lab.id] = {
                unit: _balance(one.counters(site.timezone, now)[0], held) for unit, one in asked.items()
            }
        counters = {one.scope: one for one in order.counters(site.timezone, now)}
        labs.append((lab, _balance(counters.pop("lab"), held)))
        others |= {scope: _balance(one, held) for scope, one in counters.items() if _says(one)}
    return Bounds(course, seat.cohort.name, tuple(labs), others.get("person"), others.get("cohort"), training)


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
