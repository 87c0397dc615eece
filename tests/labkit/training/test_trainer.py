"""Jobs are trained side by side, each to the end it would have had alone, whatever becomes of the others or of us."""

from __future__ import annotations

import copy
import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")


from labkit.training import outcome  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402
from labkit.training.takeaway import GGUF  # noqa: E402
from labkit.training.turns import FULL  # noqa: E402
from tests.labkit.training.site import DPO, NEVER, SFT, UPPER, answers, empty, go, need, site  # noqa: E402

__all__ = ["empty", "site"]


@pytest.mark.parametrize("spec", [SFT, DPO, UPPER], ids=["answers", "pairs", "upper layers"])
def test_a_training_comes_to_the_model_its_rows_make_and_leaves_nothing_behind(site, spec: Spec):
    id = site.ask(spec)
    trainer = site.trainer(checkpoint_seconds=-1)
    assert go(trainer) == spec.steps
    assert not trainer.busy
    job = site.job(id)

    assert (job.state, job.step, job.error) == ("succeeded", spec.steps, None)
    assert job.adapter == site.alone(id)
    assert site.places.read_adapter(job.adapter).digest == job.adapter
    assert (site.places.adapter(job.adapter) / GGUF).read_bytes()[:4] == b"GGUF"
    assert not site.places.state(id).parent.exists()
    assert site.steps(id) == list(range(1, spec.steps + 1))
    assert site.losses(id)[-1] < site.losses(id)[0]
    assert site.said(id) == [
        "The training has begun: it learns from 4 rows.",
        "The training is done; your model answers now.",
    ]
    assert (job.tokens > 0, job.seconds > 0) == (True, True)
    assert (site.balance().used, site.balance().reserved) == (spec.steps, 0)


def test_jobs_that_are_trained_together_come_to_what_each_comes_to_alone(site):
    asked = [site.ask(SFT), site.ask(DPO, who="ben"), site.ask(UPPER, who="carla"), site.ask(SFT, answers(5, "nurse"))]
    trainer = site.trainer()
    assert go(trainer) == 5, "all at once"

    assert [site.job(id).adapter for id in asked] == [site.alone(id) for id in asked]
    assert site.loaded == 1


def test_a_job_that_comes_later_joins_those_at_work(site):
    first, trainer = site.ask(SFT), site.trainer()
    trainer.round()
    second = site.ask(SFT, answers(3), who="ben")

    assert go(trainer) == 5, "one round more than the four the first had left"
    assert [site.job(id).adapter for id in (first, second)] == [site.alone(first), site.alone(second)]


@pytest.mark.parametrize(("steps", "kept"), [(12, [4, 8, 12]), (10, [4, 8, 10]), (9, [9]), (1, [1])])
def test_what_it_was_at_a_third_and_at_two_thirds_is_kept(site, steps: int, kept: list[int]):
    id = site.ask(replace(SFT, steps=steps))
    go(site.trainer())
    found = site.events.checkpoints(id)[::-1]

    assert [one.step for one in found] == kept
    assert [one.metrics["train_loss"] for one in found] == [site.losses(id)[step - 1] for step in kept]
    assert len({one.adapter for one in found}) == len(kept), "each is another"
    assert all(site.places.read_adapter(one.adapter).digest == one.adapter for one in found)
    assert site.job(id).adapter == found[-1].adapter


def test_what_was_held_back_is_measured_and_changes_nothing(site):
    plain, measured = site.ask(SFT), site.ask(SFT, held_back=answers(3, "nurse"))
    go(site.trainer())

    figures = [event.data for event in site.events.of(measured) if event.kind == "metrics"]
    assert all(one["valid_loss"] > 0 for one in figures)
    assert site.events.checkpoints(measured)[0].metrics["valid_loss"] == figures[-1]["valid_loss"]
    assert site.job(measured).adapter == site.job(plain).adapter


def test_two_trainers_never_train_one_job(site):
    asked = [site.ask(SFT), site.ask(DPO, who="ben")]
    first, second = site.trainer(), site.trainer()
    assert first.round()
    assert not second.round()
    assert not second.busy
    third = site.ask(UPPER, who="carla")
    assert second.round()
    for _ in range(5):
        first.round()
        second.round()

    assert [site.steps(id) for id in (*asked, third)] == [[1, 2, 3, 4, 5]] * 2 + [[1, 2, 3, 4]]
    assert [site.job(id).adapter for id in (*asked, third)] == [site.alone(id) for id in (*asked, third)]


@pytest.mark.parametrize("at", [1, 4])
@pytest.mark.parametrize("spec", [SFT, DPO, UPPER], ids=["answers", "pairs", "upper layers"])
def test_after_stop_another_goes_on_to_the_same_bits(site, spec: Spec, at: int):
    at = min(at, spec.steps - 1)
    id = site.ask(spec)
    first = site.trainer()
    go(first, at)
    first.stop()
    assert not first.busy
    assert (site.job(id).state, site.job(id).step) == ("queued", at)
    tokens = site.job(id).tokens
    assert tokens > 0

    go(site.trainer())
    assert site.job(id).adapter == site.alone(id)
    assert site.steps(id) == list(range(1, spec.steps + 1))
    assert f"The training goes on from step {at}." in site.said(id)
    assert site.job(id).tokens > tokens
    assert (site.balance().used, site.balance().reserved) == (spec.steps, 0)


def test_one_that_was_stopped_has_the_figures_of_one_that_was_not(site):
    whole = site.ask(SFT)
    go(site.trainer())
    id = site.ask(SFT, who="ben")
    for rounds in (1, 2, 100):
        trainer = site.trainer()
        go(trainer, rounds)
        trainer.stop()

    assert site.losses(id) == site.losses(whole)
    assert site.job(id).tokens == site.job(whole).tokens
    assert [event.data["tokens"] for event in site.events.of(id) if event.kind == "metrics"] == [
        event.data["tokens"] for event in site.events.of(whole) if event.kind == "metrics"
    ]


@pytest.mark.parametrize("seconds", [-1, NEVER], ids=["with a checkpoint", "before its first checkpoint"])
def test_what_a_killed_trainer_had_is_taken_back_and_goes_on_to_the_same_bits(site, monkeypatch, seconds: float):
    whole = site.ask(SFT, who="ben")
    go(site.trainer())
    monkeypatch.setattr(outcome, "_WRITE_SECONDS", -1)  # its figures are known up to the step at which it was killed
    id = site.ask(SFT)
    dead = site.trainer(gone=True, checkpoint_seconds=seconds)
    go(dead, 3)
    assert (site.job(id).state, site.steps(id)) == ("running", [1, 2, 3])

    assert go(site.trainer()) == (2 if seconds < 0 else 5)
    assert (site.job(id).state, site.job(id).adapter) == ("succeeded", site.alone(id))
    assert site.steps(id) == [1, 2, 3, 4, 5], "each step is told once"
    assert site.job(id).tokens == site.job(whole).tokens, "and counted once"
    assert (site.balance().used, site.balance().reserved) == (5, 0)


@pytest.mark.parametrize("harm", ["cut", "of another job"])
def test_a_checkpoint_that_is_none_begins_the_training_again(site, harm: str):
    id, other = site.ask(SFT), site.ask(replace(SFT, seed=9), who="ben")
    first = site.trainer()
    go(first, 3)
    first.stop()
    state = site.places.state(id)
    state.write_bytes(site.places.state(other).read_bytes() if harm == "of another job" else state.read_bytes()[:99])
    go(site.trainer())

    assert site.job(id).adapter == site.alone(id)
    assert site.steps(id) == [1, 2, 3, 4, 5]
    assert site.job(id).tokens == site.events.newest(id, None, 2)[1].data["tokens"]


def test_rows_are_measured_as_they_are_once_they_have_been_read(site):
    id, trainer = site.ask(SFT, step_tokens=1.0), site.trainer()
    trainer.round()

    assert site.job(id).step_tokens == pytest.approx(site.job(id).tokens, rel=0.2)


def test_a_job_whose_memory_is_not_there_waits_until_it_is_and_has_not_been_tried(site):
    first, second = site.ask(SFT), site.ask(replace(SFT, seed=2), who="ben")
    trainer = site.trainer(memory=need(site, SFT) * 3 // 2)
    go(trainer, 3)
    assert site.job(first).state == "running"
    assert (site.job(second).state, site.job(second).tries) == ("queued", 0)
    assert site.said(second) == []

    assert go(trainer) == 2 + 5, "one after the other"
    assert [site.job(id).adapter for id in (first, second)] == [site.alone(first), site.alone(second)]
    assert "The training has begun: it learns from 4 rows." in site.said(second), (
        "as if it had never been looked at before"
    )


def test_a_job_that_would_fit_does_not_overtake_one_that_waits_for_memory(site):
    small = replace(SFT, rank=1)
    site.ask(SFT), site.ask(replace(SFT, rank=4), who="ben")
    last = site.ask(small, who="carla")
    trainer = site.trainer(memory=need(site, SFT) + need(site, small))
    go(trainer, 2)

    assert site.job(last).state == "queued"


def test_a_job_that_never_fits_is_refused_with_what_to_change_and_costs_nothing(site):
    large, other = site.ask(replace(SFT, length=8192, batch=4, rank=64)), site.ask(SFT, who="ben")
    go(site.trainer(memory=need(site, SFT) + 1))
    job = site.job(large)

    assert (job.state, job.error["code"]) == ("failed", "LearnerError")
    assert "of memory" in job.error["message"]
    assert job.error["message"].endswith("Lower length, batch or rank.")
    assert (site.balance().used, site.balance().reserved) == (0, 0)
    assert site.job(other).state == "succeeded", "and keeps nobody waiting"


def test_a_pass_that_is_full_lets_the_next_wait(site):
    first, second = site.ask(SFT), site.ask(SFT, who="ben", step_tokens=FULL)
    trainer = site.trainer()
    go(trainer, 2)
    assert [site.job(id).state for id in (first, second)] == ["running", "queued"]

    assert go(trainer) == 3 + 5
    assert site.job(second).state == "succeeded"


def test_a_base_is_loaded_when_it_is_first_needed_and_stays_while_it_is(site):
    trainer = site.trainer()
    assert not trainer.round()
    assert site.loaded == 0
    for _ in range(2):
        site.ask(replace(SFT, steps=1))
        go(trainer)

    assert site.loaded == 1


def test_an_idle_base_leaves_memory_and_comes_back_when_it_is_needed(site):
    made: list[weakref.ref[Any]] = []

    def load(_folder: Path) -> Any:
        found = copy.copy(site.tiny)
        made.append(weakref.ref(found))
        return found

    trainer = site.trainer(load=load, idle_seconds=-1)
    site.ask(SFT)
    for _ in range(4):
        assert trainer.round()
    gc.collect()
    assert made[0]() is not None, "not while a job is at work on it"
    go(trainer)
    gc.collect()
    assert made[0]() is None

    again = site.ask(SFT, who="ben")
    go(trainer)
    assert len(made) == 2
    assert site.job(again).state == "succeeded"


def test_a_share_of_the_rows_is_held_back_and_measured_on(site):
    id = site.ask(replace(SFT, validation=0.4), rows=answers(10))
    go(site.trainer())

    assert site.said(id)[0] == "The training has begun: it learns from 6 rows, 4 are held back."
    assert [event.data["valid_loss"] > 0 for event in site.events.of(id) if "valid_loss" in event.data]


def test_of_rows_that_are_alike_none_is_held_back_and_that_is_said(site):
    id = site.ask(replace(SFT, validation=0.4), rows=answers(1) * 10)
    go(site.trainer())

    assert site.said(id)[0].endswith("it learns from 10 rows; none is held back, since all are alike.")


def test_a_row_that_is_too_long_is_told_by_its_number_in_what_was_sent(site):
    rows = answers(6)
    rows[4]["completion"] = "and so on " * 200
    id = site.ask(replace(SFT, validation=0.4), rows=rows)
    go(site.trainer())

    assert "row 5: it has" in site.job(id).error["message"]
