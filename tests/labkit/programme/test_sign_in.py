"""The whole story of a password: counted, looked up, verified; and how little it says."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine

from labkit.database import connect
from labkit.programme import links
from labkit.programme.attempts import ACCOUNT, LINK
from labkit.programme.password import Passwords
from labkit.programme.people import Person, provision
from labkit.programme.sign_in import AT_ONCE, Answer, SignIn, canonical, find

GOOD = "pitong gatang ng bigas"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    provision(engine, (Person("ana", "Ana@Example.org", "Ana", "Cruz"), Person("ben", "b@x.org", "B", "R")), ())
    Passwords(engine, QUICK).set("ana", GOOD)
    yield engine
    engine.dispose()


@pytest.fixture
def door(engine: Engine) -> SignIn:
    return SignIn(engine, Passwords(engine, QUICK))


@pytest.mark.parametrize("account", ["ana", "ANA ", "ana@example.org", "\uff41\uff4e\uff41"])  # the last: full width
async def test_whoever_knows_her_password_is_she(door: SignIn, account: str):
    assert await door.by_password(account, GOOD, "here") == Answer("ana")


@pytest.mark.parametrize("account", ["ana", "ben", "nobody", "nobody@example.org", "", "%", "a\0na", "ana@example"])
async def test_everything_wrong_has_the_same_answer(door: SignIn, account: str):
    assert await door.by_password(account, "wrong" * 3, "here") == Answer()


@pytest.mark.parametrize("account", ["ana", "ana@example.org", "ben", "nobody"])
async def test_an_account_is_bounded_alike_whether_it_exists(door: SignIn, account: str):
    answers = [await door.by_password(account, "wrong" * 3, f"address {n}") for n in range(ACCOUNT.tries + 1)]
    assert answers[:-1] == [Answer()] * ACCOUNT.tries
    assert 80 < answers[-1].wait <= ACCOUNT.step


async def test_a_bounded_name_does_not_tell_which_address_is_of_the_same_account(door: SignIn):
    for _ in range(ACCOUNT.tries + 1):
        await door.by_password("ana", "wrong" * 3, "here")
    assert (await door.by_password("ana@example.org", "wrong" * 3, "here")).wait == 0


@pytest.mark.parametrize("spelling", ["ANA", " ana", "ana\t", "Ana", "\uff21na"])
async def test_another_spelling_of_a_name_has_no_tries_of_its_own(door: SignIn, spelling: str):
    for _ in range(ACCOUNT.tries):
        await door.by_password("ana", "wrong" * 3, "here")
    assert (await door.by_password(spelling, GOOD, "here")).wait > 0


async def test_a_whole_class_behind_one_address_signs_in(door: SignIn):
    for _ in range(150):
        assert (await door.by_password("ana", GOOD, "school")).username == "ana"


async def test_few_hashes_are_computed_at_a_time(engine: Engine):
    running = most = 0

    class Slow(Passwords):
        def verify(self, username, text):
            nonlocal running, most
            running += 1
            most = max(most, running)
            try:
                return super().verify(username, text)
            finally:
                running -= 1

    door = SignIn(engine, Slow(engine))
    await asyncio.gather(*(door.by_password(f"somebody {n}", "wrong" * 3, "here") for n in range(8)))
    assert 1 <= most <= AT_ONCE


async def test_a_link_is_looked_at_and_used(engine: Engine, door: SignIn):
    token = links.issue(engine, "ana")
    assert (await door.look(token, "here")).username == "ana"
    assert (await door.by_link(token, "here")).username == "ana"
    assert await door.by_link(token, "here") == Answer()


async def test_guessing_links_is_bounded_and_using_them_is_not(engine: Engine, door: SignIn):
    token = links.issue(engine, "ana")
    for _ in range(LINK.tries * 2):
        assert (await door.look(token, "here")).username == "ana"
    for n in range(LINK.tries):
        assert await door.by_link(f"guess {n}", "here") == Answer()
    assert (await door.by_link(token, "here")).wait > 0
    assert (await door.by_link(token, "there")).username == "ana"


def test_two_people_with_one_address_in_two_spellings_are_neither(engine: Engine):
    provision(engine, (Person("ana2", "ANA@example.org", "Ana", "Other"),), ())
    assert find(engine, canonical("ana@example.org")) is None
    assert find(engine, "ana") == "ana"
