"""What a learner's page says while she may hand in again, while the model is waited for, and of earlier gradings."""

import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from labkit.courses import Course, Lab
from labkit.pages.site import Site

HOME = "/services/labkit/"
LAB = f"{HOME}labs/testing/clip"


@pytest.fixture
def site(site: Site, tmp_path: Path) -> Site:
    lab = Lab("testing", "clip", "Clip a reward", tmp_path, attempts=2)
    return replace(site, courses=[Course("testing", "Testing", tmp_path, (lab,))])


def report(points: float = 1.37) -> dict[str, object]:
    failing = {"reason": "SECRET", "passed": False, "hint": "SECRET", "advice": "look at the middle"}
    hidden = {"name": "part", "points": points, "max": 3.0, "hidden": True, "pending": False, "checks": [failing]}
    seen = {**hidden, "name": "seen", "points": 0.5, "max": 1.0, "hidden": False, "checks": []}
    return {"score": 0.5 + points, "max": 4.0, "items": [seen, hidden], "fault": None, "notes": ["SECRET"]}


def hand_in(site: Site, content: bytes = b"1", who: str = "ana") -> str:
    return site.store.receive(who, "testing", "clip", {"clip.ipynb": content}, [])[0].id


async def read(client: httpx.AsyncClient, path: str, who: str, status: int = 200) -> str:
    client.cookies.set("who", who)
    answer = await client.get(path)
    assert answer.status_code == status
    return answer.text


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


@pytest.mark.parametrize("path", [HOME, LAB, f"{LAB}/result"])
async def test_no_page_of_hers_gives_a_hidden_check_away_while_an_attempt_is_left(
    client: httpx.AsyncClient, site: Site, path: str
):
    first = hand_in(site)
    site.scores.record(first, report(0.61), 10)
    site.scores.record(first, report(), 10, why="regrade")
    page = await read(client, path, "ana")
    # Neither a reason nor any number the hidden points could be worked out from.
    assert not re.search(r"SECRET|1\.37|1\.87|0\.61|1\.11", page)
    assert "least 0.5 of 14" in text_of(page)


async def test_words_hints_and_what_is_left_are_on_her_page_and_all_of_it_after_the_last(
    client: httpx.AsyncClient, site: Site
):
    site.scores.record(hand_in(site), report(), 10)
    page = text_of(await read(client, LAB, "ana"))
    assert "some of it does not hold yet" in page
    assert "look at the middle" in page
    assert "You have 1 attempt left." in page
    site.scores.record(hand_in(site, b"2"), report(), 10)
    page = text_of(await read(client, LAB, "ana"))
    assert "used all your attempts" in page
    assert "SECRET" in page
    assert "1.87 / 14" in page


async def test_an_instructor_sees_all_of_a_learners_result_with_its_history_and_nobody_else_does(
    client: httpx.AsyncClient, site: Site
):
    submission = hand_in(site)
    site.scores.record(submission, report(1.0), 10)
    assert "Earlier gradings" not in await read(client, f"{LAB}/learners/ana", "maria")
    site.scores.record(submission, report(2.0), 10, why="regrade")
    page = text_of(await read(client, f"{LAB}/learners/ana", "maria"))
    assert "SECRET" in page
    assert re.search(r"2\.5 / 4 1\.5 Graded again", page)
    assert f"{LAB}/learners/ana" in await read(client, HOME, "maria")
    for who, whose in (("ana", "ana"), ("ben", "ana"), ("jose", "ana"), ("maria", "new"), ("maria", "nobody")):
        await read(client, f"{LAB}/learners/{whose}", who, 404)


async def test_a_learner_finds_her_history_folded(client: httpx.AsyncClient, site: Site):
    submission = hand_in(site)
    for why in ("submitted", "button"):
        site.scores.record(submission, report(), 10, why=why)
    page = await read(client, LAB, "ana")
    assert "<details>" in page
    assert "Graded from formgrader" in page


async def test_checks_that_wait_for_the_model_are_named_with_how_long_it_may_take(
    client: httpx.AsyncClient, site: Site
):
    site.scores.record(hand_in(site, who="ben"), report(), 10, seconds=90)
    for who in ("maria", "ana"):
        waiting = {**report(), "items": [{**report()["items"][1], "pending": True, "checks": [], "points": 0}]}
        one = hand_in(site, b"w", who)
        assert site.scores.record_first(one, waiting, 10, release="", holder="")
    page = await read(client, LAB, "ana")
    assert "about 3 minutes" in page
    assert "waits for the model" in page
    assert 'hx-trigger="every 5s"' in page
    assert "Model checks are being run" in await read(client, HOME, "ana")
    assert site.scores.history("ana", "testing", "clip") == ()


async def test_a_score_in_filipino_has_its_words_too(client: httpx.AsyncClient, site: Site):
    site.scores.record(hand_in(site, who="ben"), report(), 10)
    page = text_of(await read(client, LAB, "ben"))
    assert "may hindi pa natutupad" in page
    assert "May natitira kang 1 pagkakataon." in page
