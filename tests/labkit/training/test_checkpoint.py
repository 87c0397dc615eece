"""A job that was cut short goes on from its checkpoint as if nothing had been."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.training import checkpoint  # noqa: E402
from labkit.training.cotrainer import CoTrainer  # noqa: E402
from labkit.training.encode import encode  # noqa: E402
from labkit.training.order import batch  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402

SPEC = Spec("base", rank=4, learning_rate=0.01, steps=8, schedule="cosine", weight_decay=0.01)
ABOUT = {"spec": SPEC.to_json(), "data": "abc"}


@pytest.fixture
def rows(tiny, conversations):
    return [encode(tiny.tokenizer, text, 64, "row") for text in conversations(7, 6)]


def go(trainer, job, rows, steps: int) -> None:
    while job.step < steps:
        trainer.step({"job": (job, batch(rows, SPEC.batch, job.step, SPEC.seed))})


@pytest.mark.parametrize("at", [0, 1, 5])
def test_it_ends_with_the_bits_of_one_that_was_never_cut_short(tiny, rows, tmp_path, at: int):
    trainer = CoTrainer(tiny)
    whole = trainer.join(SPEC)
    go(trainer, whole, rows, 8)
    first = trainer.join(SPEC)
    go(trainer, first, rows, at)
    checkpoint.write(tmp_path / "state", first, ABOUT)

    again = CoTrainer(tiny).join(SPEC)
    assert checkpoint.read(tmp_path / "state", again, ABOUT)
    assert again.step == at
    go(trainer, again, rows, 8)

    assert torch.equal(again.adapter.weights, whole.adapter.weights)


@pytest.mark.parametrize("harm", ["gone", "cut", "noise", "one bit", "other data", "other rank"])
def test_what_is_no_checkpoint_of_this_job_changes_nothing(tiny, rows, tmp_path, harm: str):
    trainer, path = CoTrainer(tiny), tmp_path / "state"
    job = trainer.join(SPEC)
    go(trainer, job, rows, 2)
    checkpoint.write(path, job, ABOUT)
    about = ABOUT
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif harm == "noise":
        path.write_bytes(os.urandom(500))
    elif harm == "one bit":
        content = bytearray(path.read_bytes())
        content[-100] ^= 1  # a number is another number, and all is well formed
        path.write_bytes(content)
    elif harm == "other data":
        about = {**ABOUT, "data": "abd"}
    fresh = trainer.join(Spec("base", rank=8) if harm == "other rank" else SPEC)
    before = fresh.adapter.weights.clone()

    assert not checkpoint.read(path, fresh, about)
    assert fresh.step == 0
    assert torch.equal(fresh.adapter.weights, before)


def test_nobody_else_reads_it(tiny, tmp_path):
    checkpoint.write(tmp_path / "state", CoTrainer(tiny).join(SPEC), ABOUT)

    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
