"""Invitation codes: places are taken once, the rest waits in order, and the answer tells nobody who has an account."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from labkit.database import connect
from labkit.database.tables import enrolments, invitations, people
from labkit.errors import OperatorError
from labkit.programme import invitations as codes
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, provision

WEEK = timedelta(days=7)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    members = [Membership("ana", "first", "prompting", "learner"), Membership("teo", "open", "prompting", "instructor")]
    persons = [Person(name, f"{name}@example.org", name.title(), "Cruz") for name in ("ana", "teo")]
    provision(engine, persons, members)
    yield engine
    engine.dispose()


def form(name: str, **more: str) -> dict[str, str]:
    return {
        "email": f"{name}@example.org",
        "given_name": name.title(),
        "family_name": "Cruz",
        "language": "fil",
        **more,
    }


def only(engine: Engine) -> codes.Invitation:
    (found,) = codes.of_cohort(engine, "open")
    return found


def test_whoever_has_the_code_gets_a_place_while_there_are_any_and_waits_in_order_after(engine: Engine):
    code = codes.make(engine, "open", 2, WEEK)
    for name in ("bea", "cid", "dan", "eva"):
        assert codes.ask(engine, code, form(name, region="NCR")) == {}

    invitation = only(engine)
    assert (invitation.taken, invitation.waiting) == (2, 2)
    assert [one.given_name for one in codes.waiting(engine, invitation.id)] == ["Dan", "Eva"]
    assert (
        Enrolment(engine).role("bea", "prompting") == "learner" and Enrolment(engine).role("dan", "prompting") is None
    )

    assert codes.admit(engine, invitation.id, 1) == 1

    assert Enrolment(engine).role("dan", "prompting") == "learner"
    assert [one.given_name for one in codes.waiting(engine, invitation.id)] == ["Eva"]


@pytest.mark.parametrize("typed", ["{}", " {} ", "{lower}", "{dashed}"])
def test_a_code_is_read_as_people_type_it(engine: Engine, typed: str):
    code = codes.make(engine, "open", 1, WEEK)
    text = typed.format(code, lower=code.lower(), dashed=f"{code[:5]}-{code[5:]}")
    found = codes.find(engine, text)
    assert found is not None and found.cohort == "open"


@pytest.mark.parametrize("why", ["unknown", "closed", "too old"])
def test_a_code_that_does_not_work_gives_nothing(engine: Engine, why: str):
    code = codes.make(engine, "open", 5, WEEK)
    if why == "closed":
        codes.close(engine, only(engine).id)
    if why == "too old":
        with engine.begin() as connection:
            connection.execute(invitations.update().values(expires_at=datetime.now(UTC) - timedelta(minutes=1)))
    tried = "NOTACODE23" if why == "unknown" else code

    assert codes.find(engine, tried) is None
    with pytest.raises(OperatorError, match="does not work"):
        codes.ask(engine, tried, form("bea"))


def test_only_a_hash_of_the_code_is_kept(engine: Engine):
    code = codes.make(engine, "open", 5, WEEK)
    with engine.connect() as connection:
        assert code not in str(connection.execute(select(invitations)).all())


def test_asking_again_changes_nothing(engine: Engine):
    code = codes.make(engine, "open", 1, WEEK)
    for name in ("bea", "bea", "cid", "cid"):
        codes.ask(engine, code, form(name))
    assert (only(engine).taken, only(engine).waiting) == (1, 2)  # bea has an account by now, so the office decides


@pytest.mark.parametrize("email", ["ana@example.org", "ANA@example.org"])
def test_whoever_has_an_account_waits_for_the_office_and_reads_the_same_answer(engine: Engine, email: str):
    code = codes.make(engine, "open", 5, WEEK)
    assert codes.ask(engine, code, form("ana", email=email)) == codes.ask(engine, code, form("bea")) == {}

    assert [one.email for one in codes.waiting(engine, only(engine).id)] == ["ana@example.org"]
    codes.admit(engine, only(engine).id, 1)

    with engine.connect() as connection:  # she learns the course already, in another cohort
        mine = connection.execute(select(enrolments.c.cohort).where(enrolments.c.username == "ana")).scalars().all()
        assert mine == ["first"]
        assert connection.execute(select(people.c.given_name).where(people.c.username == "ana")).scalar() == "Ana"


def test_a_suspended_person_is_back_only_through_the_office(engine: Engine):
    now = datetime.now(UTC)
    with engine.begin() as connection:
        connection.execute(enrolments.update().where(enrolments.c.username == "ana").values(suspended_at=now))
        connection.execute(people.update().where(people.c.username == "ana").values(suspended_at=now))
    code = codes.make(engine, "open", 5, WEEK)
    codes.ask(engine, code, form("ana"))
    assert Enrolment(engine).role("ana", "prompting") is None

    codes.admit(engine, only(engine).id, 1)

    assert Enrolment(engine).role("ana", "prompting") == "learner"
    with engine.connect() as connection:
        assert connection.execute(select(people.c.suspended_at).where(people.c.username == "ana")).scalar() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "nobody"), ("given_name", ""), ("given_name", "=1+1"), ("language", "klingon"), ("region", "r" * 65)],
)
def test_what_is_wrong_with_a_form_is_said_by_field_and_nothing_is_kept(engine: Engine, field: str, value: str):
    code = codes.make(engine, "open", 5, WEEK)
    wrong = codes.ask(engine, code, form("bea", **{field: value}))

    assert list(wrong) == [field] and wrong[field].instead
    assert (only(engine).taken, only(engine).waiting) == (0, 0)


def test_many_at_once_never_take_more_places_than_there_are(engine: Engine):
    code = codes.make(engine, "open", 3, WEEK)
    threads = [threading.Thread(target=codes.ask, args=(engine, code, form(f"p{n}"))) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (only(engine).taken, only(engine).waiting) == (3, 9)


def test_a_list_in_wrong_hands_ends_somewhere(engine: Engine, monkeypatch):
    monkeypatch.setattr(codes, "_MOST_WAITING", 3)
    code = codes.make(engine, "open", 0, WEEK)
    for number in range(3):
        assert codes.ask(engine, code, form(f"p{number}")) == {}
    with pytest.raises(OperatorError):  # nobody is told that her request is noted where it is not
        codes.ask(engine, code, form("p3"))
    assert codes.find(engine, code) is None and only(engine).waiting == 3


def test_whoever_asked_can_be_taken_off_the_list_with_all_that_was_kept(engine: Engine):
    code = codes.make(engine, "open", 0, WEEK)
    other = codes.make(engine, "open", 0, WEEK)
    codes.ask(engine, code, form("bea"))
    codes.ask(engine, other, form("cid"))
    mine, theirs = (
        next(one for one in codes.of_cohort(engine, "open") if codes.waiting(engine, one.id)[0].given_name == name)
        for name in ("Bea", "Cid")
    )
    (bea,) = codes.waiting(engine, mine.id)
    assert not codes.remove(engine, theirs.id, bea.id)
    assert codes.remove(engine, mine.id, bea.id) and not codes.remove(engine, mine.id, bea.id)
    assert codes.waiting(engine, mine.id) == () and len(codes.waiting(engine, theirs.id)) == 1


@pytest.mark.parametrize(("places", "days"), [(-1, 7), (100_001, 7), (5, 0), (5, 400)])
def test_nonsense_makes_no_code(engine: Engine, places: int, days: int):
    with pytest.raises(OperatorError):
        codes.make(engine, "open", places, timedelta(days=days))
    assert codes.of_cohort(engine, "open") == ()
