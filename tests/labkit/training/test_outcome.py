"""However a training ends, it is written down once, paid as it should be, and nothing of it is left behind."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from safetensors.torch import load, save  # noqa: E402

from labkit.training import checkpoint  # noqa: E402
from labkit.training.cotrainer import CoTrainer  # noqa: E402
from labkit.training.jobs import Jobs  # noqa: E402
from tests.labkit.training.site import DPO, SFT, Site, answers, empty, go, site  # noqa: E402

__all__ = ["empty", "site"]


def test_a_running_job_ends_before_its_next_step_and_pays_for_those_it_took(site):
    id, other = site.ask(SFT), site.ask(SFT, who="ben")
    trainer = site.trainer(checkpoint_seconds=-1)
    go(trainer, 2)
    site.jobs.cancel(id)
    go(trainer)
    job = site.job(id)

    assert (job.state, job.step, job.adapter, job.error) == ("cancelled", 2, None, None)
    assert site.steps(id) == [1, 2]
    assert site.said(id)[-1] == "The training was cancelled."
    assert not site.places.state(id).parent.exists()
    assert (site.balance().used, site.balance().reserved) == (2, 0)
    assert (site.job(other).adapter, site.balance("ben").used) == (site.alone(other), 5), "the other goes on"


def test_one_that_is_cancelled_before_its_first_step_pays_nothing(site):
    id, trainer = site.ask(SFT), site.trainer()
    site.jobs.cancel(id)
    assert not trainer.round()

    assert (site.job(id).state, site.steps(id)) == ("cancelled", [])
    assert (site.balance().used, site.balance().reserved) == (0, 0)


def test_a_crash_between_a_jobs_end_and_its_settlement_is_put_right_by_the_next(site):
    id = site.ask(SFT)
    first = site.trainer()
    go(first, 3)
    first.stop()
    jobs = Jobs(site.engine)
    jobs.take(site.job(id))
    jobs.finish(id, "cancelled")  # and then the lights went out
    assert (site.balance().used, site.balance().reserved) == (0, 5)
    site.trainer().round()

    assert (site.balance().used, site.balance().reserved) == (3, 0)
    assert not site.places.state(id).parent.exists()


def test_a_loss_that_is_no_number_fails_that_job_alone(site):
    asked = [site.ask(SFT), site.ask(SFT, who="ben"), site.ask(DPO, who="carla")]
    first = site.trainer()
    go(first, 2)
    first.stop()
    _poison(site.places.state(asked[1]))
    go(site.trainer())
    job = site.job(asked[1])

    assert (job.state, job.step, job.adapter) == ("failed", 2, None)
    assert job.error == {
        "code": "LearnerError",
        "message": "The loss was no number at step 3. Lower learning_rate and try again.",
        "param": "",
    }
    assert site.said(asked[1])[-1] == job.error["message"]
    assert site.steps(asked[1]) == [1, 2], "what is no number is no figure"
    assert (site.balance("ben").used, site.balance("ben").reserved) == (2, 0)
    for id in (asked[0], asked[2]):
        assert (site.job(id).state, site.job(id).adapter) == ("succeeded", site.alone(id))


def _poison(path: Path) -> None:
    """A weight of that checkpoint is no number from here on."""
    content = path.read_bytes()[checkpoint._DIGEST :]
    metadata, tensors = checkpoint._metadata(content), load(content)
    tensors["weights"][0] = float("nan")
    content = save(tensors, metadata)
    path.write_bytes(hashlib.sha256(content).digest() + content)


LONG = {"prompt": "Why?", "completion": "Because of the flood. " * 20}


@pytest.mark.parametrize(("where", "said"), [("rows", "row 3: it has"), ("held_back", "validation row 2: it has")])
def test_a_row_that_is_too_long_fails_its_job_by_its_number_and_costs_nothing(site, where: str, said: str):
    given = {"rows": answers(4), "held_back": answers(2)}
    given[where].insert(2 if where == "rows" else 1, LONG)
    id, other = site.ask(replace(SFT, length=64), **given), site.ask(SFT, who="ben")
    go(site.trainer())
    job = site.job(id)

    assert job.state == "failed"
    assert job.error["code"] == "RequestRefused"
    assert job.error["message"].startswith(said)
    assert "at most 64" in job.error["message"]
    assert job.error["message"] == site.said(id)[-1]
    assert "flood" not in json.dumps(job.error), "and tells nothing of what she wrote"
    assert (site.balance().used, site.balance().reserved) == (0, 0)
    assert site.job(other).state == "succeeded"


def _fault(site: Site, kind: str, id: str) -> dict[str, Any]:
    """What a trainer is made with, or the disk as it is, when something is wrong on our side."""
    file = site.places.file(site.job(id).training_file)
    if kind == "the rows are gone":
        file.unlink()
    elif kind == "the rows have changed":
        file.write_bytes(file.read_bytes().replace(b"clerk", b"clark"))
    elif kind == "the base cannot be read":

        def load(_folder: Path) -> Any:
            raise OSError("/srv/models/base is gone")

        return {"load": load}
    return {}


@pytest.mark.parametrize(
    "kind", ["the rows are gone", "the rows have changed", "the base cannot be read", "the base is not here"]
)
def test_after_our_fault_a_job_is_tried_again_and_when_it_fails_it_costs_nothing(site, kind: str):
    id = site.ask(replace(SFT, base="other") if kind == "the base is not here" else SFT)
    trainer = site.trainer(**_fault(site, kind, id))
    trainer.round()
    assert site.job(id).state == "queued"
    assert site.said(id) == ["Something broke on our side; the training is tried again soon."]
    assert not trainer.round(), "not at once"
    for _ in range(9):
        site.now += timedelta(minutes=5)
        trainer.round()
    job = site.job(id)

    assert (job.state, job.error["code"]) == ("failed", "PlatformFault")
    assert job.error["message"] == site.said(id)[-1]
    assert "/" not in json.dumps(job.error), "she is told nothing of our machines"
    assert (site.balance().used, site.balance().reserved) == (0, 0)


def test_a_base_that_cannot_be_read_for_a_moment_costs_nobody_her_training(site):
    id, broken = site.ask(SFT), [OSError("away")]

    def load(folder: Path) -> Any:
        if broken:
            raise broken.pop()
        return site.load(folder)

    trainer = site.trainer(load=load)
    trainer.round()
    site.now += timedelta(minutes=5)
    go(trainer)

    assert (site.job(id).state, site.job(id).adapter) == ("succeeded", site.alone(id))


def test_after_a_step_that_broke_all_go_on_from_their_checkpoints_to_the_same_bits(site, monkeypatch):
    asked = [site.ask(SFT), site.ask(DPO, who="ben")]
    trainer = site.trainer(checkpoint_seconds=-1)
    go(trainer, 2)
    with monkeypatch.context() as broken:
        broken.setattr(CoTrainer, "step", lambda *_: (_ for _ in ()).throw(RuntimeError("no memory")))
        trainer.round()
    assert not trainer.busy
    assert [(site.job(id).state, site.job(id).step) for id in asked] == [("queued", 2)] * 2
    assert not trainer.round()
    site.now += timedelta(minutes=5)

    assert go(trainer) == 3
    assert [site.job(id).adapter for id in asked] == [site.alone(id) for id in asked]
    assert site.steps(asked[0]) == [1, 2, 3, 4, 5]
    assert site.balance().used == 5
