"""The pages, through their routes, with small doubles for the hub's sign-in and servers."""

import re

import httpx
import pytest

from labkit.pages.site import Site
from labkit.programme.people import person

HOME = "/services/labkit/"
LAB = "/services/labkit/labs/testing/clip"


async def get(client: httpx.AsyncClient, path: str, who: str, status: int = 200) -> str:
    client.cookies.set("who", who)
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def hand_in(site: Site, who: str, passed: bool | None, manual_max: float = 10) -> str:
    receipt, _ = site.store.receive(who, "testing", "clip", {"clip.ipynb": who.encode()}, [])
    if passed is not None:
        check = {"reason": "never leaves the <b>bounds</b>", "passed": passed, "hint": "look at the middle case"}
        item = {"name": "clip-properties", "points": 3.0 * passed, "max": 3.0, "checks": [check]}
        report = {"score": 3.0 * passed, "max": 3.0, "items": [item], "fault": None, "notes": ["reflect was not found"]}
        site.scores.record(receipt.id, report, manual_max)
    return receipt.id


async def test_who_is_not_signed_in_is_sent_to_sign_in(client: httpx.AsyncClient):
    for path in (HOME, LAB, f"{LAB}/open", f"{HOME}receipts/x.json"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/hub/sign-in")


async def test_a_learner_finds_her_labs_with_state_and_allowance(client: httpx.AsyncClient):
    page = text_of(await get(client, HOME, "ana"))
    assert "Hello, Ana" in page
    assert "Clip a reward" in page
    assert "Not handed in" in page
    assert "20,000 of 20,000 tokens left" in page
    assert "formgrader" not in page
    assert "Cohort" not in page


async def test_somebody_in_no_course_is_told_what_to_do(client: httpx.AsyncClient):
    assert "Ask the person who gave you your sign-in link" in await get(client, HOME, "new")


async def test_a_lab_not_handed_in_says_how_to(client: httpx.AsyncClient):
    assert "labkit.submit()" in await get(client, LAB, "ana")


async def test_the_score_with_reasons_appears_and_waiting_stops(client: httpx.AsyncClient, site: Site):
    submission = hand_in(site, "ana", None)
    waiting = await get(client, LAB, "ana")
    assert "being graded" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    hand_in(site, "ana", False)
    done = await get(client, f"{LAB}/result", "ana")
    assert "every 1s" not in done
    assert "look at the middle case" in done
    assert "reflect was not found" in done
    assert "0 / 13" in text_of(done)
    assert f"receipts/{submission}.json" in done


async def test_a_manual_grade_joins_the_total(client: httpx.AsyncClient, site: Site):
    hand_in(site, "ana", True)
    assert "your instructor reads them" in await get(client, LAB, "ana")
    site.scores.set_manual("ana", "testing", "clip", 8.5)
    page = text_of(await get(client, LAB, "ana"))
    assert "11.5 / 13" in page
    assert "Your written answers: 8.5 of 10." in page


async def test_our_fault_is_called_ours(client: httpx.AsyncClient, site: Site):
    from sqlalchemy import update

    from labkit.database.tables import submissions

    hand_in(site, "ana", None)
    with site.engine.begin() as connection:
        connection.execute(update(submissions).values(state="fault"))
    page = await get(client, LAB, "ana")
    assert "failed on our side, not yours" in page
    assert "every 1s" not in page


async def test_words_of_others_are_text_and_never_markup(client: httpx.AsyncClient, site: Site):
    hand_in(site, "ben", False)
    for who, path in (("maria", HOME), ("ben", LAB), ("jose", HOME)):
        page = await get(client, path, who)
        assert "<script>alert" not in page
        assert "<b>bounds" not in page


@pytest.mark.parametrize("path", [LAB, f"{LAB}/result", f"{LAB}/open", f"{LAB}/progress"])
async def test_a_lab_of_a_course_she_is_not_in_is_not_there(client: httpx.AsyncClient, path: str):
    assert "nothing here for you" in await get(client, path, "new", 404)
    await get(client, path.replace("clip", "unknown"), "ana", 404)


async def test_a_receipt_is_downloaded_by_its_owner_alone(client: httpx.AsyncClient, site: Site):
    submission = hand_in(site, "ana", True)
    client.cookies.set("who", "ana")
    answer = await client.get(f"{HOME}receipts/{submission}.json")
    assert answer.json()["username"] == "ana"
    assert "attachment" in answer.headers["content-disposition"]
    await get(client, f"{HOME}receipts/{submission}.json", "ben", 404)


async def test_an_instructor_sees_arrivals_and_which_check_fails_whom(client: httpx.AsyncClient, site: Site):
    empty = await get(client, HOME, "maria")
    assert "Nobody has handed anything in yet" in empty
    hand_in(site, "ana", True)
    hand_in(site, "ben", False)
    page = text_of(await get(client, f"{HOME}arrivals", "maria"))
    assert "clip-properties: never leaves the" in page
    assert "1 / 2" in page
    assert "2 submissions have written answers" in page


async def test_an_officer_sees_how_far_each_cohort_is(client: httpx.AsyncClient, site: Site):
    hand_in(site, "ana", True)
    for path in (HOME, f"{HOME}cohorts/first"):
        page = text_of(await get(client, path, "jose"))
        assert "1 of 2 graded" in page
        assert "mean of the points judged so far 100 %" in page
    assert "Not handed in" in page
    hand_in(site, "ben", None)
    page = text_of(await get(client, f"{HOME}cohorts/first", "jose"))
    assert "Being graded" in page
    assert "Not handed in" not in page


async def test_opening_a_lab_starts_the_server_and_lands_in_the_notebook(client: httpx.AsyncClient, site: Site):
    assert "Starting your notebook server" in await get(client, f"{LAB}/open", "ana")
    assert site.servers.started == 1
    assert "progress?seconds=1" in await get(client, f"{LAB}/progress?seconds=0", "ana")
    answer = await client.get(f"{LAB}/progress?seconds=1")
    assert answer.headers["hx-redirect"] == "http://ana.test/user/ana/labkit/open/testing/clip"
    assert (await client.get(f"{LAB}/open")).headers["location"] == "http://ana.test/user/ana/labkit/open/testing/clip"


async def test_a_server_that_does_not_start_is_said_to_be_our_fault(client: httpx.AsyncClient):
    assert "That is our fault" in await get(client, f"{LAB}/progress?seconds=9", "ana")


async def test_the_pages_speak_filipino_and_remember_it(client: httpx.AsyncClient, site: Site):
    page = await get(client, HOME, "ben")
    assert '<html lang="fil">' in page
    assert "Buksan ang lab" in page
    assert "Putulin ang gantimpala" in page
    client.cookies.set("who", "ana")
    answer = await client.post(f"{HOME}language", data={"language": "fil", "back": LAB})
    assert answer.headers["location"] == LAB
    assert person(site.engine, "ana").language == "fil"


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/hub/logout", "/services/labkit/\\evil"])
async def test_a_form_sends_nobody_elsewhere(client: httpx.AsyncClient, back: str):
    client.cookies.set("who", "ana")
    answer = await client.post(f"{HOME}language", data={"language": "xx", "back": back})
    assert answer.headers["location"] == HOME


async def test_pages_may_not_be_framed_and_load_nothing_from_elsewhere(client: httpx.AsyncClient):
    client.cookies.set("who", "ana")
    answer = await client.get(HOME)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)


async def test_static_files_are_small_enough_for_a_slow_line(client: httpx.AsyncClient):
    page = await get(client, HOME, "ana")
    total = len(page)
    for path in set(re.findall(r'(?:src|href)="(/services/labkit/static/[^"]+)"', page)):
        total += len((await client.get(path)).content)
    assert total < 200_000
