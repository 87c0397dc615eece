"""While it is trained a job knows its rows, its figures, and which of its adapters are kept."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.model

pytest.importorskip("torch")

from labkit.training.at_work import AtWork  # noqa: E402
from labkit.training.cotrainer import Taken  # noqa: E402
from labkit.training.job import Job  # noqa: E402
from labkit.training.order import batch  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402


class Step:
    """A trained job, of which only its step is looked at."""

    def __init__(self) -> None:
        self.step = 0


class Measures:
    """A trainer that finds another loss each time it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def loss(self, trained: Step, rows: Any) -> Taken:
        self.asked.append((trained.step, rows))
        return Taken(len(self.asked) / 10, 1, 1)


def at_work(steps: int, held_back: tuple[str, ...] = (), **spec: Any) -> AtWork:
    row = dict.fromkeys(Job.__dataclass_fields__) | {
        "id": "ftjob-" + "0a" * 12,
        "spec": Spec("base", steps=steps, **spec).to_json(),
    }
    return AtWork(Job.of(row), Step(), Measures(), list("abcdefg"), held_back, 0, 0.0)  # type: ignore[arg-type]


def go(one: AtWork, **taken: Any) -> None:
    """One step, as the trainer takes it."""
    one.trained.step += 1
    told = Taken(**{"loss": 1 / one.trained.step, "labels": 3, "tokens": 10, **taken})
    one.count(told, 0.5)
    one.measure(told)


def kept_at(steps: int) -> list[int]:
    one = at_work(steps)
    found = []
    for _ in range(steps):
        go(one)
        if one.milestone:
            found.append(one.trained.step)
    return found


@pytest.mark.parametrize(("steps", "kept"), [(10, [4, 8]), (12, [4, 8]), (40, [14, 28]), (100, [34, 68])])
def test_adapters_are_kept_at_a_third_and_at_two_thirds(steps: int, kept: list[int]):
    assert kept_at(steps) == kept


@pytest.mark.parametrize("steps", range(1, 10))
def test_a_short_training_keeps_none_on_the_way(steps: int):
    assert kept_at(steps) == []


def test_however_long_a_training_is_no_more_than_two_are_kept_on_the_way():
    for steps in (*range(10, 60), 999, 1000, 1001):
        found = kept_at(steps)
        assert len(found) == 2, steps
        assert found[-1] < steps, "the last is kept as the model"


def test_a_step_learns_from_the_rows_that_are_its_turn():
    one = at_work(9, batch=3, seed=5)
    for step in range(3):
        assert one.batch() == batch(list("abcdefg"), 3, step, 5)
        go(one)
    assert one.left == 6


def test_a_step_has_its_figures():
    one = at_work(2)
    go(one, loss=2.0)
    go(one, loss=1.0)

    assert one.figures == [
        {"step": 1, "total_steps": 2, "train_loss": 2.0, "tokens": 10, "seconds": 0.5},
        {"step": 2, "total_steps": 2, "train_loss": 1.0, "tokens": 20, "seconds": 1.0},
    ]
    assert one.last == {"step": 2, "train_loss": 1.0}


def test_of_pairs_it_is_told_how_many_are_preferred_as_they_should():
    one = at_work(1)
    go(one, accuracy=0.75)

    assert one.figures[0]["train_accuracy"] == 0.75


@pytest.mark.parametrize(("steps", "at"), [(3, [1, 2, 3]), (5, [1, 2, 3, 4, 5]), (12, [2, 4, 6, 8, 10, 12])])
def test_what_was_held_back_is_measured_a_few_times_and_at_the_end(steps: int, at: list[int]):
    one = at_work(steps, ("held", "back"))
    for _ in range(steps):
        go(one)

    measures = [figures["step"] for figures in one.figures if "valid_loss" in figures]
    assert measures == at
    assert one.trainer.asked == [(step, ("held", "back")) for step in at]  # type: ignore[attr-defined]
    assert one.last["valid_loss"] == one.figures[-1]["valid_loss"] == len(at) / 10


def test_a_long_training_measures_what_was_held_back_no_more_often():
    one = at_work(1000, ("held back",))
    for _ in range(1000):
        go(one)

    assert len(one.trainer.asked) == 5  # type: ignore[attr-defined]


def test_what_was_held_back_is_never_learned_from():
    one = at_work(20, ("held", "back"), batch=4)
    for _ in range(20):
        assert not {"held", "back"} & set(one.batch())
        go(one)
