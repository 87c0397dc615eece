"""What the provider answers when it is asked again, and what becomes of her sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from sqlalchemy import Engine
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

from hub_config.sign_in.oidc import OidcAuthenticator, Vouched, _newest
from hub_config.sign_in.provider import Gone
from labkit.database import connect, migrate
from labkit.errors import PlatformFault
from labkit.programme import groups
from labkit.programme.groups import Identity, Refusal
from labkit.programme.people import Membership, Person, memberships, provision

ISSUER = "https://id.example.org"
ANA = Identity(ISSUER, "1", "ana@example.org", True)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    provision(engine, [Person("ana", "ana@example.org", "Ana", "Cruz")], [Membership("ana", "r", "testing", "learner")])
    provision(engine, [Person("ben", "b@x.org", "B", "R")], [Membership("ben", "g", "testing", "learner")])
    groups.map_group(engine, "group", "g")
    groups.apply(engine, ANA, ["group"])
    yield engine
    engine.dispose()


class User:
    """As much of the hub's as is asked for."""

    def __init__(self, db: Any, kept: dict[str, str] | None) -> None:
        self.name, self.db, self.kept, self.asked = "ana", db, kept, 0
        self.orm_user = orm.User(name="ana")
        db.add(self.orm_user)
        db.commit()

    async def get_auth_state(self) -> dict[str, str] | None:
        return self.kept

    async def save_auth_state(self, kept: dict[str, str] | None) -> None:
        self.kept = kept


@pytest.fixture
def hers(tmp_path: Path) -> Iterator[User]:
    db = orm.new_session_factory(f"sqlite:///{tmp_path / 'hub.sqlite'}")()
    yield User(db, {"subject": "1", "refresh_token": "first"})
    db.close()


@pytest.fixture
def authenticator(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> OidcAuthenticator:
    found = OidcAuthenticator(issuer=ISSUER)
    found.__dict__["engine"] = engine
    return found


def answering(monkeypatch: pytest.MonkeyPatch, authenticator: OidcAuthenticator, answer: Any) -> list[str]:
    """Instead of the provider; gives the tokens it was asked with."""
    asked: list[str] = []

    async def again(_self: Any, kept: dict[str, str]) -> Any:
        asked.append(kept["refresh_token"])
        await asyncio.sleep(0.01)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(OidcAuthenticator, "_again", again)
    return asked


def vouched(username: str = "ana") -> Vouched:
    proof = Vouched(username=username)
    proof.kept = {"subject": "1", "refresh_token": "second"}
    return proof


async def test_a_silent_provider_changes_nothing(authenticator, hers, monkeypatch):
    answering(monkeypatch, authenticator, PlatformFault("silent"))

    assert await authenticator.refresh_user(hers) is True
    assert hers.kept == {"subject": "1", "refresh_token": "first"}


@pytest.mark.parametrize(
    "answer", [Gone("gone"), Refusal.NOTHING_LEFT, vouched("ben")], ids=["gone", "left", "another"]
)
async def test_whom_it_does_not_answer_for_is_out(authenticator, hers, monkeypatch, answer):
    answering(monkeypatch, authenticator, answer)
    before = hers.orm_user.cookie_id

    assert await authenticator.refresh_user(hers) is False
    assert hers.kept is None and hers.orm_user.cookie_id != before


async def test_who_has_another_way_in_leaves_her_groups_cohorts_behind(authenticator, hers, monkeypatch, engine):
    answering(monkeypatch, authenticator, Gone("gone"))
    assert {one.cohort for one in memberships(engine, "ana")} == {"r", "g"}
    await authenticator.refresh_user(hers)

    assert {one.cohort for one in memberships(engine, "ana")} == {"r"}


async def test_requests_at_once_ask_once(authenticator, hers, monkeypatch):
    """A refresh token used twice is taken for a stolen one."""
    asked = answering(monkeypatch, authenticator, vouched())

    assert await asyncio.gather(*(authenticator.refresh_user(hers) for _ in range(5))) == [True] * 5
    assert asked == ["first"]
    assert await authenticator.refresh_user(hers) is True
    assert asked == ["first", "second"]


async def test_who_is_here_by_groups_alone_is_out_when_what_was_kept_is_lost(authenticator, hers, engine):
    hers.kept = None
    assert await authenticator.refresh_user(hers) is True, "she is in the roster too"
    groups.apply(engine, Identity(ISSUER, "2", "dina@example.org", True), ["group"])
    hers.name = "dina"

    assert await authenticator.refresh_user(hers) is False


async def test_userinfo_of_somebody_else_is_not_believed(authenticator, monkeypatch):
    from hub_config.sign_in import oidc

    async def endpoints() -> Any:
        return SimpleNamespace(userinfo="https://id.example.org/me", keys=None)

    async def another(_tokens: Any) -> dict[str, str]:
        return {"sub": "2", "email": "jose@example.org"}

    monkeypatch.setattr(authenticator, "endpoints", endpoints, raising=False)
    monkeypatch.setattr(authenticator, "_userinfo", another, raising=False)
    monkeypatch.setattr(oidc.provider, "read_token", lambda *_: {"sub": "1"})
    with pytest.raises(oidc.NotVouched, match="somebody else"):
        await authenticator._claims({"id_token": "x", "access_token": "y"}, "nonce")
    with pytest.raises(oidc.NotVouched, match="no ID token"):
        await authenticator._claims({"access_token": "y"}, "nonce")


OLD, NEW = ({"subject": "1", "refresh_token": token} for token in ("old", "new"))
SHORT = {"subject": "1", "access_token": "short"}


@pytest.mark.parametrize(
    ("found", "before", "kept"),
    [
        (NEW, OLD, NEW),
        (None, OLD, OLD),  # by a password
        (NEW, None, NEW),
        (SHORT, OLD, OLD),  # Google gives a refresh token once
        ({**SHORT, "subject": "2"}, OLD, {**SHORT, "subject": "2"}),
        (None, None, None),
    ],
)
def test_the_token_that_is_best_to_ask_with_is_kept(found, before, kept):
    assert _newest(found, before) == kept


@pytest.mark.parametrize(
    ("code", "body", "raised"),
    [
        (400, b'{"error": "invalid_grant"}', Gone),
        (401, b'{"error": "invalid_client"}', PlatformFault),  # our own secret is wrong: nobody's account is gone
        (400, b'{"error": "invalid_request"}', PlatformFault),
        (403, b"a proxy's page", PlatformFault),
        (500, b"", PlatformFault),
        (599, None, PlatformFault),  # no answer at all
    ],
)
async def test_only_the_providers_word_about_her_ends_sessions(authenticator, code: int, body: bytes | None, raised):
    async def question() -> Any:
        raise HTTPClientError(code, response=SimpleNamespace(body=body) if body is not None else None)

    with pytest.raises(raised):
        await authenticator._ask(question)


@pytest.mark.parametrize("code", [401, 403])
async def test_userinfo_that_refuses_her_token_is_such_a_word(authenticator, code: int):
    async def question() -> Any:
        raise HTTPClientError(code)

    with pytest.raises(Gone):
        await authenticator._ask(question, gone=(401, 403))


@pytest.mark.parametrize("broken", [OSError("no route"), ValueError("no JSON"), TypeError("null"), HTTPError(500)])
async def test_an_answer_that_is_none_is_the_providers_fault(authenticator, broken: Exception):
    async def question() -> Any:
        raise broken

    with pytest.raises(PlatformFault):
        await authenticator._ask(question)


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        ({"refresh_token": "r", "access_token": "a", "id_token": "i"}, {"subject": "1", "refresh_token": "r"}),
        ({"access_token": "a", "id_token": "i"}, {"subject": "1", "access_token": "a"}),
        ({"id_token": "i"}, {"subject": "1"}),
    ],
)
async def test_no_more_is_kept_than_asking_again_takes(authenticator, tokens: dict[str, str], kept: dict[str, str]):
    claims = {"sub": "1", "groups": ["group"], "email": "ana@example.org", "email_verified": True}
    _, proof = await authenticator._apply(tokens, claims)

    assert isinstance(proof, Vouched)
    assert proof.kept == kept


async def test_with_nothing_to_ask_again_with_she_signs_in_again(authenticator, monkeypatch):
    async def endpoints() -> Any:
        return SimpleNamespace(userinfo="", keys=None)

    monkeypatch.setattr(authenticator, "endpoints", endpoints, raising=False)
    with pytest.raises(Gone):
        await authenticator._again({"subject": "1"})
