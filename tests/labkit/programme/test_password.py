"""Passwords: kept as hashes, compared alike for everybody, refused where they are the first guess."""

from __future__ import annotations

import threading
import unicodedata

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from labkit.database import connect
from labkit.programme.password import FEWEST, MOST, Objection, Passwords, objection
from labkit.programme.people import Person, provision

ANA = Person("ana", "ana.cruz@example.org", "Ana María", "Dela Cruz")
GOOD = "pitong gatang ng bigas"
# Weak on purpose: what is tried here is not how long a hash takes.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def engine(database_url: str) -> Engine:
    engine = connect(database_url)
    provision(engine, (ANA, Person("ben", "ben@example.org", "Ben", "Reyes")), ())
    yield engine
    engine.dispose()


@pytest.fixture
def passwords(engine: Engine) -> Passwords:
    return Passwords(engine, QUICK)


def kept(engine: Engine) -> str:
    with engine.connect() as connection:
        return connection.execute(text("SELECT hash FROM passwords WHERE username = 'ana'")).scalar()


def test_the_right_password_is_right_and_every_other_is_not(passwords: Passwords):
    passwords.set("ana", GOOD)
    assert passwords.verify("ana", GOOD)
    for other in ("", GOOD + " ", GOOD[:-1], GOOD.upper(), "x" * 100_000, "\0", "\ud800"):
        assert not passwords.verify("ana", other)
    assert not passwords.verify("ben", GOOD)
    assert not passwords.verify(None, GOOD)


def test_the_database_holds_argon2id_with_a_salt_and_never_the_password(engine: Engine):
    first, second = Passwords(engine), Passwords(engine)
    first.set("ana", GOOD)
    hashed = kept(engine)
    assert hashed.startswith("$argon2id$v=19$m=47104,t=2,p=1$")
    assert GOOD not in hashed
    second.set("ana", GOOD)
    assert kept(engine) != hashed


def test_a_new_password_takes_the_place_of_the_old(passwords: Passwords):
    assert passwords.set_at("ana") is None
    passwords.set("ana", GOOD)
    first = passwords.set_at("ana")
    passwords.set("ana", "walong lilok sa kawayan")
    assert not passwords.verify("ana", GOOD)
    assert passwords.verify("ana", "walong lilok sa kawayan")
    assert passwords.set_at("ana") >= first


def test_stronger_parameters_reach_a_kept_hash_when_its_owner_signs_in(engine: Engine, passwords: Passwords):
    passwords.set("ana", GOOD)
    stronger = Passwords(engine, PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert not stronger.verify("ana", "wrong" * 3)
    assert "m=8,t=1" in kept(engine)
    assert stronger.verify("ana", GOOD)
    assert "m=16,t=2" in kept(engine)
    assert stronger.verify("ana", GOOD)


def test_a_spoilt_hash_lets_nobody_in(engine: Engine, passwords: Passwords):
    passwords.set("ana", GOOD)
    with engine.begin() as connection:
        connection.execute(text("UPDATE passwords SET hash = 'spoilt'"))
    assert not passwords.verify("ana", GOOD)


class Counting(PasswordHasher):
    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash, password):
        self.verified.append(hash)
        return super().verify(hash, password)


@pytest.mark.parametrize("who", ["ana", "ben", "nobody", None])
def test_the_same_work_is_done_whoever_is_asked_for(engine: Engine, who: str | None):
    hasher = Counting()
    passwords = Passwords(engine, hasher)
    passwords.set("ana", GOOD)
    assert not passwords.verify(who, "a wrong password")
    assert len(hasher.verified) == 1
    parameters = hasher.verified[0].rpartition("$")[0].rpartition("$")[0]
    assert parameters == "$argon2id$v=19$m=8,t=1,p=1"


def test_two_first_passwords_at_once_leave_one_that_works(engine: Engine, passwords: Passwords):
    choices = [f"{GOOD} {n}" for n in range(6)]
    barrier = threading.Barrier(len(choices))

    def choose(word: str) -> None:
        barrier.wait()
        try:
            passwords.set("ana", word)
        except Exception as error:
            assert "unique" in str(error).lower()

    threads = [threading.Thread(target=choose, args=(word,)) for word in choices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passwords.verify("ana", word) for word in choices) == 1


@given(st.text(min_size=FEWEST, max_size=60))
def test_one_text_is_one_password_however_its_letters_are_composed(word: str):
    from labkit.programme.password import _bytes

    assert _bytes(unicodedata.normalize("NFD", word)) == _bytes(unicodedata.normalize("NFC", word))


@pytest.mark.parametrize(
    ("word", "found"),
    [
        (GOOD, None),
        ("correct horse", None),
        ("ñandú ñandú!", None),
        ("x" * 9, Objection.SHORT),
        ("", Objection.SHORT),
        ("é" * 5 + "e\u0301" * 4, Objection.SHORT),  # nine letters, thirteen code points
        ("a1b2c3d4e5" * 20 + "f", Objection.LONG),
        ("x" * 10_000_000, Objection.LONG),
        ("ana.cruz@example.org", Objection.YOURS),
        ("Ana.Cruz2026", Objection.YOURS),
        ("ana maría dela cruz", Objection.YOURS),
        ("Dela Cruz, Ana María", Objection.YOURS),
        ("anamaríadelacruz123!", Objection.YOURS),
        ("ana1234567", Objection.YOURS),
        ("password12", Objection.COMMON),
        ("Password123!", Objection.COMMON),
        ("1234567890", Objection.COMMON),
        ("qwertyuiop", Objection.COMMON),
        ("Mahal Kita 143", Objection.COMMON),
        ("aaaaaaaaaaaa", Objection.COMMON),
        ("          ", Objection.COMMON),
        ("ababababab", Objection.COMMON),
    ],
)
def test_what_others_would_try_first_is_refused_with_the_reason(word: str, found: Objection | None):
    assert objection(word, ANA) is found


def test_nothing_longer_than_the_bound_is_ever_hashed(passwords: Passwords):
    with pytest.raises(ValueError, match="more than"):
        passwords.set("ana", "x" * (MOST + 1))
