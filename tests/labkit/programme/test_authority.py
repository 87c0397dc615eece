"""Whom an instructor or officer may act for: each who is listed, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, update

from labkit.database import connect
from labkit.database.tables import enrolments
from labkit.programme import authority, links, sight
from labkit.programme.people import Membership, Person, provision


def someone(username: str, officer: bool = False) -> Person:
    return Person(username, f"{username}@example.org", username.title(), "Tester", officer=officer)


EVERYBODY = ("ana", "ben", "carla", "maria", "rosa", "both", "mia", "tes")
ENROLLED = [
    ("ana", "a-one", "prompting", "learner"),
    ("ben", "a-two", "prompting", "learner"),
    ("mia", "a-two", "prompting", "instructor"),
    ("tes", "a-one", "prompting", "assistant"),
    ("carla", "b-one", "tuning", "learner"),
    ("maria", "a-one", "prompting", "instructor"),
    ("rosa", "b-one", "tuning", "instructor"),
    # Teaches one course and learns in another.
    ("both", "a-one", "prompting", "learner"),
    ("both", "b-one", "tuning", "instructor"),
    # An officer who tries a course as a learner.
    ("jose", "a-one", "prompting", "learner"),
]
REACH = {
    "jose": {*EVERYBODY},
    "luz": {*EVERYBODY},
    "maria": {"ana"},
    "mia": {"ben"},
    "tes": set(),  # an assistant reads their work, and gives nobody a way in
    "rosa": {"carla"},
    "both": {"carla"},
    "ana": set(),
    "carla": set(),
}


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    people = [*(someone(name) for name in EVERYBODY), someone("jose", True), someone("luz", True)]
    provision(engine, people, [Membership(*row) for row in ENROLLED])
    yield engine
    engine.dispose()


def actor(name: str) -> Person:
    return someone(name, name in ("jose", "luz"))


@pytest.mark.parametrize("who", REACH)
def test_one_sees_those_one_may_act_for(engine: Engine, who: str):
    found = authority.search(engine, actor(who))
    assert {one.username for one in found.people} == REACH[who]
    assert authority.has_any(engine, actor(who)) is bool(REACH[who])


@pytest.mark.parametrize("who", REACH)
def test_one_reaches_exactly_those_one_sees(engine: Engine, who: str):
    names = (*EVERYBODY, "jose", "luz", "nobody", "", "%", "a\0")
    reached = {name for name in names if authority.reach(engine, actor(who), name)}
    assert reached == REACH[who]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ana", {"ana"}),
        ("ANA TEST", {"ana"}),
        ("ana@example", {"ana"}),
        ("ben@example", set()),
        ("%", set()),
        ("_", set()),
        ("\\", set()),
        ("'; DROP TABLE people; --", set()),
        ("a\0na", {"ana"}),  # read as two words
        ("carla", set()),
        ("tester", {"ana"}),
    ],
)
def test_a_search_is_for_words_and_stays_within_reach(engine: Engine, text: str, found: set[str]):
    assert {one.username for one in authority.search(engine, actor("maria"), text).people} == found


def test_a_thousand_people_come_page_by_page(engine: Engine):
    crowd = [someone(f"learner{n:04}") for n in range(1000)]
    provision(engine, crowd, [Membership(one.username, "a-one", "prompting", "learner") for one in crowd])
    first = authority.search(engine, actor("maria"))
    assert (len(first.people), first.total, first.pages) == (authority.PAGE, 1001, 21)
    seen = [one.username for n in range(1, 22) for one in authority.search(engine, actor("maria"), page=n).people]
    assert len(seen) == len(set(seen)) == 1001
    for wild in (0, -3, 10**6):
        assert authority.search(engine, actor("maria"), page=wild).people
    assert [one.username for one in authority.search(engine, actor("maria"), "learner0777").people] == ["learner0777"]


def test_it_is_seen_whose_link_waits_to_be_used(engine: Engine):
    links.issue(engine, "ana")
    links.redeem(engine, links.issue(engine, "ben"))
    links.issue(engine, "ben")
    links.redeem(engine, links.issue(engine, "carla"))
    assert authority.search(engine, actor("jose")).links == {"ana": "open", "ben": "open", "carla": "used"}


def test_whoever_observes_elsewhere_is_out_of_an_instructors_reach(engine: Engine):
    """A link for her would let its maker read that other cohort."""
    provision(engine, [], [Membership("ana", "b-one", "tuning", "observer")])
    assert authority.reach(engine, actor("maria"), "ana") is None
    assert authority.reach(engine, actor("jose"), "ana") is not None


def test_whoever_moved_is_looked_at_where_she_is_now(engine: Engine):
    assert sight.pupils(engine, "maria", "prompting") == {"ana", "both", "jose"}
    with engine.begin() as connection:
        left = update(enrolments).where(enrolments.c.username == "ana")
        connection.execute(left.values(suspended_at=datetime.now(UTC)))
    assert "ana" in sight.pupils(engine, "maria", "prompting")  # she left the course: her teacher can still look
    provision(engine, [], [Membership("ana", "a-two", "prompting", "learner")])
    assert "ana" not in sight.pupils(engine, "maria", "prompting") and "ana" in sight.pupils(engine, "mia", "prompting")
