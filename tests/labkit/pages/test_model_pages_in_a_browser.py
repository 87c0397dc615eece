"""The Models pages, a course's and its short test in a browser: 360 px, both languages and themes, with and without
anything to show; axe has nothing to object to, and the forms work by keyboard."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from labkit.allowance import Asked, Ledger, Order, Settlement, Share, Told, limits
from labkit.allowance.limits import Limit
from labkit.audit.prices import Price, Prices
from labkit.courses import Lab, load_course
from labkit.courses.course import TrainingRule
from labkit.pages.app import Pages
from labkit.pages.site import Site
from labkit.policy import exams, pauses, reports
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause
from labkit.policy.reports import Report
from labkit.programme import learning
from labkit.programme.people import set_language
from labkit.training.jobs import Jobs, new_id
from labkit.training.spec import Spec

pytestmark = pytest.mark.browser

HOME = "/services/labkit"
COURSE = f"{HOME}/courses/testing"
OWN = f"ft:smollm2-135m-instruct:labkit:my-own-model:{'0a' * 12}"
# Who, where, and what is there in English.
PAGES = [
    ("ana", f"{HOME}/models", "Your calls"),
    ("maria", f"{COURSE}/models", "How your class uses models"),
    ("jose", f"{HOME}/costs", "What models cost"),
    ("ben", COURSE, "What you will be able to do"),
    ("ben", f"{COURSE}/test", "A short test"),
    ("jose", f"{HOME}/cohorts/first", "What they can do"),
]


@pytest.fixture
def site(site: Site) -> Site:
    """The course says what a real one says, and has its test."""
    real = load_course(Path(__file__).parents[3] / "courses", "prompting")
    words = {
        name: getattr(real, name)
        for name in ("description", "descriptions", "prerequisite", "licence", "outcomes", "quiz")
    }
    return replace(site, courses=[replace(site.courses[0], labs=(_lab(real.labs[0]),), **words)])


def _lab(real: Lab) -> Lab:
    return replace(real, course="testing", id="clip", training=TrainingRule(400, "day", 20))


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    """The pages on a port of their own."""
    config = uvicorn.Config(app := _Later(), port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    prices = Prices("PHP", {"small": Price(per_million_answer_tokens=40.0)})
    app.inner = Pages(replace(site, origin=url, prices=prices)).application()
    yield url
    server.should_exit = True
    thread.join()


class _Later:
    """The pages know their address, which is known once the server listens."""

    inner = None

    async def __call__(self, scope, receive, send):
        await self.inner(scope, receive, send)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    yield context
    context.close()


def fill(site: Site) -> None:
    """Something of everything the pages show."""
    now = datetime.now(UTC)
    for number in range(30):
        ledger = Ledger(site.engine, now=lambda number=number: now - timedelta(hours=number))
        who, model = (
            ("ana", "ben")[number % 2],
            ("small", "a-model-with-quite-a-long-name-7b-instruct")[number % 3 == 2],
        )
        told = Told(("complete", "failed", "cancelled", "paused")[number % 4], 40, 60, 1.5, 0.2)
        order = Order(who, "testing", "clip", Share(20_000), 9_000, "gateway", f"{number:032}", "first")
        asked = replace(order, asked=Asked("chat/completions", model if number % 3 else OWN, "d"))
        ledger.write([asked, Settlement(order.id, 8_500 if number < 2 else 100, told)])
    site.ledger.reserve("ana", "testing", "clip", Share(20_000), 9_000, "gateway")
    limits.set_limit(site.engine, Limit("person", username="ana", tokens=90_000, requests=900), None)
    limits.set_limit(site.engine, Limit("cohort", cohort="first", tokens=900_000), None)
    limits.set_limit(site.engine, Limit("lab", "ben", "", "testing", "clip", tokens=10_000), "maria")
    pauses.pause(site.engine, Pause("testing", "first", "clip", "small"), "maria")
    exams.plan(site.engine, Exam("first", "testing", "clip", now, now + timedelta(hours=2)), "maria")
    long = "Averylongwordwithoutanyspaceinitatall" * 4
    answers_of_ben(site)
    trainings(site, long)
    reports.add(
        site.engine, Report("ana", "first", "testing", "clip", "small", long, "an answer", f"It is wrong: {long}")
    )


def trainings(site: Site, long: str) -> None:
    """One that has a model, one that failed, one that runs and one that waits."""
    jobs = Jobs(site.engine)
    data = {"training_file": "f", "training_digest": "d", "validation_file": None, "validation_digest": None}
    for state in ("succeeded", "failed", "running", "queued"):
        where = {"username": "ana", "cohort": "first", "course": "testing", "lab": "clip"}
        spec, told = Spec("smollm2-135m-instruct", steps=40), {"suffix": "my-model" if state == "failed" else None}
        job = jobs.add(new_id(), where, spec, told, {**data, "step_tokens": 300.0})
        if state == "queued":
            continue
        jobs.take(job)
        jobs.progress(job.id, 12, 3600, 20.0)
        if state != "running":
            jobs.finish(job.id, state, error={"code": "RequestRefused", "message": f"row 3: {long}", "param": ""})


def answers_of_ben(site: Site) -> None:
    """Both parts of the short test, and a graded lab."""
    items = [
        {"name": name, "points": 7.0, "max": 10.0, "hidden": False, "checks": []} for name in ("chances-examples",)
    ]
    submission = site.store.receive("ben", "testing", "clip", {"clip.ipynb": b"1"}, [])[0].id
    site.scores.record(submission, {"score": 7.0, "max": 10.0, "items": items, "fault": None, "notes": []}, 0)
    for phase, form in (("before", "A"), ("after", "B")):
        learning.record(site.engine, "ben", "testing", learning.Answered(phase, form, {"tokens": 0}, 1, 6))


def check(page: Page, name: str) -> None:
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}\n{found.generate_report()}"
    tables = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    if "/models" in page.url:
        page.set_viewport_size({"width": 1280, "height": 800})
        assert page.evaluate(tables) == 0, f"{name}: a table is cut off at 1280 px"
        page.set_viewport_size({"width": 360, "height": 740})
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{name} is {over} px wider than the screen"


def test_the_pages_pass_axe_at_360_px_and_work_by_keyboard(site: Site, url: str, context: BrowserContext, picture):
    page = context.new_page()
    for filled in (False, True):
        if filled:
            fill(site)
        for number, (who, path, shown) in enumerate(PAGES):
            context.add_cookies([{"name": "who", "value": who, "url": url}])
            # Both languages and themes where there is something to see; the words of an empty page are the same.
            for language, scheme in [("en", "light"), ("fil", "dark")][: 2 if filled else 1]:
                set_language(site.engine, who, language)
                page.emulate_media(color_scheme=scheme)
                page.goto(url + path)
                assert language == "fil" or shown in page.locator("main").inner_text()
                check(page, f"{path}, {language}, {scheme}, {'full' if filled else 'empty'}")
            picture(page, f"{number}-{who}-{'full' if filled else 'empty'}")
    a_pause_by_keyboard(page, site, url, context)


def a_pause_by_keyboard(page: Page, site: Site, url: str, context: BrowserContext) -> None:
    set_language(site.engine, "maria", "en")
    context.add_cookies([{"name": "who", "value": "maria", "url": url}])
    page.goto(f"{url}{COURSE}/models")
    page.get_by_text("Pause a model").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "pause-model"
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()
    assert "Paused" in page.get_by_role("status").inner_text()
    assert Pause("testing", "first") in pauses.every(site.engine)
    page.get_by_role("button", name="Let it answer again All models, first").press("Enter")
    page.get_by_text("The model answers again.").wait_for()
    assert Pause("testing", "first") not in pauses.every(site.engine)


@pytest.fixture
def picture(pytestconfig: pytest.Config):
    """Takes a screenshot where `--pictures FOLDER` asks for them."""
    folder = pytestconfig.getoption("--pictures")

    def take(page: Page, name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"models-{name}.png", full_page=True)

    return take
