import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from labkit.errors import KeyRefused
from labkit.gateway.keys import Caller, Keys

ANA = Caller("ana", "prompting", "triage")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRET = "a secret of more than thirty-two characters"


def keys(at: datetime = NOW, secret: str = SECRET) -> Keys:
    return Keys(secret, now=lambda: at)


def test_a_key_names_its_person_and_lab() -> None:
    assert keys().read(keys().issue(ANA).key) == ANA


@pytest.mark.parametrize(("after", "good"), [(timedelta(minutes=59), True), (timedelta(hours=1), False)])
def test_a_key_is_good_for_an_hour(after: timedelta, good: bool) -> None:
    key = keys().issue(ANA).key
    if good:
        assert keys(NOW + after).read(key) == ANA
    else:
        with pytest.raises(KeyRefused, match="expired"):
            keys(NOW + after).read(key)


def forged(**changes: object) -> str:
    claims = {"aud": "labkit-gateway", "sub": "ana", "course": "prompting", "lab": "triage", "exp": 4e9} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, SECRET, algorithm="HS256")


def unsigned() -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    claims = {"aud": "labkit-gateway", "sub": "ana", "course": "prompting", "lab": "triage", "exp": 4_000_000_000}
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x.y.z",
        unsigned(),
        forged(aud="labkit-submissions"),
        forged(aud=None),
        forged(exp=None),
        forged(sub=None),
        forged(course=None),
        forged(sub=["ana"]),
        keys(secret="another secret of more than thirty-two").issue(ANA).key,
        keys().issue(ANA).key[:-3] + "abc",
    ],
)
def test_a_key_that_is_not_exactly_ours_is_refused(key: str) -> None:
    with pytest.raises(KeyRefused, match="not one of ours"):
        keys().read(key)


def test_a_weak_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Keys("short")
