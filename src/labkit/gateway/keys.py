"""A learner's gateway key: short-lived, for one person in one lab, good for nothing but the gateway.

It is a signed token (HS256), so no table holds keys. What this does not cover: a key cannot be taken back before it
expires; enrolment is asked at every call, so removing a person works at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt

from labkit.errors import KeyRefused

LIFETIME = timedelta(hours=1)
_AUDIENCE = "labkit-gateway"
_MOST_KNOWN = 5_000


@dataclass(frozen=True)
class Caller:
    """Whom a key names, and the lab it is for."""

    username: str
    course: str
    lab: str


@dataclass(frozen=True)
class Key:
    key: str
    expires_at: datetime


class Keys:
    def __init__(self, secret: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        if len(secret) < 32:
            raise ValueError("the key secret must be at least 32 characters long")
        self._secret, self._now = secret, now
        # Keys whose signature was found right, with when they end: a key is used for an hour, and checking takes longer
        # than everything else that is asked of one.
        self._known: dict[str, tuple[Caller, float]] = {}

    def issue(self, caller: Caller) -> Key:
        expires_at = self._now() + LIFETIME
        claims = {"aud": _AUDIENCE, "sub": caller.username, "course": caller.course, "lab": caller.lab}
        return Key(jwt.encode({**claims, "exp": expires_at}, self._secret, algorithm="HS256"), expires_at)

    def read(self, key: str) -> Caller:
        """Whom this key names; KeyRefused for a forged, changed, expired or other key."""
        known = self._known.get(key)
        if known is None:
            known = self._checked(key)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = known
        caller, expires = known
        if expires <= self._now().timestamp():
            raise KeyRefused("This key has expired.", instead="Call labkit.credentials() for a new one.")
        return caller

    def _checked(self, key: str) -> tuple[Caller, float]:
        options = {"require": ["aud", "sub", "exp"], "verify_exp": False}
        try:
            claims = jwt.decode(key, self._secret, algorithms=["HS256"], audience=_AUDIENCE, options=options)  # type: ignore[arg-type]
            caller = Caller(claims["sub"], claims["course"], claims["lab"])
        except (jwt.InvalidTokenError, KeyError) as error:
            raise KeyRefused("This key is not one of ours.", instead="Call labkit.credentials() for one.") from error
        return caller, float(claims["exp"])
