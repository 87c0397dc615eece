"""People, cohorts and who is what in which course."""

import pytest
from sqlalchemy import Engine

from labkit.database import connect
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, everyone, memberships, person, provision, set_language

ANA = Person("ana", "ana@example.org", "Ana", "Cruz")
MARIA = Person("maria", "maria@example.org", "Maria", "Reyes", "fil")


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    yield engine
    engine.dispose()


def enrol(engine: Engine, *rows: tuple[str, str, str, str]) -> None:
    provision(engine, (ANA, MARIA), [Membership(*row) for row in rows])


def test_a_provisioned_person_is_found_as_she_was_written(engine: Engine):
    enrol(engine)
    assert person(engine, "maria") == MARIA
    assert person(engine, "nobody") is None
    assert everyone(engine) == (ANA, MARIA)


def test_provisioning_again_updates_and_adds_nobody_twice(engine: Engine):
    enrol(engine, ("ana", "first", "prompting", "learner"))
    renamed = Person("ana", "ana@example.org", "Ana Maria", "Cruz")
    provision(engine, (renamed,), [Membership("ana", "first", "prompting", "learner")])
    assert person(engine, "ana") == renamed
    assert len(memberships(engine)) == 1


def test_provisioning_happens_whole_or_not_at_all(engine: Engine):
    with pytest.raises(Exception, match=r"(?i)null"):
        provision(engine, (ANA, Person("bad", None, "B", "B")), [])
    assert everyone(engine) == ()


def test_a_person_in_two_cohorts_of_a_course_has_the_stronger_role(engine: Engine):
    enrol(engine, ("ana", "first", "prompting", "learner"), ("ana", "second", "prompting", "instructor"))
    assert Enrolment(engine).role("ana", "prompting") == "instructor"
    assert Enrolment(engine).courses("ana") == {"prompting": "instructor"}


def test_who_is_not_enrolled_has_no_role(engine: Engine):
    enrol(engine, ("ana", "first", "prompting", "learner"))
    assert Enrolment(engine).role("maria", "prompting") is None
    assert Enrolment(engine).role("ana", "other") is None


def test_memberships_can_be_asked_for_one_person(engine: Engine):
    enrol(engine, ("ana", "first", "prompting", "learner"), ("maria", "first", "prompting", "instructor"))
    assert [member.username for member in memberships(engine)] == ["ana", "maria"]
    assert memberships(engine, "maria") == (Membership("maria", "first", "prompting", "instructor"),)


def test_a_language_is_kept(engine: Engine):
    enrol(engine)
    set_language(engine, "ana", "fil")
    assert person(engine, "ana").language == "fil"
