"""What the Models pages count, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from labkit.allowance import Asked, Ledger, Order, Settlement, Share, Told, limits
from labkit.allowance.limits import Limit
from labkit.audit.prices import Price, Prices
from labkit.courses import AllowanceRule, Course, Lab
from labkit.database import connect
from labkit.pages.bounds import bounds
from labkit.pages.class_use import class_use
from labkit.pages.costs import CostPages
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, provision

NOW = datetime.now(UTC)
TOTAL = Share(per="total")


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[SimpleNamespace]:
    engine = connect(database_url)
    labs = [
        Lab("testing", name, name, tmp_path, allowance=AllowanceRule(1000, per))
        for name, per in (("clip", "day"), ("sum", "total"))
    ]
    people = [Person(name, f"{name}@example.org", name.title(), "X") for name in ("ana", "ben", "cid")]
    provision(engine, people, [Membership(one.username, "first", "testing", "learner") for one in people])
    yield SimpleNamespace(
        engine=engine,
        courses=[Course("testing", "Testing", tmp_path, tuple(labs))],
        timezone=ZoneInfo("Asia/Manila"),
        enrolment=Enrolment(engine),
        person=Share(),
        prices=Prices("PHP", {"small": Price(per_hour=3600)}),
    )
    engine.dispose()


def call(
    site: SimpleNamespace, who: str, lab: str, tokens: int, ago: timedelta = timedelta(0), outcome: str = "complete"
) -> None:
    ledger = Ledger(site.engine, now=lambda: NOW - ago)
    number = uuid.uuid4().hex
    rule = next(one for one in site.courses[0].labs if one.id == lab).allowance
    order = Order(
        who, "testing", lab, rule, tokens, "gateway", number, "first", together=TOTAL, asked=Asked("score", "small")
    )
    ledger.write([order, Settlement(number, tokens, Told(outcome, tokens - 1, 1, 2.0))])


def test_a_class_is_counted_by_learner_lab_outcome_and_day(site: SimpleNamespace):
    call(site, "ana", "clip", 850)
    call(site, "ana", "sum", 900, timedelta(days=2))
    call(site, "ben", "clip", 100, timedelta(days=2), "cancelled")
    call(site, "ben", "clip", 990, timedelta(days=20))  # yesterday's window is nobody's concern today
    use = class_use(site, site.courses[0], ["first"], [], 7, 1)
    assert [(row.username, dict(row.tokens)) for row in use.rows] == [
        ("ana", {"clip": 850, "sum": 900}),
        ("ben", {"clip": 100}),
    ]
    assert {one.key[0]: one.calls for one in use.counted.outcomes} == {"complete": 2, "cancelled": 1}
    assert [bar.value for bar in use.counted.plot.bars] == [0, 0, 0, 0, 1000, 0, 850]
    assert (use.counted.whole.calls, use.counted.whole.tokens, use.silent) == (3, 1850, 1)
    assert [(one.username, one.lab.id, one.balance.left) for one in use.near] == [
        ("ana", "sum", 100),
        ("ana", "clip", 150),
    ]


def test_a_larger_allowance_ends_being_near_it_and_a_cohorts_counts_too(site: SimpleNamespace):
    call(site, "ana", "clip", 850)
    limits.set_limit(site.engine, Limit("lab", cohort="first", course="testing", lab="clip", tokens=2000), None)
    assert class_use(site, site.courses[0], ["first"], [], 7, 1).near == ()
    limits.set_limit(site.engine, Limit("lab", "ana", "", "testing", "clip", tokens=900), None)
    assert [one.balance.left for one in class_use(site, site.courses[0], ["first"], [], 7, 1).near] == [50]


def test_her_bounds_are_those_the_gateway_holds_her_to(site: SimpleNamespace):
    call(site, "ana", "clip", 200)
    call(site, "ben", "sum", 300)
    for limit in (Limit("person", cohort="first", requests=5), Limit("cohort", cohort="first", tokens=9000)):
        limits.set_limit(site.engine, limit, None)
    (mine,) = bounds(site, "ana")
    assert [(lab.id, balance.used, balance.left) for lab, balance in mine.labs] == [
        ("clip", 200, 800),
        ("sum", 0, 1000),
    ]
    assert (mine.person.requests, mine.person.most_requests, mine.together.used) == (1, 5, 500)
    assert bounds(site, "nobody") == ()


def test_costs_are_of_whole_days_of_the_site(site: SimpleNamespace):
    call(site, "ana", "clip", 200)
    call(site, "ben", "clip", 300, timedelta(days=40))
    pages = CostPages(site, None)
    found = pages._costs(pages._lately())
    assert ([one.key for one in found.cohorts], found.cost, found.calls) == ([("first",)], 2.0, 1)
    assert sum(bar.value for bar in found.plot.bars) == 2.0
    wider = replace(pages._lately(), first=pages._lately().first - timedelta(days=20))
    assert (pages._costs(wider).cost, pages._costs(wider).models[0].people) == (4.0, 2)
