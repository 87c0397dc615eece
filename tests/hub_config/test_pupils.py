"""The file that tells a formgrader whom each teacher teaches: what is in it, and how it comes there."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from hub_config.follower import Follower
from hub_config.pupils import Pupils, file_of, folder_of, read, write
from labkit.database import connect
from labkit.database.tables import enrolments, people
from labkit.errors import OperatorError
from labkit.programme.people import Membership, Person, provision

NAMES = ("ana", "ben", "carla", "maria", "tina", "tomas", "vera", "omar")
MEMBERS = (
    *(Membership(name, "first", "testing", "learner") for name in ("ana", "ben")),
    Membership("carla", "second", "testing", "learner"),
    Membership("tina", "first", "testing", "assistant"),
    Membership("tomas", "second", "testing", "instructor"),
    *(Membership("maria", cohort, "testing", "instructor") for cohort in ("first", "second")),
    # A cohort without learners hides nothing from who is not in it, and gives nobody anything.
    Membership("vera", "empty", "testing", "instructor"),
    Membership("omar", "first", "testing", "observer"),
    Membership("tomas", "elsewhere", "prompting", "instructor"),
    Membership("ben", "elsewhere", "prompting", "learner"),
)


@pytest.fixture
def engine(database_url: str):
    engine = connect(database_url)
    provision(engine, [Person(name, f"{name}@example.org", name.title(), "X") for name in NAMES], MEMBERS)
    yield engine
    engine.dispose()


@pytest.fixture
def tell(engine: Engine, tmp_path: Path):
    """Has the follower tell both courses' formgraders, as it does at each look."""
    for course in ("testing", "prompting"):
        folder_of(tmp_path, course).mkdir()
    follower = Follower(engine, None, ["testing", "prompting"], None, tmp_path)

    def go(course: str = "testing") -> Path:
        follower._tell_formgrader(course)
        return file_of(tmp_path, course)

    return go


@pytest.mark.parametrize(
    ("who", "whom"),
    [
        ("tina", Pupils(frozenset({"ana", "ben"}))),
        ("tomas", Pupils(frozenset({"carla"}))),
        ("maria", Pupils(everybody=True)),
        ("vera", Pupils()),
        ("omar", Pupils()),
        ("ana", Pupils()),
        ("nobody", Pupils()),
    ],
)
def test_each_teacher_has_the_learners_of_her_own_cohorts(tell, who: str, whom: Pupils):
    assert read(tell(), who) == whom


def test_each_course_is_told_of_its_own(tell):
    assert read(tell("prompting"), "tomas") == Pupils(everybody=True)
    assert read(tell("prompting"), "maria") == Pupils()


@pytest.mark.parametrize("table", [people, enrolments], ids=["she herself", "her enrolment"])
def test_a_suspended_teacher_teaches_nobody_from_the_next_look(tell, engine: Engine, table):
    tell()
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.username == "tina").values(suspended_at=datetime.now(UTC)))
    assert read(tell(), "tina") == Pupils()


def test_whoever_taught_all_does_no_more_once_another_cohort_has_learners(tell, engine: Engine):
    tell()
    provision(engine, (), [Membership("omar", "third", "testing", "learner")])
    assert read(tell(), "maria") == Pupils(frozenset({"ana", "ben", "carla"}))


def test_a_learner_who_left_her_cohort_is_shown_there_no_more_but_a_suspended_one_is(tell, engine: Engine):
    with engine.begin() as connection:
        of = (enrolments.c.username == "ana", enrolments.c.cohort == "first")
        connection.execute(update(enrolments).where(*of).values(suspended_at=datetime.now(UTC)))
        of = (enrolments.c.username == "ben", enrolments.c.cohort == "first")
        connection.execute(enrolments.delete().where(*of))
    assert read(tell(), "tina") == Pupils(frozenset({"ana"}))


def test_it_is_written_only_when_it_changed_and_its_owner_alone_reads_it(tell):
    path = tell()
    first = path.stat()
    assert stat.S_IMODE(first.st_mode) == 0o400
    assert tell().stat().st_ino == first.st_ino
    path.unlink()
    path.write_text("{")
    assert read(tell(), "tina") == Pupils(frozenset({"ana", "ben"}))


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_as_root_it_is_the_formgraders_accounts_before_it_has_its_name(tmp_path: Path, monkeypatch, umask: int):
    given: list[tuple[int, int, bool]] = []
    path = tmp_path / "pupils.json"
    monkeypatch.setattr("hub_config.pupils.os.geteuid", lambda: 0)
    monkeypatch.setattr("labkit.durable.os.fchown", lambda _, *ids: given.append((*ids, path.exists())))
    old = os.umask(umask)
    try:
        assert write(path, {})
    finally:
        os.umask(old)
    owner = tmp_path.stat().st_uid
    assert given == [(owner, owner, False)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_where_no_formgrader_has_a_folder_nothing_is_written(tmp_path: Path):
    assert not write(file_of(tmp_path, "testing"), {"tina": Pupils()})
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_what_was_there(tell, engine: Engine, monkeypatch, caplog):
    before = tell().read_bytes()
    provision(engine, (), [Membership("omar", "third", "testing", "learner")])

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("labkit.durable.os.fsync", full)
    path = tell()
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert "is not told who teaches whom" in caplog.text


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"teachers": 1}', '{"teachers": {"tina": "ana"}}'])
def test_a_file_that_is_missing_or_broken_is_an_error_and_never_an_empty_list(tmp_path: Path, content: str | None):
    path = tmp_path / "pupils.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OperatorError, match=r"pupils\.json"):
        read(path, "tina")
