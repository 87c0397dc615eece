"""What a cohort has learnt between two short tests: of those who took both, and of five at least."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Engine

from labkit.database import connect
from labkit.programme.learning import FEWEST, Answered, Gain, answered, compare, gain, record
from labkit.programme.people import Membership, Person, provision

NAMES = ("ana", "ben", "cid", "dan", "eva", "fe")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    people = [Person(name, f"{name}@example.org", name.title(), "X") for name in (*NAMES, "gus")]
    places = [Membership(name, "first", "testing", "learner") for name in NAMES]
    provision(made, people, [*places, Membership("gus", "second", "testing", "learner")])
    yield made
    made.dispose()


def sat(phase: str, right: int, form: str = "A") -> Answered:
    return Answered(phase, form, {"p": 1, "q": None}, right, 6)


def test_answers_are_kept_once_for_each_phase(engine: Engine):
    assert record(engine, "ana", "testing", sat("before", 2))
    assert not record(engine, "ana", "testing", sat("before", 6))
    assert record(engine, "ana", "testing", sat("after", 5, "B"))
    assert answered(engine, "ana", "testing") == {"before": sat("before", 2), "after": sat("after", 5, "B")}
    assert answered(engine, "ana", "other") == answered(engine, "ben", "testing") == {}


def test_a_cohorts_gain_is_that_of_its_learners_who_took_both_and_nothing_below_five(engine: Engine):
    for name in NAMES[:4]:
        record(engine, name, "testing", sat("before", 2))
        record(engine, name, "testing", sat("after", 5))
    record(engine, "fe", "testing", sat("before", 0))  # took one: counts for nothing
    record(engine, "gus", "testing", sat("before", 0))
    record(engine, "gus", "testing", sat("after", 0))
    assert gain(engine, "testing", "first") == Gain(4)
    record(engine, "eva", "testing", sat("before", 1))
    record(engine, "eva", "testing", sat("after", 1))
    found = gain(engine, "testing", "first")
    assert (found.people, found.before, found.after) == (5, pytest.approx(1.8 / 6), pytest.approx(4.2 / 6))
    # Differences of 0.5 four times and 0 once: s = sqrt(0.2 / 4), and s / sqrt(5) = 0.1.
    assert (found.difference, found.error) == (pytest.approx(0.4), pytest.approx(0.1))


SHARES = some.floats(0, 1)


@given(some.lists(some.tuples(SHARES, SHARES), min_size=FEWEST, max_size=30))
def test_the_difference_is_that_of_the_means_and_going_back_is_its_opposite(both):
    there, back = compare(both), compare([(after, before) for before, after in both])
    assert there.difference == pytest.approx(there.after - there.before)
    assert back.difference == pytest.approx(-there.difference)
    assert back.error == pytest.approx(there.error) and there.error >= 0


@given(some.lists(some.tuples(SHARES, SHARES), max_size=FEWEST - 1))
def test_of_fewer_than_five_nothing_is_told(both):
    assert compare(both) == Gain(len(both))
