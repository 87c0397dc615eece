"""The account page: password, links made for her, and the end of all her sessions."""

from __future__ import annotations

import time

import httpx
import pytest

from labkit.pages.site import Site
from labkit.programme import links
from labkit.programme.attempts import ACCOUNT
from labkit.programme.password import Passwords

HOME = "/services/labkit/"
OLD, NEW = "pitong gatang ng bigas", "walong lilok sa kawayan"


async def post(client: httpx.AsyncClient, who: str, status: int, **form: str) -> str:
    client.cookies.set("who", who)
    answer = await client.post(f"{HOME}password", data=form)
    assert answer.status_code == status, answer.text
    return answer.text


@pytest.fixture
def passwords(site: Site) -> Passwords:
    passwords = Passwords(site.engine)
    passwords.set("ana", OLD)
    return passwords


async def test_the_first_password_needs_no_other(client: httpx.AsyncClient, site: Site):
    await post(client, "new", 303, new=NEW, again=NEW)
    assert Passwords(site.engine).verify("new", NEW)


async def test_a_change_needs_the_current_one(client: httpx.AsyncClient, passwords: Passwords):
    assert "The current password is not right." in await post(client, "ana", 422, new=NEW, again=NEW)
    assert "not right" in await post(client, "ana", 422, current="a guess that is wrong", new=NEW, again=NEW)
    assert passwords.verify("ana", OLD)
    await post(client, "ana", 303, current=OLD, new=NEW, again=NEW)
    assert passwords.verify("ana", NEW)


async def test_whoever_has_just_opened_her_link_need_not_know_it(
    client: httpx.AsyncClient, site: Site, passwords: Passwords
):
    links.redeem(site.engine, links.issue(site.engine, "ana"))
    await post(client, "ana", 303, new=NEW, again=NEW)
    assert passwords.verify("ana", NEW)


@pytest.mark.parametrize(
    ("began", "why"), [(-60, "a session from before the link: perhaps a thief's"), (16 * 60, "long after the link")]
)
async def test_a_link_speaks_for_the_session_it_began_and_no_other(
    client: httpx.AsyncClient, site: Site, passwords: Passwords, began: int, why: str
):
    links.redeem(site.engine, links.issue(site.engine, "ana"))
    client.cookies.set("began", str(time.time() + began))
    await post(client, "ana", 422, new=NEW, again=NEW)
    assert passwords.verify("ana", OLD), why


async def test_guessing_the_current_one_is_bounded(client: httpx.AsyncClient, passwords: Passwords):
    for n in range(ACCOUNT.tries):
        await post(client, "ana", 422, current=f"guess number {n}", new=NEW, again=NEW)
    assert "too many tries" in await post(client, "ana", 429, current=OLD, new=NEW, again=NEW)
    assert passwords.verify("ana", OLD)


@pytest.mark.parametrize(
    ("new", "again", "said"),
    [
        (NEW, NEW + "x", "not the same"),
        ("short", "short", "at least 10"),
        ("x" * 201, "x" * 201, "at most 200"),
        ("anacruz2026", "anacruz2026", "Your own name"),
        ("password123", "password123", "one of the first"),
    ],
)
async def test_a_password_is_refused_with_the_reason(
    client: httpx.AsyncClient, passwords: Passwords, new: str, again: str, said: str
):
    assert said in await post(client, "ana", 422, current=OLD, new=new, again=again)
    assert passwords.verify("ana", OLD)


async def test_a_refused_page_does_not_repeat_a_password(client: httpx.AsyncClient, passwords: Passwords):
    page = await post(client, "ana", 422, current="my other secret word", new=NEW, again="different from it")
    assert not [word for word in ("my other secret word", NEW, "different from it") if word in page]


async def test_a_new_password_ends_every_session(client: httpx.AsyncClient, site: Site, passwords: Passwords):
    client.cookies.set("began", str(time.time() - 5))
    await post(client, "ana", 303, current=OLD, new=NEW, again=NEW)
    assert site.sign_in.ended == ["ana"]
    assert (await client.get(HOME)).headers["location"] == "/hub/sign-in"


async def test_where_the_hub_does_not_answer_she_is_told_what_is_left_to_do(
    client: httpx.AsyncClient, site: Site, passwords: Passwords
):
    site.sign_in.fails = True
    page = await post(client, "ana", 503, current=OLD, new=NEW, again=NEW)
    assert "could not end your other sessions" in page
    assert passwords.verify("ana", NEW)


async def test_ending_all_sessions_is_refused_at_once_even_while_the_hub_is_silent(
    client: httpx.AsyncClient, site: Site
):
    client.cookies.set("who", "ana")
    client.cookies.set("began", str(time.time() - 5))
    site.sign_in.fails = True
    assert (await client.post(f"{HOME}sessions/end")).status_code == 503
    assert (await client.get(HOME)).status_code == 303


async def test_she_sees_who_made_links_for_her_and_whether_they_were_used(client: httpx.AsyncClient, site: Site):
    links.issue(site.engine, "ana")
    links.redeem(site.engine, links.issue(site.engine, "ana", issued_by="maria"))
    client.cookies.set("who", "ana")
    page = (await client.get(f"{HOME}account")).text
    assert "made by Maria Reyes" in page
    assert "made by whoever runs the platform" in page
    assert "used " in page


async def test_the_offer_is_made_to_those_without_a_password_alone(client: httpx.AsyncClient, passwords: Passwords):
    client.cookies.set("who", "new")
    offer = await client.get(f"{HOME}password")
    assert "Not now" in offer.text
    client.cookies.set("who", "ana")
    assert (await client.get(f"{HOME}password")).headers["location"] == f"{HOME}account"


@pytest.mark.parametrize(
    ("form", "then"), [({}, f"{HOME}account"), ({"then": "home"}, HOME), ({"then": "//evil"}, f"{HOME}account")]
)
async def test_from_the_offer_she_goes_on_to_her_labs_and_nowhere_else(client: httpx.AsyncClient, form, then: str):
    client.cookies.set("who", "new")
    answer = await client.post(f"{HOME}password", data={"new": NEW, "again": NEW, **form})
    assert answer.headers["location"] == f"/hub/resume?next={then}"
