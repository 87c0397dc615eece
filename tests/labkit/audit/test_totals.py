from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert, literal, select

from labkit.audit import lines, totals
from labkit.audit.prices import Price, Prices
from labkit.audit.selection import Selection
from labkit.database.tables import calls

MANILA = ZoneInfo("Asia/Manila")
PRICES = Prices("PHP", {"small": Price(2.0, 8.0, 36.0)})


@pytest.fixture
def every(books: Engine) -> tuple[lines.Line, ...]:
    return lines.newest(books, Selection(), 1000, prices=PRICES)


def call(number: int, at: datetime, **more: object) -> dict[str, object]:
    row = {"id": f"{number:032}", "username": "ana", "cohort": "first", "course": "c", "lab": "l", "kind": "score"}
    row |= {"model": "small", "outcome": "complete", "prompt_tokens": 10, "answer_tokens": 5, "charged": 15}
    return row | {"seconds": 1.0, "waited": 0.5, "digest": "", "opened_at": at, "closed_at": at} | more


@pytest.mark.parametrize("by", totals.BY)
def test_totals_are_the_sums_of_their_lines(books: Engine, every: tuple[lines.Line, ...], by: str):
    expected: defaultdict[str, list[lines.Line]] = defaultdict(list)
    for line in every:
        expected[getattr(line, by)].append(line)
    found = totals.totals(books, Selection(), (by,), PRICES, people=True)
    assert {one.key[0] for one in found} == expected.keys()
    for one in found:
        mine = expected[one.key[0]]
        assert one.calls == len(mine)
        assert one.tokens == sum(line.prompt_tokens + line.answer_tokens for line in mine)
        assert one.charged == sum(line.charged for line in mine)
        assert one.seconds == pytest.approx(sum(line.seconds for line in mine))
        assert one.people == len({line.username for line in mine})
        priced = [line.cost for line in mine if line.cost is not None]
        assert one.cost == (pytest.approx(sum(priced)) if priced else None)
        assert one.unpriced == len(mine) - len(priced)


def test_those_with_most_tokens_come_first_and_pages_follow_each_other(books: Engine):
    whole = totals.totals(books, Selection(), ("username",))
    assert [one.tokens for one in whole] == sorted((one.tokens for one in whole), reverse=True)
    paged = [totals.totals(books, Selection(), ("username",), most=1, skipped=place)[0] for place in range(len(whole))]
    assert tuple(paged) == whole
    assert totals.groups(books, Selection(), "username") == len(whole)


@pytest.mark.parametrize(
    ("which", "keeps"),
    [
        (Selection(username="ana"), lambda line: line.username == "ana"),
        (Selection(cohorts=["first", ""]), lambda line: line.cohort in ("first", "")),
        (Selection(cohorts=[]), lambda line: False),
        (Selection(lab="clip", course="prompting"), lambda line: line.lab == "clip"),
        (Selection(model="large"), lambda line: line.model == "large"),
        (Selection(outcome="failed"), lambda line: line.outcome == "failed"),
        (Selection(people=select(literal("ben"))), lambda line: line.username == "ben"),
    ],
    ids=["person", "cohorts", "no cohort", "lab", "model", "outcome", "a query of people"],
)
def test_a_selection_leaves_out_what_it_does_not_name(books: Engine, every: tuple[lines.Line, ...], which, keeps):
    expected = [line.id for line in every if keeps(line)]
    assert [line.id for line in lines.newest(books, which, 1000)] == expected
    assert lines.number(books, which) == len(expected)
    assert totals.totals(books, which)[0].calls == len(expected)
    in_order = list(lines.each(books, which))
    assert {line.id for line in in_order} == set(expected) and len(in_order) == len(expected)
    assert [line.closed_at for line in in_order] == sorted(line.closed_at for line in in_order)


def test_steps_and_seconds_of_trainings_are_in_no_sum_of_tokens(engine: Engine):
    at = datetime(2026, 3, 1, 4, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(insert(calls), [call(1, at), {**call(2, at), "kind": "chat/completions", "model": "other"}])
        training = {"model": "base", "prompt_tokens": 0, "answer_tokens": 0}
        steps = call(3, at, kind="fine_tuning/jobs", charged=400, seconds=60.0, **training)
        time = call(4, at, kind="fine_tuning/time", charged=61, seconds=0.0, **training)
        connection.execute(insert(calls), [steps, time])
    (whole,) = totals.totals(engine, Selection(), prices=PRICES)
    assert (whole.calls, whole.charged, whole.unpriced) == (2, 30, 1)
    assert (whole.trainings, whole.steps, whole.seconds) == (1, 400, 62.0)
    parts = totals.totals(engine, Selection(), ("model", "kind"))
    assert [(one.trainings, one.steps) for one in totals.folded(parts, ("model", "kind"), ["model"])] == [
        *[(0, 0)] * 2,
        (1, 400),
    ]
    assert [one.id[-1] for one in lines.newest(engine, Selection(trainings=False), 9)] == ["1", "2"]
    assert [one.unit for one in lines.newest(engine, Selection(trainings=True), 9)] == ["steps", "seconds"]
    assert lines.newest(engine, Selection(trainings=False), 1)[0].unit == "tokens"


def test_a_span_holds_its_first_moment_and_not_its_last(engine: Engine):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(insert(calls), [call(number, at + timedelta(hours=number)) for number in range(3)])
    found = lines.newest(engine, Selection(since=at, until=at + timedelta(hours=2)), 9)
    assert [line.closed_at for line in found] == [at + timedelta(hours=1), at]


@pytest.mark.parametrize("keep", [["cohort"], ["model", "cohort"], []], ids=len)
def test_sums_folded_from_finer_ones_are_the_same(books: Engine, keep: list[str]):
    by = ("cohort", "model", "username")
    fine = totals.totals(books, Selection(), by, PRICES)
    expected = totals.totals(books, Selection(), keep, PRICES, people=True)
    found = totals.folded(fine, by, keep)
    assert [one.key for one in found] == [one.key for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.calls, one.tokens, one.people, one.unpriced) == (
            other.calls,
            other.tokens,
            other.people,
            other.unpriced,
        )
        assert one.seconds == pytest.approx(other.seconds) and one.cost == pytest.approx(other.cost)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Kathmandu", date(2026, 5, 1), 24),
        ("Asia/Manila", date(2026, 5, 1), 24),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
    ],
)
def test_a_day_is_the_sites_also_where_its_clock_changes(engine: Engine, zone: str, day: date, hours: int):
    place = ZoneInfo(zone)
    first = totals.begin(day, place)
    times = [
        first - timedelta(seconds=1),
        first,
        first + timedelta(hours=hours, seconds=-1),
        first + timedelta(hours=hours),
    ]
    with engine.begin() as connection:
        connection.execute(insert(calls), [call(number, at) for number, at in enumerate(times)])
    found = totals.days(engine, Selection(), day - timedelta(days=1), day + timedelta(days=1), place, PRICES)
    assert [(one.calls, one.tokens) for one in found] == [(1, 15), (2, 30), (1, 15)]
    assert found[1].cost == pytest.approx(2 * PRICES.of("small", 10, 5, 1.0))


def test_days_without_a_call_are_there_and_too_many_are_refused(engine: Engine):
    found = totals.days(engine, Selection(), date(2026, 1, 1), date(2026, 1, 31), MANILA)
    assert len(found) == 31 and not any(one.calls for one in found)
    with pytest.raises(ValueError, match="days"):
        totals.days(engine, Selection(), date(2020, 1, 1), date(2026, 1, 31), MANILA)


def test_without_a_call_the_whole_is_of_zeros_and_costs_nothing_known(engine: Engine):
    (whole,) = totals.totals(engine, Selection(), prices=PRICES, people=True)
    assert (whole.calls, whole.tokens, whole.seconds, whole.people, whole.cost) == (0, 0, 0.0, 0, None)
