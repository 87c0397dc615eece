"""What an instructor reads of her course's versions, in both languages; what she releases is one that holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import labkit.pages
from labkit.courses import load_course
from labkit.courses.new import new_lab
from labkit.pages.app import Pages
from labkit.workshop import Workshop
from tests.labkit.pages.conftest import HOME, ORIGIN

PAGE = f"{HOME}courses/testing/versions"
FOUND = {
    "ok": False,
    "error": "",
    "findings": ["testing/clip/lab.py:3: <b>a heading</b> of level 4 after one of 1. Use ##."],
    "previews": [
        {"lab": "clip", "language": "en", "stops": {"cell": "demo_1", "line": 14, "error": "NotImplementedError"}},
        {"lab": "clip", "language": "fil", "stops": None},
    ],
    "labs": [
        {
            **{"lab": "clip", "title": "Clip a reward", "same": False},
            "bounds": [
                {"name": "reference", "score": 80.0, "max": 80.0, "limit": ">=95%", "ok": True, "why": ""},
                {
                    "name": "starter",
                    "score": 40.5,
                    "max": 80.0,
                    "limit": "<=5%",
                    "ok": False,
                    "why": "a gives 40.5 of 80",
                },
            ],
        }
    ],
}


@pytest.fixture
def workshop(site, tmp_path) -> Workshop:
    new_lab(tmp_path / "courses", "testing", "clip", "Clip a reward")
    made = Workshop(site.engine, tmp_path / "workshop")
    first = made.follow(load_course(tmp_path / "courses", "testing"))
    made.receive("maria", "testing", first.commit, {**made.files(first), "README.md": b"Ours."})
    return made


@pytest.fixture
async def client(site, workshop):
    application = Pages(replace(site, workshop=workshop)).application()
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url=ORIGIN, headers=headers, cookies={"who": "maria"}
    ) as client:
        yield client


async def test_the_home_page_leads_an_instructor_there_and_the_page_into_her_own_server(client):
    assert f'href="{PAGE}"' in (await client.get(HOME)).text
    page = (await client.get(PAGE)).text
    assert 'href="http://maria.test/user/maria/labkit/send/testing"' in page
    assert "Waits to be checked" in page
    assert 'hx-trigger="every 2s"' in page
    assert "Release version 2" not in page
    # Learners have what the operator has, until something is released.
    assert page.index("Version 2") < page.index("Version 1") < page.index("Learners have this")


async def test_findings_bounds_and_previews_are_told_as_text(client, workshop):
    workshop.checked(workshop.take(), "refused", FOUND)
    for path in (PAGE, f"{PAGE}/progress"):
        page = (await client.get(path)).text
        assert "Cannot be released yet" in page
        assert "&lt;b&gt;a heading&lt;/b&gt;" in page
        assert "stops at demo_1, line 14" in page
        assert "40.5 / 80" in page
        assert "a gives 40.5 of 80" in page
        assert "every 2s" not in page
    refused = await client.post(f"{PAGE}/2/release")
    assert refused.status_code == 409
    assert "Nothing was released" in refused.text


async def test_what_holds_is_released_by_name_and_shown_to_whom_it_belongs(client, workshop):
    workshop.checked(workshop.take(), "holds", {**FOUND, "findings": [], "labs": []})
    assert "Release version 2 to learners" in (await client.get(PAGE)).text
    answer = await client.post(f"{PAGE}/2/release")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#version-2")
    asked = workshop.take_release()
    assert (asked.number, asked.released_by) == (2, "maria")
    assert "Being released" in (await client.get(PAGE)).text
    workshop.mark_released(asked)
    page = (await client.get(PAGE)).text
    assert "Released by Maria Reyes" in page
    assert "Release version 1 to learners" in page


async def test_a_release_that_could_not_be_made_says_why(client, workshop):
    workshop.checked(workshop.take(), "holds", {})
    workshop.ask_release("testing", 2, "maria")
    workshop.release_failed(workshop.take_release(), "A test was added <after> learners handed in.")
    page = (await client.get(PAGE)).text
    assert "It was not released:" in page
    assert "&lt;after&gt;" in page
    assert "Release version 2" in page


async def test_a_preview_is_a_page_of_no_origin_and_no_path_leads_out_of_it(client, workshop):
    version = workshop.take()
    workshop.checked(version, "holds", {**FOUND, "findings": []})
    workshop.previews(version).mkdir(parents=True)
    (workshop.previews(version) / "clip.en.html").write_text("<p>as she sees it")
    answer = await client.get(f"{PAGE}/2/previews/clip/en")
    assert "as she sees it" in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script" not in answer.headers["content-security-policy"]
    for wrong in ("clip/fil", "clip/de", "other/en", "..%2F..%2Fx/en", "../../x/en"):
        assert (await client.get(f"{PAGE}/2/previews/{wrong}")).status_code == 404
    for number in ("1", "9", "x", "-1", "²", "9" * 40):
        assert (await client.get(f"{PAGE}/{number}/previews/clip/en")).status_code == 404


async def test_it_speaks_filipino(client, workshop):
    await client.post(f"{HOME}language", data={"language": "fil", "back": HOME})
    page = (await client.get(PAGE)).text
    assert "Isulat ang mga lab" in page
    assert "Naghihintay na masuri" in page


async def test_without_a_workshop_there_is_no_such_page(client, site):
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Pages(site).application()), base_url=ORIGIN, cookies={"who": "maria"}
    ) as without:
        assert (await without.get(PAGE)).status_code == 404
        assert "Write the labs" not in (await without.get(HOME)).text


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_at_360_pixels(site, workshop, tmp_path, browser, scheme):
    from axe_playwright_python.sync_playwright import Axe
    from starlette.testclient import TestClient

    workshop.checked(workshop.take(), "refused", FOUND)
    application = Pages(replace(site, workshop=workshop)).application()
    client = TestClient(application, base_url=ORIGIN, cookies={"who": "maria"})
    static = (Path(labkit.pages.__file__).parent / "static").as_uri()
    (tmp_path / "page.html").write_text(client.get(PAGE).text.replace(f"{HOME}static", static))
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()
