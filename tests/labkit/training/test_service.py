"""What a learner may begin: in a lab that trains, a base that is there, within steps and minutes, a few at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from labkit.allowance import Ledger, Order, Share
from labkit.allowance.limits import Limit
from labkit.allowance.training import training_rule
from labkit.audit.books import balance
from labkit.courses import Lab, load_course
from labkit.courses.course import TrainingRule
from labkit.database import connect, migrate
from labkit.errors import AllowanceSpent, ModelNotAllowed, ModelPaused, RequestRefused, TooManyAtOnce
from labkit.training.adapter_files import Files as Adapter
from labkit.training.charges import TIME, UNIT, Charges
from labkit.training.events import Events
from labkit.training.files import Files
from labkit.training.jobs import MOST_OPEN, Jobs
from labkit.training.own import own
from labkit.training.places import Places
from labkit.training.request import read
from labkit.training.service import Member, Service
from labkit.training.storage import Storage

BASE = "smollm2-135m-instruct"


@dataclass
class House:
    engine: Engine
    service: Service
    lab: Lab
    file: str

    def member(self, rule: TrainingRule | None, **changed: Any) -> Member:
        lab = replace(self.lab, training=rule, **changed)
        return Member("ana", "first", lab, Order("ana", "testing", "clip", Share(), 0, "", ""))

    def begin(self, rule: TrainingRule | None, steps: int = 10, base: str = BASE, **changed: Any) -> Any:
        asked = {"model": base, "training_file": self.file, "labkit": {"steps": steps}}
        return self.service.begin(self.member(rule, **changed), read(json.dumps(asked).encode()))

    def reserved(self, unit: str) -> int:
        order = Order("ana", "testing", "clip", Share(10**6, None, "total"), 0, "", "", unit=unit)
        return dict(Ledger(self.engine).balances(order))["lab"].reserved


@pytest.fixture
def house(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[House]:
    url = f"sqlite:///{tmp_path / 'labkit.db'}"
    migrate(url)
    engine, places = connect(url), Places(tmp_path / "training")
    jobs, files = Jobs(engine), Files(engine, places)
    row = {"messages": [{"role": "user", "content": "a" * 30}, {"role": "assistant", "content": "b" * 30}]}
    content = (json.dumps(row) + "\n").encode() * 4
    file = files.add("ana", "testing", "clip", "rows.jsonl", content)
    charges, storage = Charges(engine, Ledger(engine), jobs), Storage(engine, places)
    service = Service(files, jobs, Events(engine), charges, storage, (BASE,), speed=100.0, keep_mb=1)
    lab = load_course(pytestconfig.rootpath / "courses", "testing").labs[0]
    yield House(engine, service, lab, file.id)
    engine.dispose()


TOTAL = TrainingRule(100, "total")


def test_steps_are_set_aside_when_she_asks(house):
    house.begin(TOTAL, steps=30)

    assert (house.reserved(UNIT), house.reserved(TIME)) == (30, 0)


def test_where_a_lab_bounds_minutes_the_forecast_is_set_aside_too(house):
    job = house.begin(replace(TOTAL, minutes=10), steps=30)

    assert house.reserved(TIME) == -(-30 * job.step_tokens // 100)


def test_more_minutes_than_there_are_is_refused_and_the_steps_come_back(house):
    with pytest.raises(AllowanceSpent, match=r"may take \d+ seconds and 0 of this lab's 0 are left"):
        house.begin(replace(TOTAL, minutes=0), steps=30)

    assert (house.reserved(UNIT), house.reserved(TIME)) == (0, 0)
    assert not house.service.jobs.open()


def test_steps_she_was_given_besides_are_hers_to_take(house):
    given = [Limit("lab", "ana", "", house.lab.course, house.lab.id, steps=130)]
    with pytest.raises(AllowanceSpent, match="takes 101 steps and 100 of this lab's 100"):
        house.begin(TOTAL, steps=101)
    house.begin(training_rule(given, None, "ana", replace(house.lab, training=TOTAL)), steps=101)
    with pytest.raises(AllowanceSpent, match="takes 30 steps and 29 of this lab's 130"):
        house.begin(training_rule(given, None, "ana", replace(house.lab, training=TOTAL)), steps=30)


def test_whoever_cancels_before_the_first_step_gets_all_of_it_back(house):
    job = house.begin(replace(TOTAL, minutes=10))
    house.service.cancel(job)

    assert (house.reserved(UNIT), house.reserved(TIME)) == (0, 0)


def test_what_was_taken_of_steps_and_time_is_paid_and_no_more_than_was_set_aside(house):
    job = house.begin(replace(TOTAL, minutes=10), steps=10)
    assert house.service.jobs.take(job)
    house.service.jobs.progress(job.id, 4, 400, 99_999.0)
    house.service.jobs.finish(job.id, "cancelled")
    house.service.charges.settle(house.service.jobs.get(job.id))

    order = Order("ana", "testing", "clip", Share(10**6, None, "total"), 0, "", "")
    used = {unit: dict(Ledger(house.engine).balances(replace(order, unit=unit)))["lab"].used for unit in (UNIT, TIME)}
    assert used == {UNIT: 4, TIME: -(-10 * job.step_tokens // 100)}


def test_a_crash_between_end_and_settlement_is_put_right_for_both(house):
    job = house.begin(replace(TOTAL, minutes=10))
    house.service.jobs.take(job)
    house.service.jobs.finish(job.id, "failed", error={"code": "PlatformFault", "message": "x", "param": ""})
    house.service.charges.tidy()

    assert (house.reserved(UNIT), house.reserved(TIME)) == (0, 0)


@pytest.mark.parametrize("changed", [{"ai_policy": "closed"}, {"models": ("another",)}])
def test_a_base_a_lab_does_not_have_is_not_trained_there(house, changed):
    with pytest.raises(ModelNotAllowed):
        house.begin(TOTAL, **changed)
    with pytest.raises(ModelNotAllowed, match="Nothing is trained"):
        house.begin(None)


def test_a_few_at_a_time(house):
    for _ in range(MOST_OPEN):
        house.begin(TOTAL, steps=1)
    with pytest.raises(TooManyAtOnce):
        house.begin(TOTAL, steps=1)


def test_another_file_of_hers_must_be_hers_and_of_the_same_kind(house):
    asked = {"model": BASE, "training_file": house.file, "validation_file": "file-" + "0" * 24}
    with pytest.raises(RequestRefused, match="You have no file"):
        house.service.begin(house.member(TOTAL), read(json.dumps(asked).encode()))


def trained(house: House, weights: bytes) -> str:
    """The name of a model of hers that came to these."""
    job = house.begin(TOTAL, steps=1)
    house.service.jobs.take(job)
    digest = house.service.storage._places.keep_adapter(Adapter(b"{}", weights))
    house.service.events.keep_checkpoint(job.id, 1, {"train_loss": 1.0}, digest)
    house.service.jobs.finish(job.id, "succeeded", adapter=digest)
    house.service.charges.settle(house.service.jobs.get(job.id))
    return job.model


def test_whoever_keeps_too_much_gives_a_model_up_before_the_next(house):
    first = trained(house, b"x" * 2**20)
    with pytest.raises(TooManyAtOnce, match=r"Your models take 1 MB here, of 1\..*\.delete\(\)"):
        house.begin(TOTAL, steps=1)
    assert house.reserved(UNIT) == 0

    assert house.service.delete(house.member(TOTAL), first)
    assert house.begin(TOTAL, steps=1)


def test_a_model_that_was_given_up_is_nobodys_and_its_figures_stay(house):
    model = trained(house, b"x")
    places = house.service.storage._places
    assert own(house.service.jobs, house.service.events, "ana", model)
    assert house.service.delete(house.member(TOTAL), model)

    [job] = house.service.jobs.of("ana", "testing", "clip")
    assert (job.state, job.adapter) == ("succeeded", None)
    assert own(house.service.jobs, house.service.events, "ana", model) is None
    assert not any((places.folder / "adapters").iterdir())
    assert not house.service.delete(house.member(TOTAL), model), "once"


def test_a_model_that_came_out_the_same_as_anothers_stays_hers(house):
    mine, hers = trained(house, b"the same"), trained(house, b"the same")
    assert house.service.delete(house.member(TOTAL), mine)

    _job, digest = own(house.service.jobs, house.service.events, "ana", hers)
    assert house.service.storage._places.read_adapter(digest)


def test_nobody_gives_up_what_is_anothers_or_still_trains(house):
    model, running = trained(house, b"x"), house.begin(TOTAL, steps=1)
    ben = replace(house.member(TOTAL), username="ben")

    assert not house.service.delete(ben, model)
    assert not house.service.delete(house.member(TOTAL), running.model)
    assert not house.service.delete(house.member(TOTAL), "smollm2-135m-instruct")


def test_a_base_that_a_class_may_not_use_now_is_not_trained_either(house):
    def paused(base: str) -> None:
        raise ModelPaused(f"Your instructor has paused {base}.")

    asked = read(json.dumps({"model": BASE, "training_file": house.file}).encode())
    with pytest.raises(ModelPaused):
        house.service.begin(replace(house.member(TOTAL), check_pause=paused), asked)
    assert house.reserved(UNIT) == 0


def test_the_books_balance_after_a_training_of_a_cohort(house):
    order = Order("ana", "testing", "clip", Share(), 0, "", "", "first")
    asked = read(json.dumps({"model": BASE, "training_file": house.file, "labkit": {"steps": 10}}).encode())
    job = house.service.begin(replace(house.member(replace(TOTAL, minutes=10)), order=order), asked)
    assert balance(house.engine).wrong == ()
    house.service.jobs.take(job)
    house.service.jobs.progress(job.id, 4, 400, 2.0)
    house.service.jobs.finish(job.id, "cancelled")
    house.service.charges.settle(house.service.jobs.get(job.id))

    found = balance(house.engine)
    assert (found.charges, found.wrong) == (2, ())
