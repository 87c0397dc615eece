"""No form but our own, posted from our own origin, changes anything."""

from __future__ import annotations

import httpx
import pytest
from starlette.routing import Mount, Route

from labkit.pages.app import Pages
from labkit.pages.site import Site
from labkit.programme import links
from labkit.programme.people import person

HOME = "/services/labkit/"
FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "a learner's host": {"Sec-Fetch-Site": "same-site", "Origin": "http://ana.test"},
    "one that claims our origin": {"Sec-Fetch-Site": "cross-site", "Origin": "http://test"},
    "an old browser elsewhere": {"Origin": "https://evil.example"},
    "an old browser on a learner's host": {"Origin": "http://ana.test"},
    "a name that begins like ours": {"Origin": "http://test.evil.example"},
    "another scheme": {"Origin": "https://test"},
    "a sandboxed frame": {"Origin": "null"},
    "no word of where": {},
    "an empty word": {"Sec-Fetch-Site": "", "Origin": "http://test"},
}
OURS = {
    "a page of ours": {"Sec-Fetch-Site": "same-origin"},
    "the person herself": {"Sec-Fetch-Site": "none"},
    "an old browser on our page": {"Origin": "http://test"},
}


def posts(site: Site) -> list[str]:
    """Every address of the pages that takes a POST; a route added later is tried too."""
    mount = Pages(site).application().routes[0]
    assert isinstance(mount, Mount)
    routes = [route for route in mount.routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    return [HOME.rstrip("/") + route.path.replace("{username}", "ana") for route in routes]


def bare(site: Site) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Pages(site).application())
    return httpx.AsyncClient(transport=transport, base_url="http://test", cookies={"who": "jose"})


async def test_there_are_forms_to_try(site: Site):
    assert {f"{HOME}{name}" for name in ("language", "password", "sessions/end", "sign-out", "people/ana/link")} < set(
        posts(site)
    )


@pytest.mark.parametrize("case", FOREIGN)
async def test_a_form_from_elsewhere_changes_nothing(site: Site, case: str):
    async with bare(site) as client:
        form = {"language": "fil", "new": "walong lilok sa kawayan", "again": "walong lilok sa kawayan"}
        for path in posts(site):
            answer = await client.post(path, data=form, headers=FOREIGN[case])
            assert answer.status_code == 403, path
            assert "set-cookie" not in answer.headers
    assert person(site.engine, "jose").language == "en"
    assert links.history(site.engine, "ana") == ()
    assert site.sign_in.ended == []


@pytest.mark.parametrize("case", OURS)
async def test_our_own_form_does(site: Site, case: str):
    async with bare(site) as client:
        answer = await client.post(f"{HOME}language", data={"language": "fil"}, headers=OURS[case])
    assert answer.status_code == 303
    assert person(site.engine, "jose").language == "fil"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_other_methods_from_elsewhere_are_refused_too(site: Site, method: str):
    async with bare(site) as client:
        answer = await client.request(method, HOME, headers=FOREIGN["another site"])
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_form_too_large_or_without_its_length_is_refused(site: Site):
    async def endless():
        yield b"language=fil"

    async with bare(site) as client:
        ours = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        large = await client.post(f"{HOME}language", content=b"language=" + b"x" * 70_000, headers=ours)
        unsaid = await client.post(f"{HOME}language", content=endless(), headers=ours)
    assert (large.status_code, unsaid.status_code) == (413, 413)


@pytest.mark.parametrize("who", ["ana", "maria", "jose"])
async def test_pages_tell_browsers_to_run_nothing_else_and_show_them_nowhere_else(site: Site, who: str):
    async with bare(site) as client:
        client.cookies.set("who", who)
        for path in ("", "account", "password", "people", "status", "nothing"):
            headers = (await client.get(f"{HOME}{path}")).headers
            policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
            assert policy["default-src"] == "'none'"
            assert policy["frame-ancestors"] == "'none'"
            assert policy["base-uri"] == "'none'"
            assert policy["form-action"] == policy["script-src"] == policy["style-src"] == "'self'"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"


async def test_no_page_has_script_or_style_of_its_own(site: Site):
    import re

    async with bare(site) as client:
        for who in ("ana", "ben", "maria", "jose"):
            client.cookies.set("who", who)
            for path in ("", "account", "password", "people", "status", "labs/testing/clip", "labs/testing/clip/open"):
                page = (await client.get(f"{HOME}{path}")).text
                assert not re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page), (who, path)
