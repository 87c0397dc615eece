"""From our page to a real provider and back: who comes in, as whom, and for how long."""

from __future__ import annotations

import sqlite3
from typing import Any

import httpx
import pytest
from jupyterhub import orm

from labkit.programme.people import memberships, person
from labkit.programme.privacy import consent
from labkit.programme.suspension import is_suspended

PREFIX = "/services/labkit/"
DINA = {"email": "dina@example.org", "email_verified": True, "given_name": "Dina", "family_name": "Lim"}
ANA = {"email": "Ana@Example.org", "email_verified": True, "given_name": "Ana", "family_name": "Cruz"}


def places(hub, username: str) -> set[str]:
    return {one.cohort for one in memberships(hub.engine, username)}


async def home(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get(PREFIX, follow_redirects=True)


async def is_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/hub/login")).status_code == 302


async def test_the_page_offers_the_provider_beside_the_password_form(hub):
    page = (await hub.browser().get("/hub/login", params={"next": PREFIX})).text

    assert "Sign in with Example ID" in page and 'name="password"' in page
    assert "/hub/oauth_login?next=/services/labkit/" in page
    assert "Mag-sign in gamit ang Example ID" in (await hub.browser().get("/hub/login?lang=fil")).text


async def test_somebody_new_in_a_group_comes_in_into_its_cohort(hub, provider, sign_in_there):
    provider.knows(d1={**DINA, "groups": ["group-a"], "locale": "fil-PH"})
    browser = hub.browser()
    answer = await sign_in_there(browser, "d1", f"{PREFIX}account")

    assert (answer.status_code, answer.headers["location"]) == (302, f"{PREFIX}account")
    assert "Dina" in (await home(browser)).text
    assert places(hub, "dina") == {"a"}
    assert person(hub.engine, "dina").language == "fil"


async def test_somebody_new_without_a_group_is_told_whom_to_ask_and_not_added(hub, provider, sign_in_there):
    provider.knows(d1={**DINA, "groups": ["another"]})
    browser = hub.browser()
    answer = await sign_in_there(browser, "d1")

    assert answer.status_code == 403
    assert "dina@example.org" in answer.text and "Ask your instructor" in answer.text
    assert person(hub.engine, "dina") is None
    assert not await is_in(browser)


async def test_another_group_moves_her_at_the_next_sign_in(hub, provider, sign_in_there):
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    await sign_in_there(hub.browser(), "d1")
    provider.knows(d1={**DINA, "groups": ["group-b"]})
    await sign_in_there(hub.browser(), "d1")

    assert places(hub, "dina") == {"b"}


@pytest.mark.parametrize(
    "after", [{"d1": {**DINA, "groups": []}}, {}], ids=["the group is gone", "the account is gone"]
)
async def test_what_is_gone_there_ends_her_sessions_here(hub, provider, sign_in_there, eventually, after: Any):
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    browser = hub.browser()
    await sign_in_there(browser, "d1")
    assert PREFIX in str((await home(browser)).url)
    provider.knows(**after)

    async def is_out() -> bool:
        return not await is_in(browser)

    await eventually(is_out)
    page = await home(browser)
    # Suspended, she is told so while the pages still know who she was.
    assert "/hub/login" in str(page.url) or "You take part in no course now" in page.text
    if after:
        assert is_suspended(hub.engine, "dina")
        again = await sign_in_there(hub.browser(), "d1")
        assert again.status_code == 403 and "You take part in no course now" in again.text
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    assert (await sign_in_there(browser, "d1")).status_code == 302
    assert "Dina" in (await home(browser)).text
    assert places(hub, "dina") == {"a"} and not is_suspended(hub.engine, "dina")


async def test_the_pages_alone_notice_it_too(hub, provider, sign_in_there, eventually):
    """Their calls to the hub carry a token of hers and no cookie."""
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    browser = hub.browser()
    await sign_in_there(browser, "d1")
    consent.give(hub.engine, "dina", "en")
    assert (await browser.get(PREFIX, follow_redirects=True)).status_code == 200
    provider.knows(d1=DINA)

    async def is_out() -> bool:
        hub.start_pages()  # whose short memory of tokens is not what is tried here
        fresh = hub.browser()
        fresh.cookies = browser.cookies
        return (await fresh.get(PREFIX)).status_code != 200

    await eventually(is_out)
    assert is_suspended(hub.engine, "dina")


@pytest.mark.parametrize(
    "after", [{"d1": {**DINA, "groups": []}}, {}], ids=["the group is gone", "the account is gone"]
)
async def test_her_running_server_gets_no_more_answers(hub, provider, sign_in_there, eventually, after: Any):
    """Its token outlives her sessions, so that a notebook at work goes on; the hub does not answer it."""
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    browser = hub.browser()
    await sign_in_there(browser, "d1")
    headers = {"Authorization": f"token {server_token(hub, 'dina')}"}

    async def status() -> int:
        return (await hub.browser().get("/hub/api/user", headers=headers)).status_code

    assert await status() == 200
    provider.knows(**after)

    async def is_refused() -> bool:
        return await status() == 403

    await eventually(is_refused)
    assert [await status() for _ in range(3)] == [403, 403, 403]


def server_token(hub, username: str) -> str:
    """A token as the hub gives it to a server it starts."""
    db = orm.new_session_factory(f"sqlite:///{hub.home / 'hub.sqlite'}")()
    try:
        return orm.User.find(db, username).new_api_token(note=f"Server at /user/{username}/")
    finally:
        db.close()
        db.get_bind().dispose()


async def test_who_stays_in_her_group_stays_signed_in(hub, provider, sign_in_there, eventually):
    """Refresh tokens are used once here: each time the hub must have kept the newest."""
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    browser = hub.browser()
    await sign_in_there(browser, "d1")
    for group, cohort in (("group-b", "b"), ("group-a", "a"), ("group-b", "b")):
        provider.knows(d1={**DINA, "groups": [group]})

        async def moved(cohort: str = cohort) -> bool:
            assert await is_in(browser)
            return places(hub, "dina") == {cohort}

        await eventually(moved)


async def test_what_is_kept_of_hers_is_encrypted(hub, provider, sign_in_there):
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    await sign_in_there(hub.browser(), "d1")
    with sqlite3.connect(hub.home / "hub.sqlite") as database:
        (kept,) = database.execute("SELECT encrypted_auth_state FROM users WHERE name = 'dina'").fetchone()
    database.close()

    assert kept and not any(word in kept for word in (b"token", b"dina", b"d1", b"subject"))
    assert (hub.home / "secrets" / "auth-state").stat().st_mode & 0o077 == 0


async def test_somebody_of_the_roster_is_herself_and_keeps_her_password(hub, provider, sign_in_there, sign_in):
    provider.knows(a1={**ANA, "groups": []})
    browser = hub.browser()
    await sign_in_there(browser, "a1")
    assert "Ana" in (await home(browser)).text
    hub.give_password("ana")

    assert (await sign_in(hub.browser(), "ana")).status_code == 302
    assert await is_in(browser)


async def test_who_is_here_by_groups_alone_comes_in_through_the_provider_alone(hub, provider, sign_in_there, sign_in):
    provider.knows(d1={**DINA, "groups": ["group-a"]})
    await sign_in_there(hub.browser(), "d1")
    hub.give_password("dina")
    browser = hub.browser()

    assert "Sign in through Example ID" in (await sign_in(browser, "dina")).text
    link = hub.link("dina")
    token = (await browser.get(link)).text.partition('name="_xsrf" value="')[2].partition('"')[0]
    assert "Sign in through Example ID" in (await browser.post(link, data={"_xsrf": token})).text
    assert not await is_in(browser)
