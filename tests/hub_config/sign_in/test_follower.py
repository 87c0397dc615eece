"""What changes in the roster reaches the running hub: groups, and the sessions of whoever was suspended."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hub_config.follower import Follower
from hub_config.pupils import Pupils, file_of, folder_of
from hub_config.pupils import read as read_pupils
from labkit.errors import PlatformFault
from labkit.programme import links
from labkit.programme.roster.apply import apply
from labkit.programme.roster.read import read

HOME = "/services/labkit/"
HEADER = "email,given_name,family_name,role,cohort,course\n"


def roster(hub, *lines: str):
    """Applies a file that names a cohort of this test's own."""
    done = apply(hub.engine, read("r.csv", (HEADER + "\n".join(lines)).encode()), ["testing"], may_empty=True)
    assert not done.mistakes
    return done


@pytest.fixture
async def follower(hub, tmp_path) -> AsyncIterator[Follower]:
    api = f"http://127.0.0.1:{hub.port}/hub/api"
    async with httpx.AsyncClient(base_url=api, headers={"Authorization": f"token {hub.token}"}) as client:
        yield Follower(hub.engine, client, ["testing"], hub.site.sign_in.end_everywhere, tmp_path)


async def group(hub) -> set[str]:
    address = f"http://127.0.0.1:{hub.port}/hub/api/groups/instructors-testing"
    async with httpx.AsyncClient(headers={"Authorization": f"token {hub.token}"}) as client:
        return set((await client.get(address)).raise_for_status().json()["users"])


async def arrive(hub, username: str) -> httpx.AsyncClient:
    """A browser in which she has signed in with a link, and agreed to what there is to agree to."""
    browser = hub.browser()
    page = await browser.get(f"/hub/link/{links.issue(hub.engine, username)}")
    token = page.text.partition('name="_xsrf" value="')[2].partition('"')[0]
    answer = await browser.post(page.url.path, data={"_xsrf": token}, follow_redirects=True)
    assert answer.status_code == 200
    return browser


async def test_who_teaches_is_in_the_hubs_group_from_her_first_sign_in_until_she_teaches_no_more(hub, follower):
    roster(hub, "tia@example.org,Tia,X,instructor,fol-a,testing", "tom@example.org,Tom,X,assistant,fol-a,testing")
    await follower.look()
    assert not {"tia", "tom"} & await group(hub)  # hub users are made at the first sign-in

    for name in ("tia", "tom"):
        await arrive(hub, name)  # which opens her formgrader at once: nobody waits for a look
    assert {"tia", "tom"} <= await group(hub)

    roster(hub, "tia@example.org,Tia,X,learner,fol-a,testing")
    await follower.look()
    assert not {"tia", "tom"} & await group(hub)


async def test_whom_she_teaches_reaches_her_formgrader_also_while_the_hub_does_not_answer(hub, follower, tmp_path):
    folder_of(tmp_path, "testing").mkdir()
    roster(hub, "tea@example.org,Tea,X,instructor,fol-d,testing", "lea@example.org,Lea,X,learner,fol-d,testing")
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9/hub/api") as nobody:
        follower._client = nobody
        with pytest.raises(httpx.HTTPError):
            await follower.look()

    assert read_pupils(file_of(tmp_path, "testing"), "tea") == Pupils(frozenset({"lea"}))


async def test_a_suspended_persons_sessions_end_and_she_cannot_sign_in_until_she_is_back(hub, follower, sign_in):
    lines = ["sol@example.org,Sol,X,learner,fol-b,testing", "ria@example.org,Ria,X,learner,fol-b,testing"]
    roster(hub, *lines)
    browser = await arrive(hub, "sol")
    assert (await browser.get("/hub/api/user")).status_code in (200, 403)
    hub.give_password("sol")

    roster(hub, lines[1])
    await follower.look()

    page = await browser.get(HOME, follow_redirects=True)
    assert page.status_code == 403 and "You take part in no course now" in page.text
    refused = await sign_in(hub.browser(), "sol")
    assert refused.status_code == 403

    roster(hub, *lines)
    assert (await sign_in(hub.browser(), "sol")).status_code == 302


async def test_one_who_cannot_be_ended_keeps_nobody_else_waiting_and_is_tried_again(hub, follower):
    lines = [f"{name}@example.org,{name.title()},X,learner,fol-d,testing" for name in ("pia", "rex")]
    roster(hub, *lines, "keep@example.org,K,X,learner,fol-d,testing")
    for name in ("pia", "rex"):
        await arrive(hub, name)
    roster(hub, "keep@example.org,K,X,learner,fol-d,testing")
    ended: list[str] = []

    async def end(username: str) -> None:
        if username == "pia" and ended.count("pia") == 0:
            ended.append("pia")
            raise PlatformFault("away")
        ended.append(username)

    follower._end_sessions = end
    with pytest.raises(PlatformFault):
        await follower.look()
    assert "rex" in ended
    await follower.look()
    assert ended.count("pia") == 2


async def test_a_hub_that_does_not_answer_is_asked_again(hub, follower):
    roster(hub, "una@example.org,Una,X,instructor,fol-c,testing")
    await arrive(hub, "una")
    right = follower._client
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9/hub/api") as nobody:
        follower._client = nobody
        with pytest.raises(httpx.HTTPError):
            await follower.look()
    follower._client = right
    await follower.look()
    assert "una" in await group(hub)
