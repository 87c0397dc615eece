"""A plan says exactly what a file changes; applying it does that, whole, and a second time nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from labkit.database import connect
from labkit.database.tables import cohorts, enrolments, people
from labkit.errors import OperatorError
from labkit.programme import links, usernames
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, provision
from labkit.programme.roster.apply import PlanChanged, apply
from labkit.programme.roster.plan import Known, Plan, compute, plan
from labkit.programme.roster.read import read

COURSES = ("prompting", "tuning")
HEADER = "email,given_name,family_name,role,cohort,course"


def roster(*lines: str, header: str = HEADER) -> Any:
    return read("r.csv", "\n".join((header, *lines)).encode())


def person(number: int, cohort: str = "a", course: str = "prompting", role: str = "learner") -> str:
    return f"p{number}@example.org,P{number},Tester,{role},{cohort},{course}"


def told(done: Plan) -> dict[str, list[tuple[str, str]]]:
    kinds = ("added", "moved", "changed", "returned", "suspended", "untouched")
    found = {kind: [(one.email.partition("@")[0], one.cohort) for one in done.of(kind)] for kind in kinds}
    return {kind: some for kind, some in found.items() if some}


def everything(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return [
            [tuple(row) for row in connection.execute(select(t).order_by(*t.primary_key))]
            for t in (people, cohorts, enrolments)
        ]


def state(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        rows = connection.execute(select(enrolments.c.username, enrolments.c.cohort, enrolments.c.suspended_at)).all()
        out = connection.execute(select(people.c.username).where(people.c.suspended_at.is_not(None))).scalars().all()
    return {
        "in": {(n, c) for n, c, at in rows if at is None},
        "was": {(n, c) for n, c, at in rows if at},
        "out": set(out),
    }


def test_a_first_file_adds_people_and_cohorts(engine: Engine):
    contents = roster(person(1), person(2, "b", "tuning"), person(3, role="instructor"), "o@example.org,O,O,officer,,")
    before = everything(engine)
    wanted = plan(engine, contents, COURSES)
    assert everything(engine) == before

    done = apply(engine, contents, COURSES)

    assert done.changes == wanted.changes and done.new_cohorts == ("a", "b") and done.new_people == 4
    assert told(done) == {"added": [("p1", "a"), ("p2", "b"), ("p3", "a"), ("o", "")]}
    assert Enrolment(engine).courses("p2") == {"tuning": "learner"}
    assert Enrolment(engine).role("p3", "prompting") == "instructor"
    with engine.connect() as connection:
        assert connection.execute(select(people.c.officer).where(people.c.username == "o")).scalar_one() is True


def test_the_same_file_again_changes_nothing(engine: Engine):
    contents = roster(
        person(1), person(2, "b", "tuning"), "o@example.org,O,O,officer,,", "v@example.org,V,V,observer,,"
    )
    apply(engine, contents, COURSES)
    before = everything(engine)

    done = apply(engine, contents, COURSES)

    assert done.changes_nothing and len(done.of("untouched")) == 4
    assert everything(engine) == before


def test_a_learner_moves_within_a_course_and_learns_another_beside_it(engine: Engine):
    apply(engine, roster(person(1), person(2)), COURSES)
    done = apply(engine, roster(person(1, "b"), person(2), person(2, "t", "tuning")), COURSES)

    assert told(done) == {"moved": [("p1", "b")], "added": [("p2", "t")], "untouched": [("p2", "a")]}
    assert done.of("moved")[0].before == "a"
    assert state(engine) == {"in": {("p1", "b"), ("p2", "a"), ("p2", "t")}, "was": {("p1", "a")}, "out": set()}
    assert Enrolment(engine).role("p1", "prompting") == "learner"


def test_whoever_is_in_the_file_no_more_is_suspended_and_comes_back_with_everything(engine: Engine):
    apply(engine, roster(person(1), person(2)), COURSES)
    done = apply(engine, roster(person(2)), COURSES)
    assert told(done) == {"untouched": [("p2", "a")], "suspended": [("p1", "a")]}
    assert state(engine) == {"in": {("p2", "a")}, "was": {("p1", "a")}, "out": {"p1"}}
    assert Enrolment(engine).role("p1", "prompting") is None

    back = apply(engine, roster(person(1), person(2)), COURSES)

    assert told(back) == {"returned": [("p1", "a")], "untouched": [("p2", "a")]}
    assert state(engine) == {"in": {("p1", "a"), ("p2", "a")}, "was": set(), "out": set()}


def test_a_file_says_nothing_of_cohorts_it_does_not_name(engine: Engine):
    apply(engine, roster(person(1), person(2, "b")), COURSES)
    done = apply(engine, roster(person(3)), COURSES)

    assert told(done) == {"added": [("p3", "a")], "suspended": [("p1", "a")]}
    assert ("p2", "b") in state(engine)["in"]


@pytest.mark.parametrize("source", ["group", "invitation"])
def test_whoever_came_another_way_is_not_suspended_by_a_file(engine: Engine, source: str):
    apply(engine, roster(person(1), person(2)), COURSES)
    with engine.begin() as connection:
        connection.execute(enrolments.update().where(enrolments.c.username == "p1").values(source=source))

    assert told(apply(engine, roster(person(2)), COURSES)) == {"untouched": [("p2", "a")]}


def test_an_office_is_not_lost_by_being_left_out(engine: Engine):
    apply(engine, roster("o@example.org,O,O,officer,,", person(1)), COURSES)
    assert told(apply(engine, roster(person(1)), COURSES)) == {"untouched": [("p1", "a")]}
    assert state(engine)["out"] == set()


def test_an_officer_who_learns_and_stops_learning_stays_an_officer(engine: Engine):
    apply(engine, roster("o@example.org,O,O,officer,,", "o@example.org,O,O,learner,a,prompting", person(1)), COURSES)
    apply(engine, roster(person(1)), COURSES)

    assert state(engine)["out"] == set() and state(engine)["was"] == {("o", "a")}


def test_names_roles_and_optional_columns_change_and_what_is_not_named_stays(engine: Engine):
    full = f"{HEADER},region,sex,disability,employer,language"
    apply(engine, roster(f"{person(1)},NCR,f,yes,Acme,fil", header=full), COURSES)
    done = apply(engine, roster(person(1, role="assistant").replace("P1", "Paz")), COURSES)

    assert told(done) == {"changed": [("p1", "a")]}
    assert "given_name: P1" in done.changes[0].details and "role: learner" in done.changes[0].details
    with engine.connect() as connection:
        row = connection.execute(select(people)).mappings().one()
    assert (row["given_name"], row["region"], row["sex"], row["disability"]) == ("Paz", "NCR", "female", True)
    assert (row["employer"], row["language"]) == ("Acme", "fil")

    apply(engine, roster(f"{person(1, role='assistant').replace('P1', 'Paz')},,,,,", header=full), COURSES)
    with engine.connect() as connection:
        row = connection.execute(select(people)).mappings().one()
    assert (row["region"], row["sex"], row["disability"], row["employer"]) == (None, None, None, None)
    assert row["language"] == "fil"  # she may have chosen it herself


def test_people_are_found_by_their_address_in_any_capitals(engine: Engine):
    provision(
        engine, [Person("ana", "Ana@Example.org", "Ana", "Cruz")], [Membership("ana", "a", "prompting", "learner")]
    )
    done = apply(engine, roster("ANA@example.ORG,Ana,Cruz,learner,a,prompting"), COURSES)
    assert told(done) == {"untouched": [("ana", "a")]}


def test_a_new_person_reads_the_language_of_her_cohort(engine: Engine):
    apply(engine, roster(person(1)), COURSES)
    with engine.begin() as connection:
        connection.execute(cohorts.update().values(language="fil"))
    apply(engine, roster(person(1), person(2)), COURSES)

    with engine.connect() as connection:
        assert dict(connection.execute(select(people.c.username, people.c.language)).all()) == {"p1": "en", "p2": "fil"}


def test_a_plan_says_what_it_would_overwrite_also_of_somebody_added_or_moved(engine: Engine):
    apply(engine, roster(person(1), person(2)), COURSES)
    lines = [person(1, "b"), person(2), person(2, "t", "tuning").replace("P2", "Paz")]
    found = plan(engine, roster(lines[0].replace("P1", "Pia"), *lines[1:]), COURSES)
    assert found.of("moved")[0].details == "given_name: P1" and found.mistakes  # p2 has two names here
    found = plan(engine, roster(person(2, "t", "tuning").replace("P2", "Paz")), COURSES)
    assert found.of("added")[0].details == "given_name: P2"


def test_addresses_are_told_apart_letter_by_letter(engine: Engine):
    """The Kelvin sign is no k, though Unicode folds it to one: an identity provider may vouch for such an address."""
    provision(
        engine,
        [Person("kim", "kim@x.org", "Kim", "R"), Person("kim-2", "\u212aim@x.org", "M", "M")],
        [Membership(name, "a", "prompting", "learner") for name in ("kim", "kim-2")],
    )
    done = apply(engine, roster("kim@x.org,Kim,R,learner,a,prompting", "q@x.org,Q,Q,learner,a,prompting"), COURSES)
    assert told(done) == {"untouched": [("kim", "a")], "added": [("q", "a")], "suspended": [("\u212aim", "a")]}


def test_a_link_made_before_somebody_was_given_power_ends(engine: Engine):
    apply(engine, roster(person(1), person(2), person(3)), COURSES)
    tokens = {name: links.issue(engine, name) for name in ("p1", "p2", "p3")}
    apply(
        engine,
        roster(person(1, role="instructor"), person(2), person(3), "p3@example.org,P3,Tester,officer,,"),
        COURSES,
    )
    assert {name: links.holder(engine, token) for name, token in tokens.items()} == {"p1": None, "p2": "p2", "p3": None}


@pytest.mark.parametrize("source", ["group", "invitation"])
def test_a_change_leaves_a_place_to_whoever_gave_it(engine: Engine, source: str):
    apply(engine, roster(person(1), person(2)), COURSES)
    with engine.begin() as connection:
        connection.execute(enrolments.update().where(enrolments.c.username == "p1").values(source=source))
    assert told(apply(engine, roster(person(1).replace("P1", "Paz"), person(2)), COURSES))["changed"] == [("p1", "a")]
    with engine.connect() as connection:
        assert connection.execute(select(enrolments.c.source).where(enrolments.c.username == "p1")).scalar() == source


def test_two_files_do_not_build_what_one_forbids(engine: Engine):
    apply(engine, roster(person(1)), COURSES)
    (mistake,) = apply(engine, roster(person(1, "b", role="instructor")), COURSES).mistakes
    assert mistake.column == "role" and "name a in the file too" in mistake.instead


def test_a_file_of_an_officers_does_not_reach_another_officer(engine: Engine):
    apply(engine, roster("o@example.org,O,O,officer,,"), COURSES)
    done = apply(engine, roster("o@example.org,Evil,Name,instructor,a,prompting"), COURSES, may_name_officers=False)
    assert [one.column for one in done.mistakes] == ["email"]


def test_many_people_of_one_name_are_numbered_in_good_time(engine: Engine):
    """What takes steps in the square of their number would not end within the test's time."""
    lines = [f"info@d{n}.org,I,X,learner,a,prompting" for n in range(60_000)]
    known = Known({}, {}, {})
    found = compute(known, roster(*lines), COURSES)
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for row in found.rows:
        taken.add(usernames.new(row.email, taken, numbers))
    assert len(taken) == 60_000


def test_usernames_are_plain_and_no_two_are_the_same(engine: Engine):
    lines = [f"juan@{name}.org,J,C,learner,a,prompting" for name in ("a", "b", "c")]
    odd = [f"{name}@a.org,J,C,learner,a,prompting" for name in ("root", "1st", "o'neil+lab", "admin", "__")]
    apply(engine, roster(*lines, *odd), COURSES)

    with engine.connect() as connection:
        names = connection.execute(select(people.c.username)).scalars().all()
    assert {"juan", "juan-2", "juan-3", "o-neil-lab", "p-1st"} <= set(names) and not {"root", "admin"} & set(names)
    assert all(name[0].isalpha() and name.replace("-", "").isalnum() and name.isascii() for name in names)


CONTRADICTIONS = [
    ([person(1), person(1)], "email", "already"),
    ([person(1), person(1, "b")], "cohort", "one cohort"),
    ([person(1), person(1, "b", role="instructor")], "cohort", "one cohort"),
    ([person(1), person(1, "t", "tuning").replace("P1", "Paz")], "given_name", "the same in both"),
    ([person(1), person(2, "a", "tuning")], "course", "one course"),
    ([person(1), person(2, "A")], "cohort", "capitals"),
    ([person(1, course="promting")], "course", "Did you mean prompting?"),
    (["o@example.org,O,O,officer,,", "o@example.org,O,O,observer,,"], "email", "Delete one"),
    ([person(1, "old", "tuning")], "course", "takes prompting"),
    ([person(1, "OLD")], "cohort", "capitals"),
]


@pytest.mark.parametrize(("lines", "column", "word"), CONTRADICTIONS)
def test_lines_that_contradict_each_other_or_what_is_known_are_mistakes(engine: Engine, lines, column: str, word: str):
    apply(engine, roster(person(9, "old")), COURSES)
    before = everything(engine)

    done = apply(engine, roster(*lines), COURSES)

    (mistake,) = done.mistakes
    assert mistake.column == column and word in f"{mistake.message} {mistake.instead}"
    assert everything(engine) == before


def test_an_instructor_may_teach_several_cohorts_of_a_course(engine: Engine):
    done = apply(engine, roster(person(1, role="instructor"), person(1, "b", role="assistant")), COURSES)
    assert not done.mistakes and len(done.of("added")) == 2


def test_offices_are_refused_where_they_may_not_be_given(engine: Engine):
    lines = ["o@example.org,O,O,officer,,", "v@example.org,V,V,observer,,", "w@example.org,W,W,observer,a,prompting"]
    done = apply(engine, roster(*lines), COURSES, may_name_officers=False)
    assert [one.line for one in done.mistakes] == [2, 3]


def test_most_of_a_large_cohort_is_suspended_only_if_that_is_asked_for(engine: Engine):
    apply(engine, roster(*(person(n) for n in range(30))), COURSES)
    before = everything(engine)
    with pytest.raises(OperatorError, match="29 of the 30"):
        apply(engine, roster(person(0)), COURSES)
    assert everything(engine) == before
    assert plan(engine, roster(person(0)), COURSES).emptied == (("a", 29, 30),)

    apply(engine, roster(person(0)), COURSES, may_empty=True)

    assert len(state(engine)["out"]) == 29


def test_a_plan_that_was_shown_is_not_applied_once_something_else_would_happen(engine: Engine):
    shown = plan(engine, roster(person(1), person(2)), COURSES)
    apply(engine, roster(person(1)), COURSES)
    before = everything(engine)

    with pytest.raises(PlanChanged):
        apply(engine, roster(person(1), person(2)), COURSES, expected=shown.fingerprint)
    assert everything(engine) == before


# A process of its own: killed, not unwound, before its so many-th change.
DIE = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from labkit.database import connect
from labkit.programme.roster.apply import apply
from labkit.programme.roster.load import load
url, file, statement = sys.argv[1:]
engine, seen = connect(url), 0
@event.listens_for(engine, "before_cursor_execute")
def count(connection, cursor, text, *rest):
    global seen
    seen += text.lstrip().upper().startswith(("INSERT", "UPDATE"))
    if seen == int(statement):
        os.kill(os.getpid(), signal.SIGKILL)
apply(engine, load(Path(file)), ("prompting", "tuning"))
"""


@pytest.mark.parametrize("statement", [1, 2, 3, 4, 6])
def test_killed_in_the_middle_nothing_is_left_and_applied_again_it_is_right(
    database_url: str, statement: int, tmp_path: Path
):
    engine = connect(database_url)
    apply(engine, roster(*(person(n) for n in range(20))), COURSES)
    before = everything(engine)
    lines = [
        *(person(n, "b") for n in range(5)),
        *(person(n) for n in range(5, 19)),
        *(person(n, "c", "tuning") for n in range(700, 1400)),
    ]

    file = tmp_path / "r.csv"
    file.write_text("\n".join((HEADER, *lines)))
    died = subprocess.run([sys.executable, "-c", DIE, database_url, str(file), str(statement)], timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert everything(engine) == before

    done = apply(engine, roster(*lines), COURSES)

    assert {kind: len(some) for kind, some in told(done).items()} == {
        "moved": 5,
        "untouched": 14,
        "suspended": 1,
        "added": 700,
    }
    assert apply(engine, roster(*lines), COURSES).changes_nothing
    engine.dispose()
