"""One-time sign-in links."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from labkit.database import connect
from labkit.programme import links
from labkit.programme.people import Person, provision


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    provision(engine, (Person("ana", "ana@example.org", "Ana", "Cruz"),), ())
    yield engine
    engine.dispose()


def test_a_link_signs_its_owner_in_once(engine: Engine):
    token = links.issue(engine, "ana")
    assert links.redeem(engine, token) == "ana"
    assert links.redeem(engine, token) is None


def test_looking_at_a_link_does_not_use_it_up(engine: Engine):
    token = links.issue(engine, "ana")
    assert [links.holder(engine, token) for _ in range(3)] == ["ana"] * 3
    assert links.redeem(engine, token) == "ana"
    assert links.holder(engine, token) is None


@pytest.mark.parametrize("token", ["", "x" * 43, "ana", "%", "' OR 1=1 --"])
def test_a_guessed_link_is_nobodys(engine: Engine, token: str):
    links.issue(engine, "ana")
    assert links.holder(engine, token) is None
    assert links.redeem(engine, token) is None


def test_an_old_link_is_refused(engine: Engine):
    token = links.issue(engine, "ana", valid_for=timedelta(seconds=-1))
    assert links.redeem(engine, token) is None


def test_the_database_does_not_hold_the_link_itself(engine: Engine):
    token = links.issue(engine, "ana")
    with engine.connect() as connection:
        kept = [str(value) for row in connection.execute(text("SELECT * FROM sign_in_links")) for value in row]
    assert not any(token in value for value in kept)


def test_of_two_who_click_at_once_one_gets_in(engine: Engine):
    token = links.issue(engine, "ana")
    got: list[str | None] = []
    barrier = threading.Barrier(8)

    def click() -> None:
        barrier.wait()
        got.append(links.redeem(engine, token))

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got, key=str) == [None] * 7 + ["ana"]


def test_a_new_link_ends_the_older_ones(engine: Engine):
    first, second = links.issue(engine, "ana"), links.issue(engine, "ana", issued_by="maria")
    assert links.redeem(engine, first) is None
    assert links.redeem(engine, second) == "ana"


def test_links_made_at_once_leave_one_that_works(engine: Engine):
    made: list[str] = []
    barrier = threading.Barrier(6)

    def make() -> None:
        barrier.wait()
        made.append(links.issue(engine, "ana"))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [links.redeem(engine, token) for token in made].count("ana") == 1


def test_it_is_kept_who_made_a_link_and_when_it_was_used(engine: Engine):
    links.issue(engine, "ana")
    links.redeem(engine, links.issue(engine, "ana", issued_by="maria"))
    newest, older = links.history(engine, "ana")
    assert older.over and not newest.over
    assert (newest.issued_by, older.issued_by) == ("maria", None)
    assert newest.used_at is not None
    assert older.used_at is None
    assert older.expires_at <= newest.issued_at
    assert links.last_used(engine, "ana") == newest.used_at


def test_nobodys_history_is_empty(engine: Engine):
    assert links.history(engine, "ana") == ()
    assert links.last_used(engine, "ana") is None
