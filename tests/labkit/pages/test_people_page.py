"""The People page: a lost link is replaced in two clicks, by whoever may, and it is seen."""

from __future__ import annotations

import re
import time

import httpx
import pytest

from labkit.pages.site import Site
from labkit.programme import links
from labkit.programme.people import Membership, Person, provision

HOME = "/services/labkit/"
# Each with whom she may act for, of everybody in the roster.
REACH = {
    "maria": {"ana", "ben"},
    "jose": {"ana", "ben", "maria", "new"},
    "luz": {"ana", "ben", "maria", "new"},
    "ana": set(),
    "new": set(),
}
EVERYBODY = ("ana", "ben", "maria", "jose", "luz", "new", "nobody", "..", "%2e%2e", "a%00")


def link_in(page: str) -> str:
    return re.search(r"http://test/hub/link/([\w-]{43})", page)[1]


async def test_a_new_link_takes_two_clicks_and_is_shown_once(client: httpx.AsyncClient, site: Site):
    client.cookies.set("who", "maria")
    old = links.issue(site.engine, "ana")
    home = (await client.get(HOME)).text
    assert f'href="{HOME}people"' in home
    people = (await client.get(f"{HOME}people")).text
    assert f'action="{HOME}people/ana/link"' in people
    answer = await client.post(f"{HOME}people/ana/link")
    assert answer.headers["cache-control"] == "no-store"
    assert "works once, until" in answer.text
    token = link_in(answer.text)
    assert token not in (await client.get(f"{HOME}people")).text
    assert links.redeem(site.engine, old) is None
    assert links.redeem(site.engine, token) == "ana"
    assert links.history(site.engine, "ana")[0].issued_by == "maria"


@pytest.mark.parametrize("who", REACH)
@pytest.mark.parametrize("action", ["link", "end"])
async def test_nobody_acts_for_whom_she_may_not(client: httpx.AsyncClient, site: Site, who: str, action: str):
    client.cookies.set("who", who)
    done = set()
    for name in EVERYBODY:
        answer = await client.post(f"{HOME}people/{name}/{action}")
        if answer.status_code in (200, 303):
            done.add(name)
        else:
            assert answer.status_code in (404, 405)
    assert done == REACH[who]
    if action == "end":
        assert set(site.sign_in.ended) == REACH[who]


@pytest.mark.parametrize("who", ["ana", "new"])
async def test_learners_have_no_people_page(client: httpx.AsyncClient, who: str):
    client.cookies.set("who", who)
    assert (await client.get(f"{HOME}people")).status_code == 404
    assert f"{HOME}people" not in (await client.get(HOME)).text


async def test_opening_the_address_of_an_action_does_nothing(client: httpx.AsyncClient, site: Site):
    client.cookies.set("who", "jose")
    for action in ("link", "end"):
        assert (await client.get(f"{HOME}people/ana/{action}")).status_code == 405
    assert links.history(site.engine, "ana") == ()
    assert site.sign_in.ended == []


async def test_ended_sessions_are_refused_at_once(client: httpx.AsyncClient, site: Site):
    client.cookies.set("who", "maria")
    answer = await client.post(f"{HOME}people/ana/end", follow_redirects=True)
    assert "All sessions of Ana Cruz are ended." in answer.text
    client.cookies.set("who", "ana")
    client.cookies.set("began", str(time.time() - 5))
    assert (await client.get(HOME)).status_code == 303


async def test_the_page_says_nothing_of_people_out_of_reach(client: httpx.AsyncClient):
    client.cookies.set("who", "maria")
    for query in ("", "?q=new", "?q=jose", "?ended=jose", "?ended=new&q=%25"):
        page = (await client.get(f"{HOME}people{query}")).text
        assert not [name for name in ("Comer", "Santos", "Garcia") if name in page]


async def test_a_thousand_people_are_a_small_page(client: httpx.AsyncClient, site: Site):
    crowd = [Person(f"learner{n:04}", f"learner{n:04}@example.org", f"Given{n}", f"Family{n}") for n in range(1000)]
    provision(site.engine, crowd, [Membership(one.username, "first", "testing", "learner") for one in crowd])
    client.cookies.set("who", "jose")
    for address in (f"{HOME}people", f"{HOME}people?page=20", HOME, f"{HOME}cohorts/first?page=3"):
        page = (await client.get(address)).text
        total = len(page.encode())
        for path in set(re.findall(r'(?:src|href)="(/services/labkit/static/[^"]+)"', page)):
            total += len((await client.get(path)).content)
        assert total < 200_000, address
    found = (await client.get(f"{HOME}people", params={"q": "Given777"})).text
    assert "learner0777" in found
    assert "learner0778" not in found


@pytest.mark.parametrize("page", ["0", "-1", "99999", "x", "1e9", "²", "9" * 5000])
async def test_a_wild_page_number_is_a_page(client: httpx.AsyncClient, page: str):
    client.cookies.set("who", "jose")
    for address in (f"{HOME}people", f"{HOME}cohorts/first"):
        assert (await client.get(address, params={"page": page})).status_code == 200


class TestTheOfficersOtherPages:
    async def test_the_status_page_says_which_part_does_not_work(self, client: httpx.AsyncClient):
        client.cookies.set("who", "jose")
        page = (await client.get(f"{HOME}status")).text
        assert "1 part does not work." in page
        assert "no answer for 20 s" in page

    @pytest.mark.parametrize("who", ["ana", "maria", "new"])
    @pytest.mark.parametrize("path", ["status", "cohorts/first/people.csv", "figures.csv", "roster"])
    async def test_nobody_else_has_them(self, client: httpx.AsyncClient, who: str, path: str):
        client.cookies.set("who", who)
        assert (await client.get(f"{HOME}{path}")).status_code == 404

    async def test_a_cohort_nobody_is_in_is_not_there(self, client: httpx.AsyncClient):
        client.cookies.set("who", "jose")
        assert (await client.get(f"{HOME}cohorts/none")).status_code == 404
