"""The Models pages: a learner's own, a class's with what its instructors decide, and the programme's costs."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import openpyxl
import pytest
from sqlalchemy import event

from labkit.allowance import Asked, Ledger, Order, Settlement, Share, Told, limits
from labkit.allowance.limits import Limit
from labkit.audit.prices import Price, Prices
from labkit.pages.app import Pages
from labkit.pages.plot import HEIGHT, WIDTH, plot
from labkit.pages.site import Site
from labkit.policy import exams, pauses, reports
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent, looks

HOME = "/services/labkit/"
CLASS = f"{HOME}courses/testing/models"
TOTAL = Share(per="total")
NOW = datetime.now(UTC)
Call = Callable[..., None]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


@pytest.fixture
def site(site: Site) -> Site:
    """With a second cohort of the same course, which maria does not teach."""
    people = [Person(name, f"{name}@example.org", name.title(), "X") for name in ("bea", "nan", "tes")]
    places = [("bea", "second", "learner"), ("nan", "second", "instructor"), ("tes", "first", "assistant")]
    provision(site.engine, people, [Membership(who, cohort, "testing", role) for who, cohort, role in places])
    for one in people:
        consent.give(site.engine, one.username, "en")
    return replace(site, prices=Prices("PHP", {"small": Price(per_hour=3600.0)}))


@pytest.fixture
def call(site: Site) -> Call:
    def make(
        who: str, tokens: int = 300, *, cohort: str = "first", model: str = "small", ago: float = 0, **more
    ) -> None:
        ledger = Ledger(site.engine, now=lambda: NOW - timedelta(days=ago))
        name, told = (
            uuid.uuid4().hex,
            Told(more.get("outcome", "complete"), tokens // 3, tokens - tokens // 3, 2.0, 0.1),
        )
        order = Order(who, "testing", "clip", Share(20_000), tokens, "gateway", name, cohort, together=TOTAL)
        ledger.write([replace(order, asked=Asked("chat/completions", model, "d")), Settlement(name, tokens, told)])

    return make


def as_(client: httpx.AsyncClient, who: str) -> httpx.AsyncClient:
    client.cookies.clear()
    client.cookies.set("who", who)
    return client


async def page_of(client: httpx.AsyncClient, who: str, path: str) -> str:
    answer = await as_(client, who).get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def post(client: httpx.AsyncClient, who: str, path: str, **form: str) -> httpx.Response:
    return await as_(client, who).post(f"{CLASS}/{path}", data=form)


class TestHers:
    async def test_before_her_first_call_she_reads_what_will_be_there(self, client: httpx.AsyncClient):
        page = text_of(await page_of(client, "ana", f"{HOME}models"))
        assert "You have not called a model yet" in page
        assert "0 of 20,000 tokens used, 20,000 left." in page and "All of it is there again on" in page

    async def test_whoever_is_in_no_course_is_told_so(self, client: httpx.AsyncClient):
        assert "You are in no course" in await page_of(client, "new", f"{HOME}models")

    async def test_her_balance_and_her_calls_are_shown_and_nobody_elses(self, client: httpx.AsyncClient, call: Call):
        call("ana", 1500, outcome="cancelled")
        call("ben", 777)
        page = text_of(await page_of(client, "ana", f"{HOME}models"))
        assert "1,500 of 20,000 tokens used, 18,500 left." in page
        assert "Stopped 500 1,000 1,500" in page and "1 call " in page
        assert "777" not in page

    async def test_what_runs_is_told_apart_from_what_is_used(self, client: httpx.AsyncClient, site: Site):
        site.ledger.reserve("ana", "testing", "clip", Share(20_000), 400, "gateway")
        page = text_of(await page_of(client, "ana", f"{HOME}models"))
        assert "0 of 20,000 tokens used, 19,600 left. 400 reserved by calls that run now." in page

    async def test_her_own_bound_and_her_cohorts_are_shown_where_there_are_any(
        self, client: httpx.AsyncClient, site: Site, call: Call
    ):
        call("ana", 600)
        call("ben", 500)
        before = text_of(await page_of(client, "ana", f"{HOME}models"))
        assert "All labs together" not in before and "Your whole cohort" not in before
        limits.set_limit(site.engine, Limit("person", username="ana", tokens=5_000, requests=9), None)
        limits.set_limit(site.engine, Limit("cohort", cohort="first", tokens=90_000), None)
        page = text_of(await page_of(client, "ana", f"{HOME}models"))
        assert "600 of 5,000 tokens used, 4,400 left. 1 of 9 calls made." in page
        assert "1,100 of 90,000 tokens used, 88,900 left. It does not reset." in page

    async def test_another_allowance_holds_on_every_page(self, client: httpx.AsyncClient, site: Site):
        limits.set_limit(site.engine, Limit("lab", "ana", "", "testing", "clip", tokens=50_000), None)
        assert "50,000 tokens used" in text_of(await page_of(client, "ana", f"{HOME}models"))
        assert "50,000 of 50,000 tokens left" in text_of(await page_of(client, "ana", HOME))

    async def test_her_history_comes_in_pages_the_newest_first(self, client: httpx.AsyncClient, call: Call):
        for number in range(30):
            call("ana", 300 + number * 3, ago=number / 100)
        first, second = [await page_of(client, "ana", f"{HOME}models?page={page}") for page in (1, 2)]
        assert first.count("<tr><td>") == 25 and second.count("<tr><td>") == 5
        assert "Page 1 of 2" in text_of(first)
        assert (await page_of(client, "ana", f"{HOME}models?page=999")).count("<tr><td>") == 5

    async def test_the_plot_says_the_same_in_words_and_as_a_table(self, client: httpx.AsyncClient, call: Call):
        call("ana", 900)
        call("ana", 300, ago=3)
        page = await page_of(client, "ana", f"{HOME}models")
        assert page.count("<rect ") == 2 and 'role="img"' in page
        assert re.search(r"Tokens a day: most on .* 900", text_of(page))
        assert "The same as a table" in page and " style=" not in page

    async def test_an_exam_and_a_pause_of_her_class_are_announced(self, client: httpx.AsyncClient, site: Site):
        exams.plan(site.engine, Exam("first", "testing", "clip", NOW, NOW + timedelta(hours=2)), "maria")
        exams.plan(site.engine, Exam("second", "testing", "clip", NOW, NOW + timedelta(hours=3)), "nan")
        pauses.pause(site.engine, Pause("testing", "first", "", "small"), "maria")
        pauses.pause(site.engine, Pause("testing", "second", "", ""), "nan")
        page = text_of(await page_of(client, "ana", f"{HOME}models"))
        assert page.count("Exam in Clip a reward") == 1
        assert "paused the model small" in page and "paused all models" not in page

    async def test_it_is_in_her_language_and_linked_from_home_and_lab(self, client: httpx.AsyncClient):
        assert "Hindi ka pa tumatawag ng modelo" in await page_of(client, "ben", f"{HOME}models")
        for path in (HOME, f"{HOME}labs/testing/clip"):
            assert f'href="{HOME}models"' in await page_of(client, "ana", path)


class TestTheClass:
    async def test_an_empty_class_says_what_will_be_there(self, client: httpx.AsyncClient):
        page = text_of(await page_of(client, "maria", CLASS))
        for said in ("Nobody of your class called a model", "No model is paused", "No exam is open", "Nobody reported"):
            assert said in page

    async def test_she_reads_the_calls_of_her_own_learners_and_of_no_other(self, client: httpx.AsyncClient, call: Call):
        call("ana", 1200)
        call("ana", 600, outcome="failed")
        call("bea", 4242, cohort="second")
        call("maria", 999, cohort="")
        page = text_of(await page_of(client, "maria", CLASS))
        assert "Ana Cruz ana 2 1,800 1,800" in page
        assert "Answered : 1" in page.replace("Answered:", "Answered :") and "Failed; nothing charged: 1" in page
        assert "1 learner has made none." in page
        assert "4,242" not in page and "Bea" not in page and "999" not in page
        assert "4,242" in text_of(await page_of(client, "nan", CLASS))

    @pytest.mark.parametrize(
        ("days", "seen"), [("1", "300"), ("7", "800"), ("30", "2,000"), ("nonsense", "800"), ("", "800")]
    )
    async def test_a_span_of_days_is_chosen(self, client: httpx.AsyncClient, call: Call, days: str, seen: str):
        call("ana", 300)
        call("ana", 500, ago=3)
        call("ana", 1200, ago=20)
        page = text_of(await page_of(client, "maria", f"{CLASS}?days={days}" if days else CLASS))
        assert f"{seen} tokens." in page

    async def test_whoever_is_near_her_limit_is_named_until_she_is_given_more(
        self, client: httpx.AsyncClient, call: Call, site: Site
    ):
        call("ana", 17_000)
        call("ben", 900)
        page = text_of(await page_of(client, "maria", CLASS))
        assert "17,000 of 20,000 tokens used, 3,000 left." in page
        answer = await post(client, "maria", "allowances", username="ana", lab="clip", tokens="90000")
        assert answer.headers["location"] == f"{CLASS}?done=given"
        page = text_of(await page_of(client, "maria", CLASS))
        assert "Nobody has used four fifths" in page and "90,000 tokens" in page
        assert [(one.username, one.tokens) for one in limits.every(site.engine)] == [("ana", 90_000)]
        await post(client, "maria", "allowances/remove", username="ana", lab="clip")
        assert limits.every(site.engine) == ()
        assert "17,000 of 20,000" in text_of(await page_of(client, "maria", CLASS))

    async def test_a_look_at_a_class_is_written_down(self, client: httpx.AsyncClient, site: Site):
        await page_of(client, "maria", CLASS)
        assert [(one.viewer, one.what) for one in looks.of(site.engine, "ana")] == [("Maria Reyes", "use of models")]
        assert looks.of(site.engine, "bea") == ()

    async def test_a_model_is_paused_and_let_answer_again(self, client: httpx.AsyncClient, site: Site):
        await post(client, "maria", "pause", model="small", lab="clip", cohort="first")
        await post(client, "maria", "pause", model="", lab="", cohort="")
        assert pauses.every(site.engine) == (Pause("testing", "first"), Pause("testing", "first", "clip", "small"))
        assert "small, Clip a reward, first" in text_of(await page_of(client, "maria", CLASS))
        await post(client, "maria", "resume", model="small", lab="clip", cohort="first")
        assert pauses.every(site.engine) == (Pause("testing", "first"),)

    async def test_a_pause_of_everybody_is_shown_and_not_hers_to_end(self, client: httpx.AsyncClient, site: Site):
        pauses.pause(site.engine, Pause("testing"), None)
        assert "every cohort, by whoever runs the platform" in await page_of(client, "maria", CLASS)
        assert (await post(client, "maria", "resume", model="", lab="", cohort="")).status_code == 422
        assert len(pauses.every(site.engine)) == 1

    async def test_an_exam_is_planned_by_the_sites_clock_and_cancelled(self, client: httpx.AsyncClient, site: Site):
        form = {"cohort": "first", "lab": "clip", "opens": "2099-01-31T09:00", "closes": "2099-01-31T11:00"}
        assert (await post(client, "maria", "exams", **form)).status_code == 303
        (found,) = exams.every(site.engine, NOW)
        assert found.opens_at == datetime(2099, 1, 31, 1, tzinfo=UTC)
        assert "31 Jan 2099, 9:00" in text_of(await page_of(client, "maria", CLASS)).replace("\u202f", " ")
        await post(client, "maria", "exams/cancel", cohort="first", lab="clip")
        assert exams.every(site.engine, NOW) == ()

    async def test_a_report_is_read_and_marked_as_seen_by_an_assistant_too(self, client: httpx.AsyncClient, site: Site):
        said = ("<b>wrong</b>", "2+2?", "5")
        number = reports.add(
            site.engine, reports.Report("ana", "first", "testing", "clip", "small", said[1], said[2], said[0])
        )
        page = await page_of(client, "tes", CLASS)
        assert "&lt;b&gt;wrong&lt;/b&gt;" in page and "Mark as seen" in page
        assert (await post(client, "tes", f"reports/{number}/seen")).status_code == 303
        assert reports.of_cohorts(site.engine, "testing", ["first"])[0].seen_by == "tes"
        assert "Mark as seen" not in await page_of(client, "tes", CLASS)

    async def test_an_assistant_decides_nothing(self, client: httpx.AsyncClient, site: Site):
        page = await page_of(client, "tes", CLASS)
        assert "Pause a model" not in page and "Plan an exam" not in page and "Give somebody" not in page
        assert (await post(client, "tes", "pause", model="", lab="", cohort="first")).status_code == 404
        assert pauses.every(site.engine) == ()

    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("pause", {"model": "", "lab": "", "cohort": "second"}),
            ("pause", {"model": "", "lab": "nothing", "cohort": "first"}),
            ("pause", {"lab": "", "cohort": "first"}),
            ("pause", {"model": "m" * 101, "lab": "", "cohort": "first"}),
            ("resume", {"model": "", "lab": "", "cohort": "second"}),
            ("exams", {"cohort": "second", "lab": "clip", "opens": "2099-01-31T09:00", "closes": "2099-01-31T11:00"}),
            ("exams", {"cohort": "", "lab": "clip", "opens": "2099-01-31T09:00", "closes": "2099-01-31T11:00"}),
            ("exams", {"cohort": "first", "lab": "clip", "opens": "2099-01-31T09:00", "closes": "2099-01-31T08:00"}),
            ("exams", {"cohort": "first", "lab": "clip", "opens": "", "closes": "soon"}),
            ("exams", {"cohort": "first", "lab": "", "opens": "2099-01-31T09:00", "closes": "2099-01-31T11:00"}),
            ("exams/cancel", {"cohort": "second", "lab": "clip"}),
            ("allowances", {"username": "bea", "lab": "clip", "tokens": "5"}),
            ("allowances", {"username": "maria", "lab": "clip", "tokens": "5"}),
            ("allowances", {"username": "nobody", "lab": "clip", "tokens": "5"}),
            ("allowances", {"username": "ana", "lab": "clip", "tokens": "-5"}),
            ("allowances", {"username": "ana", "lab": "clip", "tokens": "99999999999999"}),
            ("allowances", {"username": "ana", "lab": "clip", "tokens": "\u0663"}),
            ("allowances/remove", {"username": "bea", "lab": "clip"}),
        ],
    )
    async def test_what_is_not_hers_or_cannot_be_changes_nothing_and_says_so(
        self, client: httpx.AsyncClient, site: Site, path: str, form: dict[str, str]
    ):
        pauses.pause(site.engine, Pause("testing", "second"), "nan")
        exams.plan(site.engine, Exam("second", "testing", "clip", NOW, NOW + timedelta(hours=3)), "nan")
        limits.set_limit(site.engine, Limit("lab", "bea", "", "testing", "clip", tokens=1), "nan")

        def kept():
            return pauses.every(site.engine), exams.every(site.engine, NOW), limits.every(site.engine)

        before = kept()
        answer = await post(client, "maria", path, **form)
        assert answer.status_code == 422 and "Nothing was changed" in answer.text and 'role="alert"' in answer.text
        assert kept() == before

    async def test_a_report_of_another_cohort_is_not_there(self, client: httpx.AsyncClient, site: Site):
        number = reports.add(
            site.engine, reports.Report("bea", "second", "testing", "clip", "", "a", "b", "secret words")
        )
        assert "secret words" not in await page_of(client, "maria", CLASS)
        assert (await post(client, "maria", f"reports/{number}/seen")).status_code == 404

    async def test_a_form_of_a_foreign_page_is_refused(self, client: httpx.AsyncClient, site: Site):
        client.headers["Sec-Fetch-Site"] = "cross-site"
        assert (await post(client, "maria", "pause", model="", lab="", cohort="first")).status_code == 403
        assert pauses.every(site.engine) == ()

    async def test_many_learners_come_in_pages_with_no_more_queries(
        self, client: httpx.AsyncClient, site: Site, call: Call
    ):
        people = [Person(f"l{number:03}", f"l{number}@example.org", f"L{number}", "Y") for number in range(60)]
        provision(site.engine, people, [Membership(one.username, "first", "testing", "learner") for one in people])
        asked: list[str] = []
        event.listen(site.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        call("l000")
        await page_of(client, "maria", CLASS)
        few, asked[:] = len(asked), []
        for one in people[1:]:
            call(one.username)
        asked.clear()
        page = await page_of(client, "maria", CLASS)
        assert len(asked) <= few
        assert "Page 1 of 2" in text_of(page) and page.count('<tr><th scope="row">L') == 50


class TestCosts:
    async def test_cohorts_and_models_are_counted_with_their_cost(self, client: httpx.AsyncClient, call: Call):
        call("ana", 300)
        call("ben", 300, model="large")
        call("bea", 600, cohort="second")
        call("maria", 90, cohort="")
        page = text_of(await page_of(client, "jose", f"{HOME}costs"))
        assert "₱6.00 4 calls, 1,290 tokens" in page
        assert "first ₱2.00 and 1 without a price 2 2 200 400 4" in page
        assert "second ₱2.00 1 1 200 400 2" in page and "Whoever teaches ₱2.00 1 1 30 60 2" in page
        assert "large no price 1 1 100 200 2" in page
        assert "1 call was to a model without a price" in page

    async def test_without_prices_there_is_no_money_and_never_a_zero_of_it(self, client, site: Site, call: Call):
        call("ana", 300)
        transport = httpx.ASGITransport(Pages(replace(site, prices=Prices())).application())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as other:
            page = text_of(await page_of(other, "jose", f"{HOME}costs"))
        assert "There is no table of prices" in page and "first 1 1 100 200 2" in page
        assert "₱" not in page and "0.00 1 call" not in page

    async def test_a_span_is_chosen_and_downloaded(self, client: httpx.AsyncClient, call: Call):
        call("ana", 300)
        call("ana", 900, ago=40)
        day = (NOW - timedelta(days=45)).date()
        span = f"from={day}&to={day + timedelta(days=20)}"
        assert "1 call, 900 tokens" in text_of(await page_of(client, "jose", f"{HOME}costs?{span}"))
        rows = list(
            csv.DictReader(io.StringIO((await page_of(client, "jose", f"{HOME}costs.csv?{span}")).lstrip("\ufeff")))
        )
        assert [(row["cohort"], row["model"], row["answer_tokens"], row["cost PHP"]) for row in rows] == [
            ("first", "small", "600", "2.0")
        ]
        book = openpyxl.load_workbook(io.BytesIO((await client.get(f"{HOME}costs.xlsx?{span}")).content))
        assert book.active["A2"].value == "first"

    async def test_a_cohort_called_like_a_formula_is_text_in_the_file(
        self, client: httpx.AsyncClient, site: Site, call: Call
    ):
        provision(site.engine, [], [Membership("ana", "=HYPERLINK(1)", "testing", "learner")])
        call("ana", 300, cohort="=HYPERLINK(1)")
        assert "\n'=HYPERLINK(1),small" in (await page_of(client, "jose", f"{HOME}costs.csv")).replace("\r", "")

    @pytest.mark.parametrize(
        "span", ["from=2026-02-02&to=2026-02-01", "from=soon", "from=2020-01-01&to=2026-01-01", "to=9999-12-31"]
    )
    async def test_what_is_no_span_is_refused_with_what_is(self, client: httpx.AsyncClient, span: str):
        answer = await as_(client, "jose").get(f"{HOME}costs?{span}")
        assert answer.status_code == 422 and "At most 400 days" in answer.text
        assert (await client.get(f"{HOME}costs.csv?{span}")).status_code == 422

    async def test_other_files_are_not_there_and_days_without_calls_say_so(self, client: httpx.AsyncClient):
        assert (await as_(client, "jose").get(f"{HOME}costs.pdf")).status_code == 404
        assert "Nobody called a model in these days" in await page_of(client, "jose", f"{HOME}costs")


class TestThePlot:
    def test_bars_fit_the_drawing_and_the_tallest_fills_it(self):
        found = plot([(date(2026, 1, day), float(value)) for day, value in ((1, 0), (2, 5), (3, 10), (4, 0.001))])
        assert [bar.height for bar in found.bars] == [0, HEIGHT / 2, HEIGHT, 1.0]
        assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in found.bars)
        assert (found.most, found.peak) == (10, date(2026, 1, 3))
        assert [bar.day.day for bar in found.shown] == [2, 3, 4]

    def test_days_of_nothing_have_no_peak(self):
        assert plot([(date(2026, 1, 1), 0.0)]).peak is None
        assert plot([]).bars == ()
