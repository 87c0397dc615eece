"""Who comes to work, and when: nobody's rows, however long, and nobody's training keep the others from going on."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytestmark = pytest.mark.model

pytest.importorskip("torch")

from labkit.training import intake, opening, turns  # noqa: E402
from labkit.training.turns import FULL  # noqa: E402
from tests.labkit.training.site import SFT, answers, empty, go, site  # noqa: E402

__all__ = ["empty", "site"]
LONG = replace(SFT, steps=12)


@pytest.fixture
def a_row_at_a_time(monkeypatch):
    """So slow is the reading of rows."""
    monkeypatch.setattr(intake, "_BESIDE_OTHERS", 0.0)
    monkeypatch.setattr(intake, "_ALONE", 0.0)


def test_others_train_on_while_somebodys_rows_are_read(site, a_row_at_a_time):
    first = site.ask(replace(SFT, steps=9), rows=answers(2))
    trainer = site.trainer()
    go(trainer, 4)
    assert site.job(first).state == "running"
    second = site.ask(SFT, rows=answers(200), who="ben")
    go(trainer, 10)

    assert site.job(first).state == "succeeded", "not one step waited"
    assert site.job(second).state == "running"
    assert site.steps(second) == []
    go(trainer, 300)
    assert site.job(second).adapter == site.alone(second)


def test_whoever_is_read_quickly_overtakes_whoever_is_not(site, a_row_at_a_time):
    slow, quick = site.ask(SFT, rows=answers(200)), site.ask(SFT, rows=answers(2), who="ben")
    go(site.trainer(), 20)

    assert site.job(quick).state == "succeeded"
    assert site.steps(slow) == []


def test_one_that_is_cancelled_while_its_rows_are_read_ends_at_once_and_costs_nothing(site, a_row_at_a_time):
    id = site.ask(SFT, rows=answers(200))
    trainer = site.trainer()
    go(trainer, 3)
    site.jobs.cancel(id)
    trainer.round()

    assert (site.job(id).state, trainer.busy) == ("cancelled", False)
    assert (site.balance().used, site.balance().reserved) == (0, 0)


def test_a_worker_that_ends_leaves_what_it_reads_as_if_it_had_not_looked(site, a_row_at_a_time):
    id = site.ask(SFT, rows=answers(200))
    trainer = site.trainer()
    go(trainer, 3)
    trainer.stop()

    assert (site.job(id).state, site.job(id).tries, site.job(id).started_at) == ("queued", 0, None)


def test_what_is_measured_now_and_then_is_no_more_than_a_few_passes(site, monkeypatch):
    monkeypatch.setattr(opening, "MOST_MEASURED_TOKENS", 100)
    id = site.ask(SFT, held_back=answers(40))
    trainer = site.trainer()
    trainer.round()

    held = trainer._at_work[id].held_back
    assert 1 <= len(held) < 8
    assert sum(len(row.ids) for row in held) <= 100


def test_a_step_that_is_too_large_is_refused_and_costs_nothing(site):
    id, other = site.ask(SFT), site.ask(replace(SFT, batch=1), who="ben")
    go(site.trainer(step_tokens=60))

    assert "A step of this training may take" in site.job(id).error["message"]
    assert (site.balance().used, site.balance().reserved) == (0, 0)
    assert site.job(other).state == "succeeded"


def test_a_long_training_gives_way_to_a_short_one_and_loses_nothing(site, monkeypatch):
    monkeypatch.setattr(turns, "SLICE", 1e-6)  # whoever has had a step has had more than whoever has had none
    long = site.ask(LONG, step_tokens=FULL)
    trainer = site.trainer(checkpoint_seconds=-1)  # what they have had is written down at once
    monkeypatch.setattr(intake, "step_tokens", lambda rows, batch: FULL)  # one at a time
    go(trainer, 3)
    short = site.ask(SFT, who="ben", step_tokens=FULL)
    while site.job(short).state != "succeeded":
        assert trainer.round()

    assert site.job(long).state != "succeeded"
    go(trainer, 100)
    assert site.steps(long) == list(range(1, 13))
    assert site.job(long).adapter == site.alone(long), "every bit of what it would be alone"
    assert site.job(long).tries == 1, "giving way is no failure"


def test_a_pause_puts_those_at_work_aside_and_keeps_those_who_wait(site):
    paused: set[str] = set()
    first, other = site.ask(LONG), site.ask(LONG, who="ben")
    trainer = site.trainer(paused=lambda job: job.username in paused)
    go(trainer, 4)
    paused.add("ana")
    third = site.ask(SFT)
    go(trainer, 50)

    assert [site.job(id).state for id in (first, other, third)] == ["queued", "succeeded", "queued"]
    assert "Your instructor has paused this at step 4" in site.said(first)[-1]
    paused.clear()
    go(trainer, 50)
    assert [site.job(id).state for id in (first, third)] == ["succeeded"] * 2
    assert site.job(first).adapter == site.alone(first)
    assert site.job(first).tries == 1


def test_nobody_gives_way_to_whoever_has_had_as_much(site):
    first = site.ask(LONG, step_tokens=FULL)
    trainer = site.trainer()
    go(trainer, 3)
    second = site.ask(LONG, who="ben", step_tokens=FULL)
    go(trainer, 3)

    assert [site.job(id).state for id in (first, second)] == ["running", "queued"]
