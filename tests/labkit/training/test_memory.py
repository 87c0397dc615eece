"""A training takes no more memory than is said of it before it begins."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.training import memory  # noqa: E402
from labkit.training.cotrainer import CoTrainer, Trained  # noqa: E402
from labkit.training.encode import Pair, Row  # noqa: E402
from labkit.training.resident import Resident  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402


@pytest.fixture(scope="session")
def residents(small) -> Any:
    return cache(lambda kind: Resident(small(kind)))


@dataclass
class Live:
    now: int = 0
    most: int = 0


@contextmanager
def kept_for_backward(resident: Resident) -> Iterator[Live]:
    """Bytes that a backward pass waits for, each storage once; the base's own are there anyhow."""
    base = {one.untyped_storage().data_ptr() for one in resident.model.parameters()}
    held: Counter[int] = Counter()
    live = Live()

    def drop(place: int, size: int) -> None:
        held[place] -= 1
        live.now -= size if held[place] == 0 else 0

    class Held:
        def __init__(self, tensor: Any) -> None:
            self.tensor, storage = tensor, tensor.untyped_storage()
            place, size = storage.data_ptr(), storage.nbytes()
            if place not in base:
                live.now += size if held[place] == 0 else 0
                live.most = max(live.most, live.now)
                held[place] += 1
                weakref.finalize(self, drop, place, size)

    with torch.autograd.graph.saved_tensors_hooks(Held, lambda one: one.tensor):
        yield live


def rows(count: int, length: int, labels: int = 4) -> list[Row]:
    """Rows that begin with nothing alike."""
    return [
        Row(
            tuple(100 + (7 * number + place) % 900 for place in range(length)),
            (False,) * (length - labels) + (True,) * labels,
        )
        for number in range(count)
    ]


def adapter_bytes(job: Trained) -> int:
    """Weights, gradients, and whatever the optimiser keeps."""
    state = job.optimizer.state[job.optimizer.param_groups[0]["params"][0]]
    tensors = [job.adapter.weights, job.adapter.gradients, *(one for one in state.values() if torch.is_tensor(one))]
    return sum(one.untyped_storage().nbytes() for one in tensors)


def step(resident: Resident, spec: Spec, batch: list[Any]) -> tuple[Trained, int]:
    trainer = CoTrainer(resident)
    job = trainer.join(spec)
    with kept_for_backward(resident) as live:
        trainer.step({"job": (job, batch)})
    assert live.most > 0
    return job, live.most


def estimate(resident: Resident, spec: Spec, step_tokens: float) -> int:
    """Without the logits: of those nothing is kept for the backward pass."""
    names = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")
    config = SimpleNamespace(vocab_size=0, **{name: getattr(resident.config, name) for name in names})
    return memory.estimate(spec, step_tokens, config, resident.shapes(spec.targets, spec.first_layer(resident.layers)))


PLAIN = Spec("base", batch=1, length=64)
SPECS = {
    "one row": PLAIN,
    "a batch": replace(PLAIN, batch=6, length=128),
    "several passes": replace(PLAIN, batch=24, length=128),
    "shorter than it may be": replace(PLAIN, batch=4, length=256),
    "two projections": replace(PLAIN, batch=4, length=128, targets=("q_proj", "v_proj")),
    "upper layers": replace(PLAIN, batch=6, length=128, layers="upper"),
    "pairs": replace(PLAIN, batch=3, length=128, method="dpo"),
}


@pytest.mark.parametrize("kind", ["llama", "qwen3"])
@pytest.mark.parametrize("name", SPECS)
def test_a_step_keeps_no_more_than_was_said_and_not_far_less(residents, kind: str, name: str):
    spec = SPECS[name]
    resident = residents(kind)
    length = 150 if name == "shorter than it may be" else spec.length
    found: list[Any] = rows(2 * spec.batch, length)
    batch = [Pair(*found[place : place + 2]) for place in range(0, len(found), 2)] if name == "pairs" else found[::2]
    tokens = length * spec.batch * (2 if name == "pairs" else 1)
    job, kept = step(resident, spec, batch)

    said, takes = estimate(resident, spec, tokens), adapter_bytes(job) + kept
    assert takes <= said
    assert said < 2.5 * takes, "what is refused for nothing is a training as well"


def test_a_pass_of_two_keeps_no_more_than_what_was_said_of_each(tiny):
    specs = [replace(PLAIN, batch=2, length=96), replace(PLAIN, batch=3, length=64, rank=4, layers="upper")]
    trainer = CoTrainer(tiny)
    jobs = [trainer.join(spec) for spec in specs]
    batches = [rows(spec.batch, spec.length) for spec in specs]
    with kept_for_backward(tiny) as live:
        trainer.step({str(place): one for place, one in enumerate(zip(jobs, batches, strict=True))})

    said = sum(estimate(tiny, spec, spec.batch * spec.length) for spec in specs)
    assert sum(adapter_bytes(job) for job in jobs) + live.most <= said


def test_an_adapter_is_there_four_times(tiny):
    spec = replace(PLAIN, rank=16)
    job, _ = step(tiny, spec, rows(1, 20))

    said = estimate(tiny, spec, 20) - estimate(tiny, replace(spec, rank=0), 20)
    assert said == 4 * job.adapter.weights.untyped_storage().nbytes()
    assert 0 <= adapter_bytes(job) - said < 100, "and a number of its steps"


@pytest.mark.parametrize("name", ["rank", "length", "batch"])
def test_what_a_learner_is_told_to_lower_makes_it_less(tiny, name: str):
    spec = replace(PLAIN, rank=32, length=512, batch=8)
    lower = replace(spec, **{name: getattr(spec, name) // 4})

    said = [estimate(tiny, one, one.batch * one.length / 2) for one in (lower, spec)]
    assert said[0] < said[1]


def test_a_larger_batch_than_a_pass_takes_no_more_than_a_pass(tiny):
    assert estimate(tiny, PLAIN, 10_000) == estimate(tiny, PLAIN, 100_000)


MACHINE = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\nHugePages_Total:       0\n"
LIMITS = {
    "no container": (None, 8000 * 1024),
    "no limit": (("max\n", "5000\n"), 8000 * 1024),
    "a limit": (("6000\n", "5000\n"), 1000),
    "a limit above the machine": (("99999999999\n", "5000\n"), 8000 * 1024),
    "a limit that is passed": (("4000\n", "5000\n"), 0),
}


@pytest.mark.parametrize(("group", "free"), LIMITS.values(), ids=LIMITS)
def test_what_is_free_is_what_the_machine_and_the_container_leave(tmp_path, monkeypatch, group: Any, free: int):
    for folder in ("proc", "sys/fs/cgroup"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(MACHINE)
    for name, text in zip(("memory.max", "memory.current"), group or (), strict=False):
        (tmp_path / "sys/fs/cgroup" / name).write_text(text)
    monkeypatch.setattr(memory, "Path", lambda path: tmp_path / path.lstrip("/"))

    assert memory.free() == free


def test_this_machine_has_something_free():
    assert 0 <= memory.free() < 2**50
