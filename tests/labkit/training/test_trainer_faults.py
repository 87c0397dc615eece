"""What breaks around a trainer, the disk, the database, another worker, or itself, costs a job nothing it had."""

from __future__ import annotations

import copy
import gc
import weakref
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.training.charges import Charges  # noqa: E402
from labkit.training.cotrainer import CoTrainer  # noqa: E402
from labkit.training.events import Events  # noqa: E402
from labkit.training.jobs import Jobs  # noqa: E402
from labkit.training.places import Places  # noqa: E402
from labkit.training.trainer import Trainer  # noqa: E402
from tests.labkit.training.site import SFT, empty, go, need, site  # noqa: E402

__all__ = ["empty", "site"]


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


def test_a_base_leaves_memory_while_another_is_at_work(site):
    made = {}

    def load(folder):
        found = copy.copy(site.tiny)
        made[folder.name] = weakref.ref(found)
        return found

    jobs = Jobs(site.engine)
    charges = Charges(site.engine, site.ledger, jobs)
    trainer = Trainer(
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
        trainer = site.trainer()
        go(trainer, 1)
        trainer.stop()
    trainer = site.trainer(load=lambda f: (_ for _ in ()).throw(OSError("away")))
    trainer.round()
    assert site.job(id).state == "queued"


def test_a_job_that_kills_its_worker_ends(site):
    id = site.ask(SFT)
    for _ in range(30):
        site.now += timedelta(minutes=5)
        trainer = site.trainer(gone=True)
        trainer.round()
    assert not site.job(id).open


def test_a_job_asked_to_end_that_is_put_back_is_over(site):
    id = site.ask(SFT)
    trainer = site.trainer()
    go(trainer, 1)
    site.jobs.cancel(id)
    trainer.stop()
    assert site.job(id).state == "cancelled"


def test_a_job_that_waits_for_memory_has_not_started(site):
    site.ask(SFT)
    second = site.ask(replace(SFT, seed=2), who="ben")
    trainer = site.trainer(memory=need(site, SFT) * 3 // 2)
    go(trainer, 2)
    assert site.job(second).started_at is None
