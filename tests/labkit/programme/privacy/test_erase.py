"""Erasure in the database: whole or not at all, refused where it would leave somebody alone, finished after a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from labkit.courses import Course, Lab
from labkit.database.dump import dump, moment
from labkit.database.tables import enrolments, erasures, people, reservations, scores, submissions
from labkit.errors import PlatformFault
from labkit.programme import figures, invitations, links, suspension, usernames
from labkit.programme.people import Person, memberships, person, provision
from labkit.programme.privacy import consent, erase, looks, strip
from labkit.programme.roster.apply import apply
from labkit.programme.roster.read import read

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Part:
    """A holding that notes what it was asked, and may fail or be killed."""

    name = "part"

    def __init__(self, problem: BaseException | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.problem = problem

    def export(self, username):
        return ()

    def erase(self, username, pseudonym):
        self.asked.append((username, pseudonym))
        if self.problem:
            raise self.problem


def hand_in(engine: Engine, who: str, number: int, scored: bool = True, **more: object) -> None:
    one = f"{who}-{number}"
    row = {"id": one, "username": who, "course": "testing", "lab": "clip", "digest": one, "files": {"a": f"hash-{one}"}}
    row |= {"missing": [], "extra": [], "received_at": NOW, "state": "graded"}
    with engine.begin() as connection:
        connection.execute(insert(submissions).values(**{**row, **more}))
        if scored:
            report = {"score": 1.0, "max": 2.0, "items": []}
            about = {"submission": one, "score": 1.0, "max": 2.0, "report": report, "graded_at": NOW}
            connection.execute(insert(scores).values(**about))


def everything(engine: Engine) -> str:
    with moment(engine) as connection:
        return "\n".join(f"{name} {line}" for name, lines in dump(connection) for line in lines)


def test_her_name_is_nowhere_and_her_numbers_stay(engine: Engine):
    hand_in(engine, "ana", 1)
    consent.give(engine, "ana", "en")
    links.issue(engine, "ana", issued_by="jose")
    looks.record(engine, "jose", "ana", "result")
    looks.record(engine, "ana", "ben", "result")
    done = erase.erase(engine, "ana", (), by="jose")
    assert done.finished
    left = everything(engine)
    for word in ('"ana"', "ana@", "Cruz", "DOST", "female", "hash-ana-1"):
        assert word.lower() not in left.lower()
    assert [(one.cohort, one.role) for one in memberships(engine, done.pseudonym)] == [("first", "learner")]
    assert person(engine, done.pseudonym).region == "Bicol"
    assert looks.of(engine, "ben")[0].viewer == done.pseudonym
    with engine.connect() as connection:
        row = connection.execute(select(erasures)).one()
    assert (row.by, row.pending) == ("jose", None)
    assert row.finished_at is not None


@pytest.mark.parametrize(
    ("username", "why"),
    [
        ("nobody", "unknown"),
        ("../ben", "unknown"),
        ("a\0", "unknown"),
        ("", "unknown"),
        ("jose", "office"),
        ("maria", "office"),
    ],
)
def test_who_cannot_be_erased_is_not_and_hears_what_to_do(engine: Engine, username: str, why: str):
    before, part = everything(engine), Part()
    with pytest.raises(erase.Refused) as refused:
        erase.erase(engine, username, (part,))
    assert refused.value.why == why
    assert refused.value.instead
    assert everything(engine) == before
    assert part.asked == []


@pytest.mark.parametrize("more", [{"state": "grading"}, {"state": "grading", "holder": "x"}, {"holder": "x"}])
def test_while_something_is_being_graded_she_waits(engine: Engine, more: dict[str, object]):
    hand_in(engine, "ana", 1, **more)
    with pytest.raises(erase.Refused, match="Wait a minute"):
        erase.erase(engine, "ana", ())


def test_what_waits_in_the_queue_is_withdrawn_unless_it_has_points(engine: Engine):
    hand_in(engine, "ana", 1, scored=False, state="queued")
    hand_in(engine, "ana", 2, state="queued", asks_model=True)
    hand_in(engine, "ana", 3, scored=False, state="fault", not_before=NOW)
    hand_in(engine, "ana", 4, written=False)
    seen = Part()
    seen.erase = lambda _, pseudonym: seen.asked.extend(erase.pending_files(engine, pseudonym))
    erase.erase(engine, "ana", (seen,))
    assert sorted(seen.asked) == [f"hash-ana-{number}" for number in (1, 2, 3, 4)]
    with engine.connect() as connection:
        rows = connection.execute(select(submissions).order_by(submissions.c.id)).all()
    # What had no points is in no score and stays in the number of those who handed something in.
    assert [(row.id, row.state, row.written, row.asks_model) for row in rows] == [
        ("ana-1", "withdrawn", True, False),
        ("ana-2", "graded", True, False),
        ("ana-3", "withdrawn", True, False),
        ("ana-4", "graded", True, False),
    ]
    assert all(row.files == {} and row.username.startswith("erased-") for row in rows)


@pytest.mark.parametrize("state", ["graded", "queued"])
def test_the_figures_of_her_cohort_are_what_they_were(engine: Engine, state: str):
    with engine.begin() as connection:
        hers = update(people).where(people.c.username == "ana")
        connection.execute(hers.values(signed_in_at=NOW, region="NCR"))
    hand_in(engine, "ana", 1, scored=state == "graded", state=state)
    course = Course("testing", "Testing", Path(), (Lab("testing", "clip", "Clip", Path()),))
    before = figures.funnels(engine, [course]), figures.labs(engine, course, "first")
    assert before[0][0].signed_in == before[0][0].handed_in == 1
    erase.erase(engine, "ana", ())
    assert (figures.funnels(engine, [course]), figures.labs(engine, course, "first")) == before


def test_nobody_new_is_given_a_name_that_is_still_being_cleared(engine: Engine):
    erase.erase(engine, "ana", (Part(PlatformFault("away")),))
    code = invitations.make(engine, "first", 5, timedelta(days=1))
    invitations.ask(engine, code, {"email": "ana@other.org", "given_name": "Ana"})
    assert person(engine, "ana") is None and person(engine, "ana-2").email == "ana@other.org"
    assert erase.resume(engine, (Part(),))[0].finished


def test_a_pseudonym_is_nobody_a_file_or_a_code_could_mean(engine: Engine):
    done = erase.erase(engine, "ana", ())
    line = f"{done.pseudonym}@erased.invalid,A,B,learner,first,testing"
    found = apply(
        engine, read("r.csv", f"email,given_name,family_name,role,cohort,course\n{line}".encode()), ["testing"]
    )
    assert "erased" in found.mistakes[0].message
    code = invitations.make(engine, "first", 5, timedelta(days=1))
    wrong = invitations.ask(engine, code, {"email": f"{done.pseudonym}@erased.invalid", "given_name": "A"})
    assert list(wrong) == ["email"]


def test_two_submissions_of_hers_stay_two(engine: Engine):
    for number in (1, 2):
        hand_in(engine, "ana", number)
    erase.erase(engine, "ana", ())
    with engine.connect() as connection:
        digests = connection.execute(select(submissions.c.digest)).scalars().all()
    assert len(set(digests)) == 2
    assert all(one.startswith(strip.STRIPPED) for one in digests)


def test_a_call_that_runs_meanwhile_is_settled_under_the_pseudonym(engine: Engine):
    row = {"id": "r", "username": "ana", "course": "testing", "lab": "clip", "unit": "tokens", "window": "w"}
    with engine.begin() as connection:
        connection.execute(insert(reservations).values(**row, amount=3, holder="gateway", opened_at=NOW))
    done = erase.erase(engine, "ana", ())
    with engine.connect() as connection:
        assert connection.execute(select(reservations.c.username)).scalar() == done.pseudonym


def test_what_fails_in_the_middle_of_the_transaction_changes_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    hand_in(engine, "ana", 1)
    before, part = everything(engine), Part()

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erase, "_rename", dies)
    with pytest.raises(KeyboardInterrupt):
        erase.erase(engine, "ana", (part,))
    assert everything(engine) == before
    assert part.asked == []


@pytest.mark.parametrize("problem", [PlatformFault("away"), OSError("disk"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_was_cut_short_between_the_parts_is_finished_later(engine: Engine, problem: BaseException, place: int):
    hand_in(engine, "ana", 1)
    parts = [Part(problem if number == place else None) for number in range(3)]
    if isinstance(problem, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            erase.erase(engine, "ana", parts)
    else:
        assert not erase.erase(engine, "ana", parts).finished
    with engine.connect() as connection:
        assert "ana" in usernames.taken(connection)
    assert person(engine, "ana") is None
    whole = [Part() for _ in range(3)]
    (done,) = erase.resume(engine, whole)
    assert done.finished
    assert [part.asked for part in whole] == [[("ana", done.pseudonym)]] * 3
    assert '"ana"' not in everything(engine)
    assert erase.resume(engine, whole) == ()


def test_what_arrives_under_her_name_meanwhile_is_taken_too(engine: Engine):
    part = Part()
    clear = part.erase

    def late(username: str, pseudonym: str) -> None:
        if not part.asked:
            hand_in(engine, "ana", 9, scored=False, state="queued")
        clear(username, pseudonym)

    part.erase = late
    done = erase.erase(engine, "ana", (part,))
    assert done.finished
    assert len(part.asked) == 2
    assert '"ana"' not in everything(engine) and "hash-ana-9" not in everything(engine)


def test_nobody_who_is_given_her_name_before_the_end_loses_anything(engine: Engine):
    erase.erase(engine, "ana", (Part(PlatformFault("away")),))
    provision(engine, [Person("ana", "other@example.org", "Ana", "Other")], [])
    part = Part()
    (left,) = erase.resume(engine, (part,))
    assert not left.finished
    assert part.asked == []
    assert person(engine, "ana").email == "other@example.org"


def test_nobody_comes_back_as_who_was_erased(engine: Engine):
    done = erase.erase(engine, "ana", ())
    with engine.begin() as connection:
        assert suspension.settle(connection, ["ben", done.pseudonym]) == frozenset()
        sources = connection.execute(select(enrolments.c.source).where(enrolments.c.username == done.pseudonym))
        assert sources.scalars().all() == ["erased"]
    assert suspension.is_suspended(engine, done.pseudonym)
    with pytest.raises(erase.Refused, match="already"):
        erase.erase(engine, done.pseudonym, ())


def test_an_officer_who_gave_up_her_office_is_erased_and_what_she_did_stays(engine: Engine):
    links.issue(engine, "ana", issued_by="jose")
    with engine.begin() as connection:
        connection.execute(update(people).where(people.c.username == "jose").values(officer=False))
    done = erase.erase(engine, "jose", ())
    assert links.history(engine, "ana")[0].issued_by == done.pseudonym


def test_an_instructor_whose_office_is_suspended_may_be_erased(engine: Engine):
    with engine.begin() as connection:
        mine = enrolments.c.username == "maria"
        connection.execute(update(enrolments).where(mine).values(suspended_at=NOW))
    assert erase.erase(engine, "maria", ()).finished


def test_a_name_of_many_words_is_not_left_in_a_report():
    check = {"reason": "prints Kundiman", "passed": False, "hint": "Kundiman", "advice": "Kundiman"}
    item = {"name": "clip", "points": 1.0, "max": 2.0, "checks": [check], "hidden": True, "said": "Kundiman"}
    whole = {"score": 1.0, "max": 2.0, "items": [item, "odd"], "notes": ["Kundiman"], "other": "Kundiman"}
    left = strip.without_words(
        {**whole, "fault": "Kundiman", "manual": [{"name": "why", "max": 5, "said": "Kundiman"}]}
    )
    assert "Kundiman" not in str(left)
    assert (left["score"], left["items"][0]["points"], left["items"][0]["checks"][0]["passed"]) == (1.0, 1.0, False)
    assert left["manual"] == [{"name": "why", "max": 5}]


def test_a_roster_read_meanwhile_gives_nobody_her_name_and_takes_her_out_of_no_number(engine: Engine):
    done = erase.erase(engine, "ana", (Part(PlatformFault("away")),))
    lines = ["email,given_name,family_name,role,cohort,course", "ana@other.org,Ana,Other,learner,first,testing"]
    apply(engine, read("r.csv", "\n".join(lines).encode()), ("testing",), may_empty=True)
    new = person(engine, "ana-2")
    assert new is not None
    assert new.email == "ana@other.org"
    assert [one.cohort for one in memberships(engine, done.pseudonym)] == ["first"]
