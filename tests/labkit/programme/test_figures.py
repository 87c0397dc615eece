"""Figures of a cohort, counted by the database: they are what one gets by counting by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from labkit.courses import Course, Lab
from labkit.database import connect
from labkit.database.tables import enrolments, erasures, people, scores, submissions
from labkit.programme.figures import Funnel, funnels, labs
from labkit.programme.learners import KINDS, PAGE, every, learners
from labkit.programme.people import Membership, Person, provision

NOW = datetime(2026, 11, 25, tzinfo=UTC)
COURSE = Course("c", "C", Path(), tuple(Lab("c", name, name, Path()) for name in ("one", "two")))
OTHER = Course("d", "D", Path(), (Lab("d", "one", "one", Path()),))
# Name, region, has signed in, her graded labs, what waits.
TERM = [
    ("ana", "NCR", True, {"one": 2, "two": 4}, []),
    ("ben", "NCR", True, {"one": 0}, ["two"]),
    ("cid", "CAR", True, {}, ["one"]),
    ("dan", "", True, {}, []),
    ("eva", "CAR", False, {}, []),
]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    members = [Membership(name, "x", "c", "learner") for name, *_ in TERM]
    members += [Membership("ana", "y", "d", "learner"), Membership("teo", "x", "c", "instructor")]
    persons = [
        Person(name, f"{name}@example.org", name.title(), "X", region=region or None) for name, region, *_ in TERM
    ]
    provision(engine, [*persons, Person("teo", "t@example.org", "T", "X")], members)
    with engine.begin() as connection:
        for name, _, came, graded, waits in TERM:
            at = NOW if came else None
            connection.execute(update(people).where(people.c.username == name).values(signed_in_at=at))
            for lab, points in graded.items():
                hand_in(connection, name, lab, points - 1, NOW - timedelta(days=1))
                hand_in(connection, name, lab, points, NOW)
            for lab in waits:
                hand_in(connection, name, lab, None, NOW)
    yield engine
    engine.dispose()


def hand_in(connection, name: str, lab: str, points: float | None, at: datetime) -> None:
    number = f"{name}{lab}{at.day}"
    row = {"id": number, "username": name, "course": "c", "lab": lab, "digest": number, "files": {}, "missing": []}
    state = "queued" if points is None else "graded"
    connection.execute(insert(submissions).values(**row, extra=[], received_at=at, state=state))
    if points is not None:
        score = {"submission": number, "score": points, "max": 4, "report": {}, "graded_at": at}
        connection.execute(insert(scores).values(**score))


def test_each_stage_is_counted_for_the_whole_and_for_each_region(engine: Engine):
    whole, car, ncr, unknown, other, region = funnels(engine, [COURSE, OTHER])
    assert whole == Funnel("x", "c", None, 5, 4, 3, 1, 0)
    assert car == Funnel("x", "c", "CAR", 2, 1, 1, 0, 0)
    assert ncr == Funnel("x", "c", "NCR", 2, 2, 2, 1, 0)
    assert unknown == Funnel("x", "c", "", 1, 1, 0, 0, 0)
    assert other == Funnel("y", "d", None, 1, 1, 0, 0, 0) and region.region == "NCR"
    assert whole.share("completed") == 20 and Funnel("z", "c", None).share("completed") == 0


def test_a_labs_mean_is_of_the_newest_grading_of_each(engine: Engine):
    found = labs(engine, COURSE, "x")
    assert (found["one"].graded, found["one"].mean) == (2, pytest.approx(0.25))
    assert (found["two"].graded, found["two"].mean) == (1, pytest.approx(1.0))


def test_what_waits_for_the_model_is_not_graded_yet(engine: Engine):
    """Its points without the model are known, and an older grading counts until the new one is whole."""
    with engine.begin() as connection:
        newest = submissions.c.id.in_(["anaone25", "benone25"])
        connection.execute(update(submissions).where(newest).values(asks_model=True, state="queued"))
        connection.execute(update(submissions).where(submissions.c.id == "benone24").values(asks_model=True))
    assert (labs(engine, COURSE, "x")["one"].graded, labs(engine, COURSE, "x")["one"].mean) == (1, pytest.approx(0.25))


def test_manual_points_count_once_they_are_given(engine: Engine):
    with engine.begin() as connection:
        newest = update(scores).where(scores.c.submission == "anaone25")
        connection.execute(newest.values(manual_max=4, manual_score=2))
        connection.execute(update(scores).where(scores.c.submission == "benone25").values(manual_max=4))
    assert labs(engine, COURSE, "x")["one"].mean == pytest.approx((4 / 8 + 0 / 4) / 2)


def test_whoever_left_is_in_no_number_but_one(engine: Engine):
    with engine.begin() as connection:
        connection.execute(update(enrolments).where(enrolments.c.username == "ana").values(suspended_at=NOW))
    assert funnels(engine, [COURSE], "x")[0] == Funnel("x", "c", None, 4, 3, 2, 0, 1)
    assert labs(engine, COURSE, "x").keys() == {"one"}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("all", ["ana", "ben", "cid", "dan", "eva"]),
        ("not-signed-in", ["eva"]),
        ("nothing-handed-in", ["dan"]),
        ("left", []),
    ],
)
def test_each_list_has_whom_it_says(engine: Engine, kind: str, names: list[str]):
    assert kind in KINDS
    found = learners(engine, COURSE, "x", kind)
    assert (
        [row.person.username for row in found.rows]
        == names
        == [row.person.username for row in every(engine, COURSE, "x", kind)]
    )
    assert (found.total, found.page, found.pages) == (len(names), 1, 1)


def test_a_row_has_the_newest_points_and_says_what_waits(engine: Engine):
    rows = {row.person.username: row.cells for row in every(engine, COURSE, "x")}
    assert [(cell.total, cell.total_max, cell.waiting) for cell in rows["ana"]] == [(2, 4, False), (4, 4, False)]
    assert [(cell.total, cell.waiting) for cell in rows["ben"]] == [(0, False), (None, True)]


def test_whoever_was_erased_stays_in_the_figures_and_is_in_no_list(engine: Engine):
    before = funnels(engine, [COURSE], "x")
    with engine.begin() as connection:
        connection.execute(insert(erasures).values(pseudonym="ana", at=NOW))
    assert funnels(engine, [COURSE], "x") == before
    assert "ana" not in [row.person.username for row in every(engine, COURSE, "x")]


def test_a_large_cohort_comes_page_by_page(engine: Engine):
    crowd = [Person(f"p{n:03}", f"p{n}@example.org", "P", f"{n:03}") for n in range(2 * PAGE + 7)]
    provision(engine, crowd, [Membership(one.username, "y", "d", "learner") for one in crowd])
    pages = [learners(engine, OTHER, "y", page=page) for page in (1, 2, 3, 99)]
    assert [len(page.rows) for page in pages] == [PAGE, PAGE, 8, 8] and pages[3].page == 3
    names = [row.person.username for page in pages[:3] for row in page.rows]
    assert len(set(names)) == len(names) == 2 * PAGE + 8
