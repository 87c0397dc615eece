"""Sessions end: hers, everywhere, and nobody ends another's. Against a real hub and the pages beside it."""

from __future__ import annotations

import re

import httpx
import pytest

PREFIX = "/services/labkit/"
PASSWORD = "pitong gatang ng bigas"
NEW = "walong lilok sa kawayan"


def token_of(page: str) -> str:
    return re.search(r'name="_xsrf" value="([^"]+)"', page)[1]


async def signed_in(hub, sign_in, account: str = "ana", **headers: str) -> httpx.AsyncClient:
    browser = hub.browser(**headers)
    await sign_in(browser, account)
    home = await browser.get(PREFIX, follow_redirects=True)
    assert home.status_code == 200
    return browser


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    """In the pages, and in the hub from which every other session comes."""
    pages = await browser.get(PREFIX)
    hub = await browser.get("/hub/login")
    assert (pages.status_code == 200) == (hub.status_code == 302)
    return pages.status_code == 200


async def test_a_new_password_ends_every_other_session_and_keeps_this_one(hub, sign_in):
    hub.give_password("ana")
    here, there = await signed_in(hub, sign_in), await signed_in(hub, sign_in)
    form = {"current": PASSWORD, "new": NEW, "again": NEW}
    answer = await here.post(f"{PREFIX}password", data=form, follow_redirects=True)
    assert answer.status_code == 200
    assert str(answer.url).endswith("/services/labkit/account")
    assert await is_signed_in(here)
    assert not await is_signed_in(there)
    assert (await sign_in(hub.browser(), "ana", PASSWORD)).status_code == 403
    assert (await sign_in(hub.browser(), "ana", NEW)).status_code == 302


async def test_the_first_password_after_a_link_needs_no_other_and_signs_nobody_out(hub, sign_in):
    async with hub.browser() as browser:
        link = hub.link("carla")
        await browser.post(link, data={"_xsrf": token_of((await browser.get(link)).text)}, follow_redirects=True)
        answer = await browser.post(f"{PREFIX}password", data={"new": NEW, "again": NEW}, follow_redirects=True)
        assert "Your account" in answer.text
    assert (await sign_in(hub.browser(), "carla", NEW)).status_code == 302


async def test_ending_all_sessions_ends_this_one_too(hub, sign_in):
    hub.give_password("ana")
    here, there = await signed_in(hub, sign_in), await signed_in(hub, sign_in)
    answer = await here.post(f"{PREFIX}sessions/end", follow_redirects=True)
    assert "/hub/login" in str(answer.url)
    for browser in (here, there):
        assert not await is_signed_in(browser)


async def test_an_instructor_ends_the_sessions_of_her_learner(hub, sign_in):
    hub.give_password("ana")
    hub.give_password("maria")
    hers, instructor = await signed_in(hub, sign_in), await signed_in(hub, sign_in, "maria")
    answer = await instructor.post(f"{PREFIX}people/ana/end", follow_redirects=True)
    assert "All sessions of Ana Cruz are ended." in answer.text
    assert not await is_signed_in(hers)
    assert await is_signed_in(instructor)


async def test_a_token_of_a_session_is_worth_nothing_once_it_has_ended(hub, sign_in):
    from itsdangerous import URLSafeTimedSerializer

    hub.give_password("ana")
    browser = await signed_in(hub, sign_in)
    cookie = browser.cookies.get("labkit-session")
    token = URLSafeTimedSerializer("secret of the pages", salt="pages").loads(cookie)["token"]
    headers = {"Authorization": f"token {token}"}
    assert (await hub.browser().get("/hub/api/user", headers=headers)).status_code == 200
    await browser.post(f"{PREFIX}sessions/end")
    assert (await hub.browser().get("/hub/api/user", headers=headers)).status_code == 403


class TestWhoMayEndSessions:
    URL = "/hub/api/labkit/sessions/ana/end"

    async def test_the_pages_may(self, hub):
        answer = await hub.browser().post(self.URL, headers={"Authorization": f"token {hub.token}"})
        assert answer.status_code == 200

    async def test_another_service_may_not(self, hub):
        answer = await hub.browser().post(self.URL, headers={"Authorization": f"token {hub.other_token}"})
        assert answer.status_code == 403

    @pytest.mark.parametrize("who", ["ana", "maria", "jose"])
    async def test_no_person_may_by_herself(self, hub, sign_in, who: str):
        hub.give_password(who)
        browser = await signed_in(hub, sign_in, who)
        headers = {"X-Xsrftoken": browser.cookies.get("_xsrf", path="/hub/"), "Sec-Fetch-Mode": "cors"}
        answer = await browser.post(self.URL, json={"browser": "x"}, headers=headers)
        assert answer.status_code == 403
        assert "ticket" not in answer.text

    async def test_a_stranger_may_not(self, hub):
        assert (await hub.browser().post(self.URL)).status_code == 403


class TestTickets:
    """The way back in for the browser that ended all sessions."""

    async def ticket(self, hub, browser: str = "one browser") -> str:
        headers = {"Authorization": f"token {hub.token}"}
        url = "/hub/api/labkit/sessions/ana/end"
        return (await hub.browser().post(url, headers=headers, json={"browser": browser})).json()["ticket"]

    async def redeem(self, hub, ticket: str, browser: str = "one browser", **headers: str) -> bool:
        async with hub.browser(**headers) as client:
            client.cookies.set("jupyterhub-session-id", browser, domain="localhost.local")
            await client.get(
                "/hub/labkit/resume", params={"ticket": ticket}, headers={"Cookie": f"jupyterhub-session-id={browser}"}
            )
            return "jupyterhub-hub-login" in client.cookies

    async def test_a_ticket_is_good_once(self, hub, sign_in):
        hub.give_password("ana")
        await signed_in(hub, sign_in)
        ticket = await self.ticket(hub)
        assert await self.redeem(hub, ticket)
        assert not await self.redeem(hub, ticket)

    async def test_a_ticket_is_good_in_its_own_browser_alone(self, hub):
        assert not await self.redeem(hub, await self.ticket(hub), "another browser")
        assert not await self.redeem(hub, await self.ticket(hub), "")

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    async def test_a_ticket_in_a_link_from_elsewhere_signs_nobody_in(self, hub, site: str):
        assert not await self.redeem(hub, await self.ticket(hub), **{"Sec-Fetch-Site": site})

    @pytest.mark.parametrize("ticket", ["", "x" * 43, "ana"])
    async def test_a_guessed_ticket_is_nobodys(self, hub, ticket: str):
        assert not await self.redeem(hub, ticket)

    def test_a_ticket_gets_old(self, monkeypatch: pytest.MonkeyPatch):
        from hub_config.sign_in import sessions

        tickets = sessions.Tickets()
        name = tickets.issue("ana", "browser")
        now = sessions.time.monotonic()
        monkeypatch.setattr(sessions.time, "monotonic", lambda: now + 61)
        assert tickets.redeem(name, "browser") is None


class TestSignOut:
    async def test_the_pages_button_signs_out_here_and_in_the_hub(self, hub, sign_in):
        hub.give_password("ana")
        here, there = await signed_in(hub, sign_in), await signed_in(hub, sign_in)
        answer = await here.post(f"{PREFIX}sign-out", follow_redirects=True)
        assert "You are signed out." in answer.text
        assert not await is_signed_in(here)
        assert await is_signed_in(there)

    @pytest.mark.parametrize("path", ["/hub/logout", f"{PREFIX}sign-out"])
    async def test_a_link_or_an_image_signs_nobody_out(self, hub, sign_in, path: str):
        hub.give_password("ana")
        browser = await signed_in(hub, sign_in)
        await browser.get(path)
        assert await is_signed_in(browser)

    @pytest.mark.parametrize("path", ["/hub/logout", f"{PREFIX}sign-out"])
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "same-site", "Origin": "http://ben.localhost"},
        ],
        ids=["another site", "a host beside ours"],
    )
    async def test_a_form_elsewhere_signs_nobody_out(self, hub, sign_in, path: str, headers: dict[str, str]):
        hub.give_password("ana")
        browser = await signed_in(hub, sign_in)
        assert (await browser.post(path, headers=headers)).status_code == 403
        assert await is_signed_in(browser)

    async def test_the_hubs_own_page_signs_out(self, hub, sign_in):
        hub.give_password("ana")
        browser = await signed_in(hub, sign_in)
        token = token_of((await browser.get("/hub/logout")).text)
        await browser.post("/hub/logout", data={"_xsrf": token}, headers={"Sec-Fetch-Site": "none"})
        assert not await is_signed_in(browser)


class TestTheRunningServer:
    def test_its_token_stays_and_every_other_goes(self, tmp_path):
        """A notebook at work goes on; sessions, codes and tokens made by hand end."""
        from jupyterhub import orm

        from hub_config.sign_in.sessions import end_all

        db = orm.new_session_factory(f"sqlite:///{tmp_path / 'hub.sqlite'}")()
        user = orm.User(name="ana")
        db.add(user)
        for client in ("jupyterhub", "service-labkit", "jupyterhub-user-ana"):
            db.add(orm.OAuthClient(identifier=client, description=client))
        db.commit()
        server = user.new_api_token(note="Server at /user/ana/")
        others = [user.new_api_token(note=note) for note in ("OAuth", "Requested via api", "")]
        lab = {"client_id": "jupyterhub-user-ana", "description": "Server at /user/ana/"}
        others.append(user.new_api_token(oauth_client=None, client_id=lab["client_id"], note=lab["description"]))
        db.add(orm.OAuthCode(client_id="service-labkit", code="c", user_id=user.id, redirect_uri="/"))
        db.commit()
        before = user.cookie_id
        end_all(db, user)
        assert user.cookie_id != before
        assert orm.APIToken.find(db, server) is not None
        assert not any(orm.APIToken.find(db, token) for token in others)
        assert db.query(orm.OAuthCode).count() == 0
        db.close()
