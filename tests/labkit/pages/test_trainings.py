"""What pages say of trainings: to the learner who began them, to whoever teaches her, and of what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from labkit.allowance import Order, Share, limits
from labkit.allowance.limits import Limit
from labkit.audit.prices import Price, Prices
from labkit.courses import Lab
from labkit.courses.course import TrainingRule
from labkit.pages.app import Pages
from labkit.pages.site import Site
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent
from labkit.training.charges import Charges
from labkit.training.job import Job
from labkit.training.jobs import Jobs, new_id
from labkit.training.spec import Spec

HOME = "/services/labkit/"
MINE, CLASS = f"{HOME}models", f"{HOME}courses/testing/models"
RULE = TrainingRule(400, "total", 20)
Train = Callable[..., Job]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


@pytest.fixture
def site(site: Site) -> Site:
    """Its lab trains; maria does not teach the second cohort, where bea learns."""
    provision(site.engine, [Person("bea", "bea@example.org", "Bea", "X")], [])
    provision(site.engine, [], [Membership("bea", "second", "testing", "learner")])
    consent.give(site.engine, "bea", "en")
    course = site.courses[0]
    labs = (replace(course.labs[0], training=RULE), Lab("testing", "sum", "Sum", course.path))
    return replace(site, courses=[replace(course, labs=labs)], prices=Prices("PHP", {"base": Price(per_hour=3600.0)}))


@pytest.fixture
def train(site: Site) -> Train:
    """As the gateway begins one, and the worker ends it."""

    def make(
        who: str = "ana",
        *,
        name: str | None = "mine",
        step: int = 0,
        state: str = "queued",
        ago: float = 0,
        **error: Any,
    ) -> Job:
        at = datetime.now(UTC) - timedelta(minutes=ago)
        jobs, id = Jobs(site.engine, lambda: at), new_id()
        charges = Charges(site.engine, site.ledger, jobs)
        call = Order(who, "testing", "clip", Share(RULE.steps, None, RULE.per), 40, "", "", "first")
        charges.reserve(call, id, "base")
        charges.reserve_time(replace(call, lab_rule=Share(1200, None, "total"), amount=90), id, "base")
        data = {"training_file": "f", "training_digest": "d", "validation_file": None, "validation_digest": None}
        where = {"username": who, "cohort": "first", "course": "testing", "lab": "clip"}
        job = jobs.add(id, where, Spec("base", steps=40), {"suffix": name}, {**data, "step_tokens": 300.0})
        if state != "queued":
            assert jobs.take(job)
            jobs.progress(id, step, step * 300, step * 1.5)
        if state not in ("queued", "running"):
            jobs.finish(id, state, error=error or None)
            charges.settle(jobs.get(id))
        return jobs.get(id)

    return make


async def page_of(client: httpx.AsyncClient, who: str, path: str) -> str:
    client.cookies.set("who", who)
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def stop(client: httpx.AsyncClient, who: str, job: Job) -> httpx.Response:
    client.cookies.set("who", who)
    return await client.post(f"{CLASS}/trainings/{job.id}/stop", data={"x": "y"})


class TestHers:
    async def test_steps_and_minutes_left_stand_beside_tokens_on_both_pages(self, client, train: Train):
        train(state="succeeded", step=40)
        for path in (MINE, f"{HOME}labs/testing/clip"):
            page = text_of(await page_of(client, "ana", path))
            assert "40 of 400 training steps used, 360 left." in page
            assert "1 of 20 minutes of training used, 19 left." in page
        assert "training" not in text_of(await page_of(client, "ana", f"{HOME}labs/testing/sum"))

    async def test_what_waits_is_set_aside(self, client, train: Train):
        train()
        assert "360 left. 40 set aside for trainings" in text_of(await page_of(client, "ana", MINE))

    async def test_a_training_is_no_call(self, client, train: Train):
        train(state="succeeded", step=40)
        page = text_of(await page_of(client, "ana", MINE))
        assert "You have not called a model yet" in page and "0 of 20,000 tokens used" in page
        assert "mine base Done Step 40 of 40. 40" in page

    @pytest.mark.parametrize(
        ("made", "said"),
        [
            ({}, "Waiting, number 1 in the queue. Step 0 of 40. Done in about 1 minute. none yet"),
            ({"state": "running", "step": 12}, "Training. Step 12 of 40. Done in about 1 minute. none yet"),
            ({"state": "cancelled", "step": 7}, "Cancelled Step 7 of 40. 7"),
            (
                {"state": "failed", "step": 3, "code": "RequestRefused", "message": "row 4:\n too <b>long</b>"},
                "Failed: row 4: too &lt;b&gt;long&lt;/b&gt; Step 3 of 40. 3",
            ),
            (
                {"state": "failed", "step": 3, "code": "PlatformFault", "message": "x"},
                "Failed on our side; nothing charged Step 3 of 40. 0",
            ),
        ],
        ids=["waits", "runs", "cancelled", "failed", "our fault"],
    )
    async def test_how_it_stands_and_what_it_cost_is_said(self, client, train: Train, made: dict[str, Any], said: str):
        train(**made)
        assert said in text_of(await page_of(client, "ana", MINE))

    async def test_one_without_a_name_is_told_by_its_id_and_nobody_elses_is(self, client, train: Train):
        mine, other = train(name=None), train("ben", name="secret")
        page = await page_of(client, "ana", MINE)
        assert mine.id in page and "secret" not in page and other.id not in page

    async def test_before_her_first_she_reads_how_to_begin_where_a_lab_trains(self, client, site: Site):
        page = text_of(await page_of(client, "ana", MINE))
        assert "You have not trained a model yet. Open the lab Clip a reward" in page and "labkit.finetune(" in page
        assert "Hindi ka pa nagsasanay ng modelo" in await page_of(client, "ben", MINE)
        nothing = replace(site.courses[0], labs=(site.courses[0].labs[1],))
        transport = httpx.ASGITransport(Pages(replace(site, courses=[nothing])).application())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as other:
            assert "Your trainings" not in await page_of(other, "ana", MINE)

    async def test_they_come_in_pages_the_newest_first(self, client, site: Site, train: Train):
        limits.set_limit(site.engine, Limit("lab", "ana", "", "testing", "clip", steps=9000), None)
        for number in range(27):
            train(name=f"n{number:02}", state="cancelled", step=0, ago=number)
        page = await page_of(client, "ana", MINE)
        assert re.findall(r">(n\d\d)<", page) == [f"n{number:02}" for number in range(25)]
        assert re.findall(r">(n\d\d)<", await page_of(client, "ana", f"{MINE}?trainings=2")) == ["n25", "n26"]


class TestTheClass:
    async def test_whoever_teaches_reads_of_her_own_learners_and_of_no_other(self, client, train: Train):
        train()
        train("ben", state="running", step=12)
        train("bea", name="theirs")
        page = text_of(await page_of(client, "maria", CLASS))
        assert "Waiting, number" in page and "Training. Step 12 of 40." in page and "Ana Cruz ana Clip a reward" in page
        assert "Bea" not in page

    async def test_steps_are_in_no_figure_of_tokens(self, client, train: Train):
        for _ in range(9):
            train(state="succeeded", step=40)
        page = text_of(await page_of(client, "maria", CLASS))
        assert "Nobody of your class called a model" in page and "Nobody has used four fifths" in page

    async def test_one_that_waits_is_stopped_as_its_learner_would(self, client, site: Site, train: Train):
        job = train()
        assert "Stop<span" in await page_of(client, "maria", CLASS)
        answer = await stop(client, "maria", job)
        assert answer.headers["location"] == f"{CLASS}?done=stopped"
        assert Jobs(site.engine).get(job.id).state == "cancelled"
        page = text_of(await page_of(client, "ana", MINE))
        assert "Cancelled 0" in page and "0 of 400 training steps used, 400 left." in page
        assert (await stop(client, "maria", job)).headers["location"] == f"{CLASS}?done=over"

    async def test_one_that_runs_ends_before_its_next_step_and_costs_those_it_took(self, client, site, train: Train):
        job = train(state="running", step=12)
        await stop(client, "maria", job)
        found = Jobs(site.engine).get(job.id)
        assert (found.state, found.cancelling) == ("running", True)
        assert "Being stopped Step 12 of 40." in text_of(await page_of(client, "ana", MINE))
        assert "Stop<span" not in await page_of(client, "maria", CLASS)

    @pytest.mark.parametrize(("who", "whose"), [("maria", "bea"), ("ben", "ana"), ("bea", "bea"), ("jose", "ana")])
    async def test_a_training_that_is_not_her_learners_goes_on(self, client, site, train: Train, who: str, whose: str):
        job = train(whose)
        assert (await stop(client, who, job)).status_code == 404
        assert Jobs(site.engine).get(job.id).state == "queued"

    async def test_a_form_of_a_foreign_page_stops_nothing(self, client, site: Site, train: Train):
        job = train()
        client.headers["Sec-Fetch-Site"] = "cross-site"
        assert (await stop(client, "maria", job)).status_code == 403
        assert Jobs(site.engine).get(job.id).state == "queued"

    async def test_more_steps_are_given_and_the_tokens_given_before_stay(self, client, site: Site):
        client.cookies.set("who", "maria")
        for given in ({"tokens": "50000"}, {"tokens": "", "steps": "900", "minutes": "45"}):
            form = {"username": "ana", "lab": "clip", **given}
            assert (await client.post(f"{CLASS}/allowances", data=form)).status_code == 303
        assert limits.every(site.engine) == (Limit("lab", "ana", "", "testing", "clip", 50_000, None, 900, 45),)
        page = text_of(await page_of(client, "maria", CLASS))
        assert "50,000 tokens" in page and "900 training steps" in page and "45 minutes of training" in page
        assert "0 of 900 training steps used" in text_of(await page_of(client, "ana", MINE))

    @pytest.mark.parametrize(
        "given", [{"steps": "-1"}, {"steps": "many"}, {"tokens": ""}, {"lab": "sum", "steps": "5"}]
    )
    async def test_steps_that_cannot_be_given_change_nothing(self, client, site: Site, given: dict[str, str]):
        client.cookies.set("who", "maria")
        answer = await client.post(f"{CLASS}/allowances", data={"username": "ana", "lab": "clip", **given})
        assert answer.status_code == 422 and "of steps or minutes" in answer.text
        assert limits.every(site.engine) == ()


async def test_costs_count_trainings_once(client, train: Train):
    train(state="succeeded", step=40)
    page = text_of(await page_of(client, "jose", f"{HOME}costs"))
    assert "By model" not in page and "They are in no sum above." in page
    assert "first 1 1 1 40 12,000 60" in page and "cost ₱60.00" in page
    rows = (await client.get(f"{HOME}costs.csv")).text
    assert "base (fine-tuning)" in rows and "60.0" in rows
