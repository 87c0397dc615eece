"""Faults that trainings once had, each kept out by what showed it. It borrows the sites of its neighbours."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from labkit.allowance import Ledger  # noqa: E402
from labkit.errors import PlatformFault, RequestRefused  # noqa: E402
from labkit.training.charges import Charges  # noqa: E402
from labkit.training.cotrainer import CoTrainer  # noqa: E402
from labkit.training.events import Events  # noqa: E402
from labkit.training.files import Files  # noqa: E402
from labkit.training.jobs import PAUSES, Jobs, new_id  # noqa: E402
from labkit.training.places import Places  # noqa: E402
from labkit.training.request import read  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402
from tests.labkit.training import site as trainings  # noqa: E402
from tests.labkit.training import test_charges as charging  # noqa: E402
from tests.labkit.training import test_holding as holdings  # noqa: E402
from tests.labkit.training import test_jobs as jobs_of  # noqa: E402
from tests.labkit.training import test_spent as spending  # noqa: E402
from tests.labkit.training import test_takeaway as packing  # noqa: E402

empty, site, kept = trainings.empty, trainings.site, holdings.kept
SFT, go = trainings.SFT, trainings.go

pg = pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
sq = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_whoever_looked_before_a_rewind_is_told_what_came_after(engine):
    events = Events(engine)
    job = "ftjob-" + "0a" * 12

    def fig(*steps):
        return [{"step": s, "total_steps": 9, "train_loss": 1.0} for s in steps]

    events.measured(job, fig(1, 2, 3, 4))
    seen = events.of(job)[-1].id
    events.rewind(job, 2)
    events.say(job, "goes on")
    events.measured(job, fig(3, 4))
    assert [one.data.get("step") for one in events.of(job, after=seen)] == [None, 3, 4]


def test_figures_are_whole_numbers(engine):
    jobs = Jobs(engine, lambda: spending.NOON)
    job = jobs_of.add(jobs)
    jobs.take(job)
    jobs.progress(job.id, 1, 100, 1.0)
    [found] = spending.spent(engine, spending.NOON, spending.NOON + spending.HOUR)
    assert type(found.tokens) is int


@pg
def test_a_job_that_another_has_taken_back_and_taken_meanwhile_stays_his(engine):
    dead, slow, quick = Jobs(engine), Jobs(engine), Jobs(engine)
    dead.holder = jobs_of.gone()
    job = jobs_of.add(dead)
    dead.take(job)

    def alive(holder, since):
        if quick.take_back():
            assert quick.take(quick.get(job.id))
        return False

    slow.take_back(alive)
    assert not slow.take(slow.get(job.id)), "two workers hold one job"


@sq
def test_the_pauses_are_those_that_are_written_down(engine):
    clock = jobs_of.Clock()
    jobs = Jobs(engine, clock)
    job = jobs_of.add(jobs)
    waited = []
    while True:
        assert jobs.take(jobs.get(job.id))
        began = clock.now
        if not jobs.give_up(jobs.get(job.id), jobs_of.FAULT):
            break
        while not jobs.waiting():
            clock.now += timedelta(seconds=1)
        waited.append((clock.now - began).total_seconds())
    assert waited == list(PAUSES)


@sq
def test_a_worker_of_another_machine_that_still_writes_is_not_taken_for_gone(engine):
    clock = jobs_of.Clock()
    clock.now = datetime.now(UTC) - timedelta(hours=3)
    far = Jobs(engine, clock)
    far.holder = "/".join(("elsewhere", *far.holder.split("/")[1:]))
    job = jobs_of.add(far)
    far.take(job)
    clock.now = datetime.now(UTC)
    assert far.progress(job.id, 5, 50, 1.0)
    assert Jobs(engine).take_back() == 0


@sq
def test_what_was_set_aside_for_a_job_that_never_came_to_be_is_given_back_in_the_end(engine):
    ledger = Ledger(engine, now=lambda: datetime.now(UTC) - timedelta(days=2))
    charges = Charges(engine, ledger, Jobs(engine))
    charges.reserve(charging.order(60), new_id(), "base")
    charges.tidy()
    from sqlalchemy import select

    from labkit.database.tables import reservations

    with engine.connect() as c:
        assert c.execute(select(reservations.c.id)).all() == []


@sq
def test_tidy_says_how_many_jobs(engine):
    ledger, jobs = Ledger(engine), Jobs(engine)
    charges = Charges(engine, ledger, jobs)
    charging.end(jobs, charging.begin(charges, jobs, seconds=50), "succeeded", 5)
    assert charges.tidy() == 1


@pytest.mark.parametrize("kind", [[], {}, ["dpo"]])
def test_a_method_type_that_is_no_text_is_refused(kind):
    with pytest.raises(RequestRefused):
        read(json.dumps({"model": "b", "training_file": "f", "method": {"type": kind}}).encode())


@pytest.mark.parametrize(
    "more",
    [
        {"hyperparameters": {"n_epochs": 1, "batch_size": 4.0}},
        {"hyperparameters": {"n_epochs": 1}, "labkit": {"batch": 4.0}},
    ],
)
def test_a_batch_size_that_comes_as_a_float_makes_as_many_steps_as_a_whole_one(more):
    assert read(json.dumps({"model": "b", "training_file": "f", **more}).encode()).spec(20, "sft").steps == 5


def test_half_a_character_in_metadata_is_refused_or_can_be_sent_back():
    from starlette.responses import JSONResponse

    raw = b'{"model": "b", "training_file": "f", "metadata": {"a": "\\ud800"}}'
    try:
        asked = read(raw)
    except RequestRefused:
        return
    JSONResponse(asked.told)


def test_an_id_or_name_with_a_nul_is_no_fault(engine, tmp_path):
    files = Files(engine, Places(tmp_path / "t"))
    assert files.get("ana", "file-\0") is None


def test_a_job_id_with_a_nul_is_none(engine):
    assert Jobs(engine).get("ftjob-\0", "ana") is None


def test_a_name_with_a_nul_is_kept_or_refused(engine, tmp_path):
    files = Files(engine, Places(tmp_path / "t"))
    try:
        files.add("ana", "c", "l", "a\0b", b'{"prompt": "a", "completion": "b"}')
    except RequestRefused:
        pass


@sq
def test_a_name_with_half_a_character_is_kept_or_refused_and_leaves_nothing(engine, tmp_path):
    files = Files(engine, Places(tmp_path / "t"))
    try:
        files.add("ana", "c", "l", "a\ud800b", b'{"prompt": "a", "completion": "b"}')
    except RequestRefused:
        pass


def test_what_somebody_elses_job_was_on_the_way_stays(kept):
    kept.train("ana", b"hers", b"the same")
    kept.train("ben", b"his", b"the same")
    kept.holding.erase("ana", "erased-1")
    assert holdings.digest(b"the same") in kept.adapters()


def test_what_is_the_last_of_hers_and_on_the_way_of_another_stays(kept):
    kept.train("ana", b"the same")
    kept.train("ben", b"his", b"the same")
    kept.holding.erase("ana", "erased-1")
    assert holdings.digest(b"the same") in kept.adapters()


async def test_gguf_of_a_model_that_is_gone_is_our_fault(engine, tmp_path):
    places = Places(tmp_path / "t")
    from labkit.training.job import Job

    row = dict.fromkeys(Job.__dataclass_fields__) | {
        "id": "ftjob-" + "0a" * 12,
        "spec": Spec("smollm2-135m-instruct").to_json(),
        "told": {},
        "adapter": "a" * 64,
        "tokens": 1,
        "seconds": 1.0,
        "step": 1,
    }
    with pytest.raises(PlatformFault):
        await packing.whole(packing.Takeaway(places, Events(engine)), Job.of(row), "gguf")


def test_admission_counts_with_the_rows_as_they_were_read(site):
    id = site.ask(SFT, step_tokens=1.0)
    trainer = site.trainer()
    trainer.round()
    assert trainer._at_work[id].job.step_tokens == site.job(id).step_tokens


def test_a_fault_at_the_very_end_does_not_leave_a_job_running_for_ever(site, monkeypatch):
    id, other = site.ask(SFT), site.ask(replace(SFT, steps=5), who="ben")
    trainer = site.trainer()
    go(trainer, 4)
    with monkeypatch.context() as broken:
        broken.setattr(Places, "keep_adapter", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError):
            trainer.round()
    for _ in range(20):
        site.now += timedelta(minutes=5)
        trainer.round()
    assert [site.job(one).state for one in (id, other)] == ["succeeded"] * 2


def test_a_database_that_is_away_while_a_job_ends_does_not_keep_it_running_for_ever(site, monkeypatch):
    id = site.ask(SFT)
    trainer = site.trainer()
    go(trainer, 4)
    with monkeypatch.context() as broken:
        broken.setattr(Jobs, "finish", lambda *_, **__: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError):
            trainer.round()
    for _ in range(20):
        site.now += timedelta(minutes=5)
        trainer.round()
    assert site.job(id).state == "succeeded"


def test_a_database_that_is_away_for_a_moment_loses_no_figure(site, monkeypatch):
    id, other = site.ask(SFT), site.ask(SFT, who="ben")
    trainer = site.trainer(checkpoint_seconds=-1)
    go(trainer, 2)
    with monkeypatch.context() as broken:
        broken.setattr(Events, "measured", lambda *_: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError):
            trainer.round()
    go(trainer)
    assert [site.steps(one) for one in (id, other)] == [[1, 2, 3, 4, 5]] * 2


def test_a_trainer_that_has_lost_its_job_lets_it_go(site):
    id = site.ask(SFT)
    slow = site.trainer(gone=True, checkpoint_seconds=-1)
    go(slow, 2)
    other = site.trainer(checkpoint_seconds=-1)
    other.round()  # has taken it back
    slow.round()
    slow.round()
    assert not slow.busy
    go(other)
    assert site.steps(id) == [1, 2, 3, 4, 5]


def test_a_trainer_that_has_lost_its_job_writes_none_of_its_figures(site):
    id = site.ask(SFT)
    slow = site.trainer(gone=True, checkpoint_seconds=-1)
    go(slow, 2)
    other = site.trainer(checkpoint_seconds=-1)
    go(other)
    go(slow)
    assert site.steps(id) == [1, 2, 3, 4, 5]
    assert not site.places.state(id).parent.exists()


def test_a_waiting_job_that_is_cancelled_leaves_no_state(site):
    id = site.ask(SFT)
    first = site.trainer()
    go(first, 2)
    first.stop()
    site.jobs.cancel(id)
    go(site.trainer())
    assert not site.places.state(id).parent.exists()


def test_a_crash_between_a_jobs_end_and_its_close_leaves_no_state(site):
    id = site.ask(SFT)
    first = site.trainer()
    go(first, 2)
    first.stop()
    jobs = Jobs(site.engine)
    jobs.take(site.job(id))
    jobs.finish(id, "cancelled")
    go(site.trainer())
    assert not site.places.state(id).parent.exists()


def test_a_base_leaves_memory_while_another_is_at_work(site):
    import copy
    import gc
    import weakref

    made = {}

    def load(folder):
        found = copy.copy(site.tiny)
        made[folder.name] = weakref.ref(found)
        return found

    jobs = Jobs(site.engine)
    charges = Charges(site.engine, site.ledger, jobs)
    trainer = trainings.Trainer(
        {"base": Path("base"), "other": Path("other")},
        jobs,
        site.files,
        site.events,
        charges,
        site.places,
        load=load,
        memory=2**50,
        idle_seconds=-1,
    )
    site.ask(replace(SFT, steps=1))
    site.ask(replace(SFT, base="other", steps=9), who="ben")
    go(trainer, 4)
    gc.collect()
    assert made["base"]() is None


def test_a_job_whose_step_breaks_does_not_fail_the_others(site, monkeypatch):
    id, other = site.ask(SFT), site.ask(SFT, who="ben")
    step = CoTrainer.step

    def breaks(self, batches):
        if id in batches:
            raise RuntimeError("this one")
        return step(self, batches)

    monkeypatch.setattr(CoTrainer, "step", breaks)
    trainer = site.trainer()
    for _ in range(40):
        site.now += timedelta(minutes=5)
        trainer.round()
    assert site.job(other).state == "succeeded"


def test_a_worker_that_is_ended_in_order_costs_a_job_none_of_its_tries(site):
    id = site.ask(SFT)
    for _ in range(3):
        t = site.trainer()
        go(t, 1)
        t.stop()
    t = site.trainer(load=lambda f: (_ for _ in ()).throw(OSError("away")))
    t.round()
    assert site.job(id).state == "queued"


def test_a_job_that_kills_its_worker_ends(site):
    id = site.ask(SFT)
    for _ in range(30):
        site.now += timedelta(minutes=5)
        t = site.trainer(gone=True)
        t.round()
    assert not site.job(id).open


def test_a_job_asked_to_end_that_is_put_back_is_over(site):
    id = site.ask(SFT)
    t = site.trainer()
    go(t, 1)
    site.jobs.cancel(id)
    t.stop()
    assert site.job(id).state == "cancelled"


def test_the_same_adapter_kept_again_mends_one_that_was_damaged(tmp_path):
    from labkit.training.adapter_files import WEIGHTS
    from labkit.training.adapter_files import Files as A

    places = Places(tmp_path)
    d = places.keep_adapter(A(b"{}", b"weights"))
    (places.adapter(d) / WEIGHTS).write_bytes(b"x")
    places.keep_adapter(A(b"{}", b"weights"))
    places.read_adapter(d)


def test_a_job_that_waits_for_memory_has_not_started(site):
    site.ask(SFT)
    second = site.ask(replace(SFT, seed=2), who="ben")
    t = site.trainer(memory=trainings.need(site, SFT) * 3 // 2)
    go(t, 2)
    assert site.job(second).started_at is None
