"""How a class uses models: counted by the database, for the learners of the cohorts somebody teaches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select

from labkit.allowance import Balance, window
from labkit.allowance.limits import Limit, every
from labkit.allowance.order import UNIT
from labkit.allowance.rules import lab_rule
from labkit.audit import totals
from labkit.audit.selection import Selection
from labkit.audit.totals import Total
from labkit.courses import Course, Lab
from labkit.database import reading
from labkit.database.tables import allowances, enrolments, people
from labkit.pages.plot import Plot, plot
from labkit.pages.site import Site
from labkit.pages.trainings import Trainings, trainings
from labkit.policy import exams, pauses, reports
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause
from labkit.policy.reports import Report
from labkit.programme import cohorts as rooms
from labkit.programme import sight
from labkit.programme.cohorts import Seat
from labkit.training.listing import Which

PAGE = 50
SPANS = (1, 7, 30, 365)
# Together, so that a class's calls are read once; they are folded into what the page shows.
_BY = ("username", "lab", "outcome", "model")
_NEAR = 0.8  # of an allowance, from which on somebody is near its end
_MOST_NEAR = 20


@dataclass(frozen=True)
class Row:
    """A learner, and how many tokens her calls took in each lab (by its id)."""

    username: str
    name: str
    tokens: Mapping[str, int]
    total: Total


@dataclass(frozen=True)
class Near:
    """A learner who has used most of what she has in a lab."""

    username: str
    name: str
    lab: Lab
    balance: Balance


@dataclass(frozen=True)
class Counted:
    """The class's calls of some days. `callers` is of everybody who made one, those with most tokens first."""

    parts: tuple[Total, ...]
    whole: Total
    outcomes: tuple[Total, ...]
    models: tuple[str, ...]
    callers: tuple[Total, ...]
    plot: Plot

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.callers) // PAGE))


@dataclass(frozen=True)
class ClassUse:
    """Of the last `days` days. `cohorts` are those she teaches, `leads` those among them she may decide for."""

    course: Course
    cohorts: tuple[str, ...]
    leads: tuple[str, ...]
    days: int
    counted: Counted
    rows: tuple[Row, ...]
    page: int
    silent: int  # learners who made no call
    near: tuple[Near, ...]
    pauses: tuple[Pause, ...]
    exams: tuple[Exam, ...]
    limits: tuple[Limit, ...]
    reports: tuple[Report, ...]
    trainings: Trainings
    names: Mapping[str, str]  # by username, of those named on the page


def class_use(
    site: Site,
    course: Course,
    mine: Collection[str],
    leads: Collection[str],
    days: int,
    page: int,
    of_trainings: int = 1,
) -> ClassUse:
    """What the page shows; `page` is of the learners, `of_trainings` of their trainings, from 1."""
    engine, now = site.engine, datetime.now(UTC)
    counted = _counted(site, course, mine, days, now)
    page = min(max(page, 1), counted.pages)
    ranked = counted.callers[(page - 1) * PAGE : page * PAGE]
    found, pupils = every(engine), sight.pupils_of(engine, mine)
    told = tuple(reports.of_cohorts(engine, course.id, mine))
    lists = tuple(one for one in found if one.username in pupils and (one.scope, one.course) == ("lab", course.id))
    near = _near(site, course, mine, found, now)
    trained = trainings(site, Which(people=sight.learn_in(mine), course=course.id), of_trainings)
    named = {one.key[0] for one in ranked} | {one[0] for one in near} | {one.job.username for one in trained.rows}
    names = _names(engine, named | {one.username for one in told} | {one.username for one in lists})
    return ClassUse(
        course=course,
        cohorts=tuple(mine),
        leads=tuple(leads),
        days=days,
        counted=counted,
        rows=_rows(counted.parts, ranked, names),
        page=page,
        silent=max(0, len(pupils) - len(counted.callers)),
        near=tuple(Near(who, names.get(who, who), lab, balance) for who, lab, balance in near),
        pauses=tuple(one for one in pauses.every(engine) if one.course == course.id and one.cohort in ("", *mine)),
        exams=tuple(one for one in exams.every(engine, now) if one.course == course.id and one.cohort in mine),
        limits=lists,
        reports=told,
        trainings=trained,
        names=names,
    )


def _counted(site: Site, course: Course, mine: Collection[str], days: int, now: datetime) -> Counted:
    today = now.astimezone(site.timezone).date()
    first = today - timedelta(days=days - 1)
    since = totals.begin(first, site.timezone)
    which = Selection(course=course.id, since=since, people=sight.learn_in(mine), trainings=False)
    parts = totals.totals(site.engine, which, _BY)
    callers, outcomes, by_model = (totals.folded(parts, _BY, [name]) for name in ("username", "outcome", "model"))
    models = [*(name for lab in course.labs for name in lab.models), *(one.key[0] for one in by_model)]
    each_day = totals.days(site.engine, which, first, today, site.timezone)
    return Counted(
        parts=parts,
        whole=next(iter(totals.folded(parts, _BY, [])), Total(())),
        outcomes=outcomes,
        models=tuple(dict.fromkeys(models)),
        callers=callers,
        plot=plot([(one.day, one.tokens) for one in each_day]),
    )


def _rows(parts: Sequence[Total], ranked: Sequence[Total], names: Mapping[str, str]) -> tuple[Row, ...]:
    tokens: dict[str, dict[str, int]] = {}
    for one in totals.folded(parts, _BY, ["username", "lab"]):
        tokens.setdefault(one.key[0], {})[one.key[1]] = one.tokens
    return tuple(Row(one.key[0], names.get(one.key[0], one.key[0]), tokens[one.key[0]], one) for one in ranked)


def _near(
    site: Site, course: Course, mine: Collection[str], found: Sequence[Limit], now: datetime
) -> list[tuple[str, Lab, Balance]]:
    """Those with least left first. The database leaves out whoever was far from it at her last call."""
    a, labs = allowances.c, {lab.id: lab for lab in course.labs}
    windows = {window(lab.allowance, site.timezone, now).name for lab in course.labs}
    taken = a.used + a.reserved
    query = (
        select(a.username, a.lab, a.window, a.used, a.reserved, a.requests + a.requests_reserved, enrolments.c.cohort)
        .join(enrolments, enrolments.c.username == a.username)
        .where(
            a.course == course.id, a.lab.in_(list(labs)), a.window.in_(windows), a.username.in_(sight.learn_in(mine))
        )
        .where(enrolments.c.cohort.in_(list(mine)), enrolments.c.role == "learner")
        .where(a.unit == UNIT, taken > 0, taken >= func.coalesce(a.most, 0) * _NEAR)
    )
    with reading(site.engine) as connection:
        rows = connection.execute(query).all()
    known = {one.name: one for one in rooms.every(site.engine) if one.name in mine}
    near = []
    for username, name, span, used, reserved, requests, cohort in rows:
        lab, mine_now = labs[name], window(labs[name].allowance, site.timezone, now)
        share = lab_rule(found, Seat("learner", known[cohort]), username, lab)
        balance = Balance(share.tokens, used, reserved, mine_now.resets_at, requests, share.requests)
        if span == mine_now.name and share.tokens is not None and used + reserved >= share.tokens * _NEAR:
            near.append((username, lab, balance))
    return sorted(near, key=lambda one: (one[2].left / max(1, one[2].limit or 0), one[0]))[:_MOST_NEAR]


def _names(engine: Engine, usernames: Collection[str]) -> dict[str, str]:
    query = select(people.c.username, people.c.given_name, people.c.family_name)
    with reading(engine) as connection:
        rows = connection.execute(query.where(people.c.username.in_(list(usernames)))).all()
    return {row.username: f"{row.given_name} {row.family_name}".strip() or row.username for row in rows}
