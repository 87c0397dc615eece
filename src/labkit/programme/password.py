"""Passwords people choose: kept as argon2id (RFC 9106) with a salt each.

Covers: a stolen database (every guess costs 46 MiB and two passes), a look at how long an answer takes (an account that
does not exist costs the same hash as one that does), a password everybody tries first. Does not cover: a password she
uses elsewhere too, and guessing through the sign-in page, which `attempts` bounds.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, Update, insert, select, update

from labkit.database import reading
from labkit.database.tables import passwords
from labkit.programme.people import Person

FEWEST, MOST = 10, 200  # characters
# Twice the passes of OWASP's recommendation for this much memory; a tenth of a second on a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
_FEWEST_DIFFERENT = 4
# The first that everybody tries; digits at the end of a password are also taken off before comparing.
_COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())


class Objection(Enum):
    """Why a password is refused."""

    SHORT = "short"
    LONG = "long"
    YOURS = "yours"
    COMMON = "common"


def objection(text: str, person: Person) -> Objection | None:
    """What speaks against `text` as the password of `person`, if anything."""
    if len(text) > MOST:
        return Objection.LONG
    text = _normal(text)
    if len(text) < FEWEST:
        return Objection.SHORT
    reduced = _reduced(text)
    if reduced in _names(person) or text.casefold() == person.email.casefold():
        return Objection.YOURS
    if len(set(text)) < _FEWEST_DIFFERENT or {reduced, text.casefold(), "".join(text.casefold().split())} & _COMMON:
        return Objection.COMMON
    return None


class Passwords:
    def __init__(self, engine: Engine, hasher: PasswordHasher = _HASHER) -> None:
        self._engine, self._hasher = engine, hasher

    def set_at(self, username: str) -> datetime | None:
        """When she last set one; None if she has none."""
        with reading(self._engine) as connection:
            return connection.execute(select(passwords.c.set_at).where(passwords.c.username == username)).scalar()

    def set(self, username: str, text: str) -> None:
        """Keeps `text` as her password. Ask `objection` first. Raises ValueError if it is too long to be one."""
        if len(text) > MOST:
            raise ValueError(f"a password of more than {MOST} characters")
        values = {"hash": self._hasher.hash(_bytes(text)), "set_at": datetime.now(UTC)}
        with self._engine.begin() as connection:
            # Two first passwords at once: the second INSERT fails whole, and the first stays.
            if connection.execute(_of(username).values(values)).rowcount == 0:
                connection.execute(insert(passwords).values(username=username, **values))

    def verify(self, username: str | None, text: str) -> bool:
        """Whether `text` is her password; the same work for nobody, for somebody without one and for a wrong one."""
        kept = self._hash(username or "")
        against = kept or _nobodys(self._hasher)
        try:
            same = self._hasher.verify(against, _bytes(text[:MOST]))
        except (VerificationError, InvalidHashError):
            return False
        if not same or kept is None or username is None or len(text) > MOST:
            return False
        if self._hasher.check_needs_rehash(kept):
            with self._engine.begin() as connection:
                fresh = self._hasher.hash(_bytes(text))
                connection.execute(_of(username).where(passwords.c.hash == kept).values(hash=fresh))
        return True

    def _hash(self, username: str) -> str | None:
        with reading(self._engine) as connection:
            return connection.execute(select(passwords.c.hash).where(passwords.c.username == username)).scalar()


def _of(username: str) -> Update:
    return update(passwords).where(passwords.c.username == username)


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    """What an account without a password is compared with."""
    return hasher.hash(b"\0 nobody's password")


def _normal(text: str) -> str:
    """One text for one password, however a keyboard composes its letters (NFC, as in RFC 8265)."""
    return unicodedata.normalize("NFC", text)


def _bytes(text: str) -> bytes:
    # Half a character (a lone surrogate) is nobody's password, and no reason to stop.
    return _normal(text).encode("utf-8", "surrogatepass")


def _reduced(text: str) -> str:
    """Letters and digits only, lower case, without what people append: Ana.Cruz_2026! is anacruz."""
    plain = "".join(letter for letter in text.casefold() if letter.isalnum())
    return plain.rstrip("0123456789") or plain


def _names(person: Person) -> frozenset[str]:
    given, family = person.given_name, person.family_name
    names = (person.username, person.email, person.email.split("@")[0], given, family, given + family, family + given)
    return frozenset(_reduced(_normal(name)) for name in names) - {""}
