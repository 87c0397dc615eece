"""One-time links against a real hub."""

from __future__ import annotations

import asyncio
import re

import pytest

from labkit.programme.attempts import LINK, Attempts

PREFIX = "/services/labkit/"


def token_of(page: str) -> str:
    return re.search(r'name="_xsrf" value="([^"]+)"', page)[1]


async def redeem(browser, link: str):
    return await browser.post(link, data={"_xsrf": token_of((await browser.get(link)).text)})


async def test_a_link_signs_in_once_and_offers_to_set_a_password(hub):
    link = hub.link("ana")
    async with hub.browser() as browser, hub.browser() as another:
        answer = await redeem(browser, link)
        assert (answer.status_code, answer.headers["location"]) == (302, f"{PREFIX}password")
        offer = await browser.get(f"{PREFIX}password", follow_redirects=True)
        assert "Choose a password" in offer.text
        assert "Not now" in offer.text
        assert (await another.get(link)).status_code == 410


async def test_whoever_has_a_password_is_not_asked_for_another(hub):
    hub.give_password("ana")
    async with hub.browser() as browser:
        assert (await redeem(browser, hub.link("ana"))).headers["location"] == PREFIX


async def test_of_many_who_press_at_once_one_gets_in(hub):
    link = hub.link("ana")
    browsers = [hub.browser() for _ in range(6)]
    tokens = [token_of((await browser.get(link)).text) for browser in browsers]
    presses = (browser.post(link, data={"_xsrf": token}) for browser, token in zip(browsers, tokens, strict=True))
    assert sorted(answer.status_code for answer in await asyncio.gather(*presses)) == [302] + [410] * 5


async def test_the_page_is_in_the_language_of_the_person_and_of_the_browser_otherwise(hub):
    async with hub.browser(**{"Accept-Language": "fil-PH"}) as browser:
        assert "Hello, Ana" in (await browser.get(hub.link("ana"))).text
        assert "Kumusta, Ben" in (await browser.get(hub.link("ben"))).text
        gone = await browser.get("/hub/link/nothing")
        assert gone.status_code == 410
        assert "Hindi na gumagana" in gone.text


async def test_opening_links_that_do_not_work_is_bounded_for_an_address(hub):
    attempts = Attempts(hub.engine)
    for _ in range(LINK.tries):
        attempts.count((LINK, "203.0.113.7"))
    link = hub.link("ana")
    async with hub.browser() as browser, hub.browser("203.0.113.8") as another:
        refused = await browser.get(link)
        assert refused.status_code == 429
        assert "Hello" not in refused.text
        assert (await another.get(link)).status_code == 200


async def test_links_that_work_are_not_counted(hub):
    link = hub.link("ana")
    async with hub.browser() as browser:
        answers = [(await browser.get(link)).status_code for _ in range(LINK.tries + 5)]
    assert set(answers) == {200}


@pytest.mark.parametrize(
    "path", ["/hub/link/nothing", "/hub/login", "/hub/logout", "/hub/nothing/here", "/hub/error/503"]
)
async def test_pages_of_the_hub_tell_no_other_site_and_are_kept_nowhere(hub, path: str):
    async with hub.browser() as browser:
        answer = await browser.get(path)
    assert "<h1>" in answer.text
    headers = answer.headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == f"'self' http://*.localhost:{hub.port}"


@pytest.mark.parametrize("path", ["/hub/home", "/hub/token", "/hub/admin", "/hub/accept-share?code=x"])
async def test_jupyterhubs_own_pages_lead_to_ours(hub, path: str):
    async with hub.browser() as browser:
        await redeem(browser, hub.link("ana"))
        answer = await browser.get(path)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(PREFIX)


async def test_the_hubs_pages_ask_no_other_host_and_run_no_inline_script(hub):
    async with hub.browser() as browser:
        for path in ("/hub/login", "/hub/link/nothing", "/hub/nothing", "/hub/logout", hub.link("ana")):
            page = (await browser.get(path)).text
            assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page), path
            assert not re.findall(r"<script(?![^>]*src=)|\son\w+=|style=", page), path
            for file in re.findall(r'(?:src|href)="(/hub/labkit/[^"]+)"', page):
                assert (await browser.get(file)).status_code == 200


async def test_a_name_is_text_and_never_markup(hub):
    from sqlalchemy import update

    from labkit.database.tables import people

    with hub.engine.begin() as connection:
        connection.execute(update(people).where(people.c.username == "carla").values(family_name="<img src=x>"))
    async with hub.browser() as browser:
        assert "<img src=x>" not in (await browser.get(hub.link("carla"))).text


@pytest.mark.parametrize("path", ["/hub/nothing", "/hub/error/503", "/hub/error/403", "/hub/error/429"])
async def test_an_error_is_said_in_both_languages_to_a_stranger_and_in_hers_to_a_person(hub, path: str):
    async with hub.browser() as browser:
        page = (await browser.get(path)).text
        assert '<span lang="fil">Pumunta sa iyong mga lab</span>' in page
        assert "Go to your labs" in page
        await redeem(browser, hub.link("ben"))
        answer = await browser.get(path)
        assert '<html lang="fil">' in answer.text
        assert "Go to your labs" not in answer.text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_of_another_host_uses_no_link_up_even_with_a_token(hub, site: str):
    link = hub.link("ana")
    async with hub.browser() as browser:
        token = token_of((await browser.get(link)).text)
        answer = await browser.post(link, data={"_xsrf": token}, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
        assert (await browser.get(link)).status_code == 200
