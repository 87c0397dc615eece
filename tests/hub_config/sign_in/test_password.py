"""Signing in with a password, against a real hub: who may, who may not, and what a guesser learns."""

from __future__ import annotations

import asyncio
import re

import pytest

from labkit.programme.attempts import ACCOUNT, ADDRESS

PASSWORD = "pitong gatang ng bigas"
PREFIX = "/services/labkit/"


@pytest.mark.parametrize("account", ["ana", "ANA", " ana ", "ana@example.org", "Ana@Example.ORG"])
async def test_a_username_or_an_email_and_the_password_sign_in(hub, sign_in, account: str):
    hub.give_password("ana")
    async with hub.browser() as browser:
        answer = await sign_in(browser, account)
        assert (answer.status_code, answer.headers["location"]) == (302, PREFIX)
        home = await browser.get(PREFIX, follow_redirects=True)
        assert "Hello, Ana" in home.text


WRONG = {
    "a wrong password": ("ana", "pitong gatang ng palay"),
    "nobody of that name": ("nobody", PASSWORD),
    "an address nobody has": ("nobody@example.org", PASSWORD),
    "somebody without a password": ("carla", PASSWORD),
    "an empty password": ("ana", ""),
    "a password cut short": ("ana", PASSWORD[:-1]),
    "one that is too long": ("ana", PASSWORD + "x" * 500),
    "a name that is a database's word": ("' OR 1=1 --", PASSWORD),
    "a name with a null": ("ana\0", "wrong" * 3),
    "everybody": ("%", PASSWORD),
    "a long name": ("a" * 5000, PASSWORD),
}


@pytest.mark.parametrize("case", WRONG)
async def test_every_failure_is_answered_alike(hub, sign_in, case: str):
    hub.give_password("ana")
    account, password = WRONG[case]
    async with hub.browser() as browser:
        answer = await sign_in(browser, account, password)
        assert answer.status_code == 403
        assert said(answer.text) == "This name and this password do not belong together. Check both and try again."
        assert "jupyterhub-hub-login" not in browser.cookies
        assert (await browser.get(PREFIX)).status_code == 303


async def test_pages_of_failures_differ_in_nothing_but_the_name_that_was_typed(hub, sign_in):
    hub.give_password("ana")
    pages = []
    for account in ("ana", "carla", "nobody"):
        async with hub.browser() as browser:
            text = (await sign_in(browser, account, "wrong" * 3)).text
            pages.append(re.sub(r'name="_xsrf" value="[^"]+"', "", text).replace(f'value="{account}"', ""))
    assert pages[0] == pages[1] == pages[2]


@pytest.mark.parametrize("account", ["ana", "nobody", "carla"])
async def test_guesses_at_an_account_are_bounded_whether_it_exists_or_not(hub, sign_in, account: str):
    hub.give_password("ana")
    async with hub.browser() as browser:
        answers = [await sign_in(browser, account, f"guess number {n}") for n in range(ACCOUNT.tries + 1)]
        assert [answer.status_code for answer in answers] == [403] * ACCOUNT.tries + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert "Wait 2 min" in said(answers[-1].text)
        # The right password makes no difference now, so guessing on tells nothing.
        assert (await sign_in(browser, account)).status_code == 429


async def test_guesses_sent_at_once_do_not_get_past_the_bound(hub, sign_in):
    hub.give_password("ana")
    async with hub.browser() as browser:
        page = await browser.get("/hub/login")
        token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
        forms = [{"username": "ana", "password": f"guess {n} of many", "_xsrf": token} for n in range(40)]
        answers = await asyncio.gather(*(browser.post("/hub/login", data=form) for form in forms))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [403] * ACCOUNT.tries + [429] * (40 - ACCOUNT.tries)


async def test_whoever_is_locked_out_gets_in_by_a_link(hub, sign_in):
    hub.give_password("ana")
    async with hub.browser() as browser:
        for n in range(ACCOUNT.tries + 1):
            await sign_in(browser, "ana", f"guess number {n}")
        link = hub.link("ana")
        token = re.search(r'name="_xsrf" value="([^"]+)"', (await browser.get(link)).text)[1]
        assert (await browser.post(link, data={"_xsrf": token})).status_code == 302
        assert "Hello, Ana" in (await browser.get(PREFIX, follow_redirects=True)).text


async def test_success_gives_an_account_all_its_tries_back(hub, sign_in):
    hub.give_password("ana")
    async with hub.browser() as browser:
        for _ in range(2):
            for n in range(ACCOUNT.tries - 1):
                await sign_in(browser, "ana", f"guess number {n}")
            async with hub.browser() as hers:
                assert (await sign_in(hers, "ana")).status_code == 302


async def test_an_address_that_guesses_at_many_accounts_is_bounded(hub):
    from labkit.programme.attempts import Attempts

    attempts = Attempts(hub.engine)
    for _ in range(ADDRESS.tries):
        attempts.count((ADDRESS, "198.51.100.9"))
    hub.give_password("ana")
    async with hub.browser("198.51.100.9") as browser, hub.browser("198.51.100.10") as another:
        for client, status in ((browser, 429), (another, 302)):
            page = await client.get("/hub/login")
            token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
            form = {"username": "ana", "password": PASSWORD, "_xsrf": token}
            assert (await client.post("/hub/login", data=form)).status_code == status


@pytest.mark.parametrize("claim", ["X-Real-Ip", "X-Forwarded-For", "Forwarded", "X-Client-Ip"])
async def test_claiming_another_address_changes_nothing(hub, sign_in, claim: str):
    from labkit.programme.attempts import Attempts

    attempts = Attempts(hub.engine)
    for _ in range(ADDRESS.tries):
        attempts.count((ADDRESS, "198.51.100.9"))
    # The proxy appends whom it heard from to what the client claims.
    forwarded = "192.0.2.1, 198.51.100.9" if claim == "X-Forwarded-For" else "198.51.100.9"
    more = {} if claim == "X-Forwarded-For" else {claim: "192.0.2.1"}
    async with hub.browser(forwarded, **more) as browser:
        assert (await sign_in(browser, "carla", "whatever it is")).status_code == 429


class TestOtherWaysIn:
    """Every way into the hub that takes a name and a password, or makes a credential."""

    @pytest.mark.parametrize("body", [{"username": "ana", "password": PASSWORD}, {"username": "ana"}])
    async def test_the_hubs_api_takes_no_password(self, hub, body: dict[str, str]):
        hub.give_password("ana")
        async with hub.browser() as browser:
            answer = await browser.post("/hub/api/users/ana/tokens", json={"auth": body})
            assert answer.status_code == 403
            assert "token" not in answer.json()

    async def test_a_link_is_not_redeemed_through_the_password_form(self, hub, sign_in):
        link = hub.link("ana")
        async with hub.browser() as browser:
            answer = await sign_in(browser, "ana", "x", token=link.rpartition("/")[2])
            assert answer.status_code == 403
            assert (await browser.get(link)).status_code == 200

    async def test_nobody_makes_an_api_token_that_outlives_her_sessions(self, hub, sign_in):
        hub.give_password("ana")
        async with hub.browser() as browser:
            await sign_in(browser, "ana")
            headers = {"X-Xsrftoken": browser.cookies.get("_xsrf", path="/hub/"), "Sec-Fetch-Mode": "cors"}
            answer = await browser.post("/hub/api/users/ana/tokens", json={}, headers=headers)
            assert answer.status_code == 403

    async def test_the_form_of_another_site_signs_nobody_in(self, hub):
        hub.give_password("ana")
        async with hub.browser(**{"Sec-Fetch-Site": "cross-site"}) as browser:
            form = {"username": "ana", "password": PASSWORD, "_xsrf": "made up"}
            answer = await browser.post("/hub/login", data=form)
            assert answer.status_code == 403
            assert "jupyterhub-hub-login" not in browser.cookies
            assert said(answer.text) == "This page was open for too long. Try again."

    @pytest.mark.parametrize(
        "next",
        ["https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "javascript:alert(1)"],
    )
    async def test_signing_in_leads_to_nobody_elses_page(self, hub, sign_in, next: str):
        hub.give_password("ana")
        async with hub.browser() as browser:
            answer = await sign_in(browser, "ana", next=next)
            where = answer.headers["location"]
            assert "evil" not in where or where.startswith("/%5Cevil")
            assert "javascript" not in where


def said(page: str) -> str:
    found = re.search(r'role="alert">(.*?)</p>', page, re.S)
    assert found, page
    return found[1].strip()
