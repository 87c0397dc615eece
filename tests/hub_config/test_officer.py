"""An officer provisions a cohort in the browser: file, plan, application, links, codes; each page passes axe."""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from hub_config import simulation
from labkit.courses import load_course
from labkit.database import connect
from labkit.database.tables import (
    allowances,
    calls,
    charges,
    cohorts,
    enrolments,
    gradings,
    people,
    reports,
    scores,
    submissions,
)

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(600),
]

COURSES = Path(__file__).parents[2] / "courses"
HOME = "/services/labkit"
HEADER = "email;given_name;family_name;role;cohort;course;region"


def check(page: Page) -> None:
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(page)
        assert found.violations_count == 0, f"{page.url}, {width} px\n{found.generate_report()}"
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{page.url} is {over} px wider than {width} px"


def give(page: Page, url: str, file: Path) -> None:
    """By keyboard: the button is reached with Tab and pressed with Enter."""
    page.goto(f"{url}{HOME}/roster")
    page.locator("#file").set_input_files(file)
    page.locator("#file").press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_load_state()


def test_people_come_from_a_file_and_sign_in(platform, sign_in, picture, browser, tmp_path: Path):
    officer = sign_in("jose")
    file = tmp_path / "people.csv"
    dice = random.Random(3)
    lines = [f"q{n}@example.org;Niña;Peña {n};learner;Batch 1;testing;{dice.choice(('NCR', 'CAR'))}" for n in range(40)]
    file.write_text("\n".join([HEADER, *lines, "nobody;A;B;student;Batch 1;testing;"]), encoding="cp1252")
    give(officer, platform.url, file)
    expect(officer.get_by_role("alert")).to_contain_text("2 mistakes; nothing was changed")
    check(officer)

    file.write_text("\n".join([HEADER, *lines]), encoding="cp1252")
    give(officer, platform.url, file)
    expect(officer.get_by_role("status").first).to_contain_text("Nothing is changed yet")
    expect(officer.locator("main")).to_contain_text("cp1252")
    check(officer)
    officer.get_by_role("button", name="Apply").press("Enter")
    expect(officer.get_by_role("status").first).to_contain_text("Done.")
    officer.get_by_role("link", name="Batch 1").click()
    expect(officer.get_by_role("heading", level=1)).to_contain_text("Cohort Batch 1")

    with officer.expect_download() as download:
        officer.get_by_role("button", name="Make 40 sign-in links").click()
    with zipfile.ZipFile(download.value.path()) as bundle:
        merge = bundle.read("merge.csv").decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(merge)))
    with browser.new_context() as context:
        hers = context.new_page()
        hers.goto(row["link"])
        expect(hers.locator("main")).to_contain_text("Niña")
        hers.locator("form button").first.click()
        hers.wait_for_url("**/services/labkit/privacy**")

    officer.reload()
    expect(officer.get_by_role("button", name="Make new links for all 39 who never signed in")).to_be_visible()
    expect(officer.locator("main")).to_contain_text("NCR")
    check(officer)


def test_a_cohort_of_a_whole_term_is_read_at_a_glance(platform, sign_in, picture):
    """With simulated people, so that there is something to look at."""
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    simulation.fill(engine, [load_course(COURSES, "testing")], 600, 7)
    officer = sign_in("jose")
    officer.goto(f"{platform.url}{HOME}/cohorts/simulated-2026-a")
    expect(officer.locator("main")).to_contain_text("By region")
    check(officer)
    picture(officer, "officer-cohort")
    officer.goto(f"{platform.url}{HOME}/costs")
    expect(officer.locator("main")).to_contain_text("simulated-2026-a")
    key = (platform.home / "secrets" / "metrics").read_text()
    told = officer.request.get(f"{platform.url}/services/gateway/metrics", headers={"Authorization": f"Bearer {key}"})
    assert "labkit_gateway_lane_slots" in told.text()
    assert officer.request.get(f"{platform.url}/services/gateway/metrics").status == 401
    with engine.begin() as connection:
        for table, column in ((scores, "submission"), (gradings, "submission")):
            mine = select(submissions.c.id).where(submissions.c.username.like("simulated-%"))
            connection.execute(table.delete().where(table.c[column].in_(mine)))
        for table in (submissions, charges, calls, allowances, reports, enrolments, people):
            connection.execute(table.delete().where(table.c.username.like("simulated-%")))
        connection.execute(allowances.delete().where(allowances.c.cohort.like("simulated-%")))
        connection.execute(cohorts.delete().where(cohorts.c.name.like("simulated-%")))
    engine.dispose()


def test_a_stranger_with_a_code_asks_for_a_place(platform, sign_in, browser):
    officer = sign_in("jose")
    officer.goto(f"{platform.url}{HOME}/cohorts/pioneers-testing")
    officer.get_by_label("Places").fill("1")
    officer.get_by_role("button", name="Make a code").click()
    shown = officer.get_by_role("status").inner_text()
    address = re.search(r"http\S+join\?code=\w+", shown)[0]
    check(officer)
    for name in ("wanda", "xenia"):
        with browser.new_context(locale="fil-PH") as context:
            stranger = context.new_page()
            stranger.goto(address)
            check(stranger)
            stranger.locator("#email").fill(f"{name}@example.org")
            stranger.locator("#given_name").fill(name.title())
            stranger.locator("#given_name").press("Enter")
            expect(stranger.get_by_role("status")).to_contain_text("Naitala ang iyong hiling")
            check(stranger)
    officer.goto(f"{platform.url}{HOME}/cohorts/pioneers-testing")
    expect(officer.locator("main")).to_contain_text("1 of 1 places taken, 1 waiting")
    check(officer)
    officer.get_by_role("button", name="Admit", exact=True).click()
    expect(officer.get_by_role("status")).to_contain_text("They have a place now")
    officer.get_by_role("button", name="Close this code").click()
    expect(officer.get_by_role("status")).to_contain_text("The code works no longer")
