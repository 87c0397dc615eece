"""The short test: before anything is handed in, and once every lab is; what was right is told after the second."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from labkit.courses import Course
from labkit.courses.course import Item, ItemText, Quiz
from labkit.pages.site import Site
from labkit.programme import cohorts, learning
from labkit.programme.people import Membership, Person, provision

HOME = "/services/labkit/"
TEST = f"{HOME}courses/testing/test"


def item(pair: str, form: str) -> Item:
    choices = tuple(f"{pair}{form} choice {number}" for number in range(3))
    texts = {
        "en": ItemText(f"What is {pair}{form}?", choices, f"Because of {pair}{form}."),
        "fil": ItemText(f"Ano ang {pair}{form}?", choices, f"Dahil sa {pair}{form}."),
    }
    return Item(pair, form, "clip", 2, texts)


@pytest.fixture
def site(site: Site, tmp_path: Path) -> Site:
    quiz = Quiz(tuple(item(pair, form) for pair in ("p", "q") for form in ("A", "B")))
    return replace(site, courses=[replace(site.courses[0], quiz=quiz)])


def hand_in(site: Site, who: str = "ana") -> None:
    site.store.receive(who, "testing", "clip", {"clip.ipynb": who.encode()}, [])


async def read(client: httpx.AsyncClient, path: str = TEST, who: str = "ana") -> str:
    client.cookies.set("who", who)
    answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


async def post(client: httpx.AsyncClient, status: int = 303, who: str = "ana", **form: str) -> str:
    client.cookies.set("who", who)
    answer = await client.post(TEST, data=form)
    assert answer.status_code == status
    return answer.text


def forms_on(page: str) -> set[str]:
    return set(re.findall(r"What is [pq]([AB])\?", page))


async def test_she_answers_one_form_before_and_the_other_after_and_reads_what_was_right_then(client, site: Site):
    assert TEST in await read(client, f"{HOME}courses/testing")
    page = await read(client)
    [first] = forms_on(page)
    assert page.count('type="radio"') == 8 and "Because of" not in page
    await post(client, phase="before", p="2", q="unknown")
    page = await read(client)
    assert "your answers are kept" in page and "Because of" not in page and "<form method" in page
    assert not forms_on(page)

    hand_in(site)
    page = await read(client)
    [second] = forms_on(page)
    assert {first, second} == {"A", "B"}
    await post(client, phase="after", p="2", q="2")
    page = await read(client)
    assert "Before: 1 of 2 right." in page and "After: 2 of 2 right." in page
    assert page.count("Because of") == 4 and page.count("Not right:") == 1
    kept = learning.answered(site.engine, "ana", "testing")
    assert (kept["before"].chosen, kept["before"].form) == ({"p": 2, "q": None}, first)


@pytest.mark.parametrize("form", [{"p": "2"}, {"p": "2", "q": "3"}, {"p": "2", "q": "-1"}, {"p": "2", "q": "two"}])
async def test_nothing_is_kept_before_every_question_has_an_answer_and_what_she_chose_stays(client, site: Site, form):
    page = await post(client, 422, phase="before", **form)
    assert "Nothing is kept yet" in page
    assert page.count(" checked") == 1
    assert learning.answered(site.engine, "ana", "testing") == {}


async def test_what_is_sent_twice_or_for_a_phase_that_is_not_open_changes_nothing(client, site: Site):
    await post(client, phase="after", p="2", q="2")
    assert learning.answered(site.engine, "ana", "testing") == {}
    await post(client, phase="before", p="0", q="0")
    await post(client, phase="before", p="2", q="2")
    assert learning.answered(site.engine, "ana", "testing")["before"].right == 0


async def test_the_first_part_is_over_once_she_has_handed_something_in(client, site: Site):
    more = replace(site.courses[0].labs[0], id="more")
    course: Course = replace(site.courses[0], labs=(*site.courses[0].labs, more))
    site.courses[0] = course  # type: ignore[index]
    hand_in(site)
    page = await read(client)
    assert "you have handed one in already" in page and not forms_on(page)


async def test_it_is_in_filipino_for_whoever_reads_that(client, site: Site):
    page = await read(client, who="ben")
    assert "Hindi ko alam" in page and re.search(r"Ano ang p[AB]\?", page)


async def test_while_her_cohort_does_not_run_nothing_can_be_answered(client, site: Site):
    cohort = cohorts.find(site.engine, "first")
    cohorts.change(site.engine, replace(cohort, ends_at=datetime(2020, 1, 1, tzinfo=UTC)))
    page = await read(client)
    assert "Your cohort ended" in page and not forms_on(page)
    await post(client, phase="before", p="2", q="2")
    assert learning.answered(site.engine, "ana", "testing") == {}


async def test_a_cohorts_page_tells_the_difference_once_five_took_both(client, site: Site):
    path = f"{HOME}cohorts/first"
    assert "Shown once 5 learners have taken both; so far 0 have." in await read(client, path, "maria")
    names = ["ana", "ben", "x1", "x2", "x3"]
    people = [Person(name, f"{name}@example.org", name, "X") for name in names[2:]]
    provision(site.engine, people, [Membership(name, "first", "testing", "learner") for name in names[2:]])
    for number, name in enumerate(names):
        for phase, right in (("before", 1), ("after", 1 + number % 2)):
            learning.record(site.engine, name, "testing", learning.Answered(phase, "A", {}, right, 2))
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", await read(client, path, "jose")))
    assert "before, mean 50 %" in text and "after, mean 70 %" in text
    assert "20 ± 12.2 percentage points" in text
