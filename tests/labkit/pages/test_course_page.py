"""A course's page: what one reads before starting, how far a learner is, and what a cohort can do."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from labkit.courses import load_course
from labkit.pages.site import Site

HOME = "/services/labkit/"
COURSE = f"{HOME}courses/testing"
FRAMEWORKS = (
    '[[frameworks]]\nkey = "f"\ntitle = "A framework"\npublisher = "P"\ndate = "2024"\nurl = "https://example.org/f"\n'
    'competencies = {one = "Asking with care"}\n'
)
TOML = """\
title = "Testing"
description = "About <asking>."
descriptions = {fil = "Tungkol sa pagtatanong."}
prerequisite = "No coding."
licence = "CC-BY-4.0"
[[outcomes]]
id = "ask"
text = "Ask well"
texts = {fil = "Magtanong nang mabuti"}
frameworks = ["f/one"]
[[outcomes]]
id = "judge"
text = "Judge answers"
[[labs]]
id = "clip"
title = "Clip a reward"
summary = "Cut what is too much."
minutes = 45
attempts = 2
allowance = {tokens = 12000, per = "total"}
[[labs]]
id = "more"
title = "More"
after = ["clip"]
ai_policy = "closed"
due = 2027-01-31T23:59:00+08:00
"""
LAB = """\
# %% test="seen" points=20 outcome="ask"
assert abs(-1) == 1
# %% test="unseen" points=60 hidden outcome="judge"
assert abs(-2) == 2
# %% [markdown] answer="why" points=21 outcome="judge"
# Why?
"""


@pytest.fixture
def site(site: Site, tmp_path: Path) -> Site:
    folder = tmp_path / "courses"
    for lab in ("clip", "more"):
        (folder / "testing" / lab).mkdir(parents=True)
        (folder / "testing" / lab / "lab.py").write_text(LAB)
    (folder / "testing" / "course.toml").write_text(TOML)
    (folder / "frameworks.toml").write_text(FRAMEWORKS)
    return replace(site, courses=[load_course(folder, "testing")])


async def read(client: httpx.AsyncClient, who: str, path: str = COURSE) -> str:
    client.cookies.set("who", who)
    answer = await client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def hand_in(site: Site, who: str, content: bytes = b"1", lab: str = "clip", points: float = 24.5) -> None:
    failing = {"reason": "r", "passed": False, "hint": "", "advice": ""}
    seen = {"name": "seen", "points": 15.0, "max": 20.0, "hidden": False, "pending": False, "checks": []}
    unseen = {**seen, "name": "unseen", "points": points, "max": 60.0, "hidden": True, "checks": [failing]}
    made = {"score": 15.0 + points, "max": 80.0, "items": [seen, unseen], "fault": None, "notes": []}
    submission = site.store.receive(who, "testing", lab, {f"{lab}.ipynb": content}, [])[0].id
    site.scores.record(submission, {**made, "manual": [{"name": "why", "max": 21}]}, 21)


async def test_before_she_starts_she_reads_what_it_is_for_what_is_in_it_and_how_it_is_graded(client, site: Site):
    page = await read(client, "ana")
    text = text_of(page)
    assert "About &lt;asking&gt;." in page and "Before you start: No coding." in text
    assert "Ask well Asking with care" in text
    assert re.search(r'<a href="https://example.org/f"[^>]*>A framework</a>. P, 2024', page)
    assert "Cut what is too much. About 45 minutes." in text
    assert re.search(r"After: Clip a reward\. *Due 31 Jan 2027", text)
    assert "Clip a reward 20 60 21 2 12,000 tokens in all" in text
    assert "More 20 60 21 as many as you like no model in this lab" in text
    assert "smollm2-135m-instruct" in text and "Languages English Licence of the texts CC-BY-4.0" in text
    assert "Nothing of yours is graded yet." in text


async def test_it_is_in_her_language_where_the_author_wrote_it(client, site: Site):
    text = text_of(await read(client, "ben"))
    assert "Tungkol sa pagtatanong." in text and "Magtanong nang mabuti" in text and "Judge answers" in text
    assert "Mga 45 minuto." in text


@pytest.mark.parametrize(("who", "links"), [("ana", True), ("maria", True), ("jose", False)])
async def test_whoever_only_looks_finds_no_link_to_a_lab_that_is_not_hers(client, site: Site, who: str, links: bool):
    page = await read(client, who)
    assert (f'href="{HOME}labs/testing/clip"' in page) is links
    assert "How far you are" not in page or who == "ana"


async def test_home_and_lab_lead_to_the_course(client, site: Site):
    for who, path in (("ana", HOME), ("ana", f"{HOME}labs/testing/clip"), ("maria", HOME)):
        assert f'<a href="{COURSE}">Testing</a>' in await read(client, who, path)


async def test_while_an_attempt_is_left_her_points_by_outcome_tell_nothing_of_hidden_checks(client, site: Site):
    hand_in(site, "ana")
    page = await read(client, "ana")
    text = text_of(page)
    assert "Ask well 75 % 15 of 20 points so far" in text
    assert "Judge answers 0 % At least 0 of 60 points so far" in text
    assert not re.search(r"24\.5|39\.5", page)


async def test_after_her_last_attempt_she_sees_them_all_with_what_a_person_gave(client, site: Site):
    hand_in(site, "ana")
    hand_in(site, "ana", b"2")
    assert "24.5 of 60 points so far" in text_of(await read(client, "ana"))
    site.scores.set_manual("ana", "testing", "clip", 10.5)
    assert "Judge answers 43 % 35 of 81 points so far" in text_of(await read(client, "ana"))


@pytest.mark.parametrize("who", ["maria", "jose"])
async def test_a_cohorts_page_tells_what_all_of_them_can_do(client, site: Site, who: str):
    path = f"{HOME}cohorts/first"
    assert text_of(await read(client, who, path)).count("Nothing of it is graded yet.") == 2
    hand_in(site, "ana", points=60.0)
    hand_in(site, "ben", points=0.0)
    text = text_of(await read(client, who, path))
    assert "Ask well 75 % 75 % of the points" in text and "Judge answers 50 % 50 % of the points" in text
