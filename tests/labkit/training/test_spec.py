"""A training's settings: what is unknown or out of bounds is refused by its name."""

from __future__ import annotations

import pytest

from labkit.errors import RequestRefused
from labkit.training.spec import TARGETS, Spec


def test_what_is_not_said_has_a_default():
    spec = Spec.of({"base": "m"})

    assert (spec.method, spec.rank, spec.steps, spec.targets) == ("sft", 8, 40, TARGETS)
    assert Spec.of(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({}, "base", "base is missing"),
        ({"base": 3}, "base", "base is missing"),
        ({"base": "m", "epoch": 3}, "epoch", "epoch is unknown"),
        ({"base": "m", "rank": 0}, "rank", "rank is 0"),
        ({"base": "m", "rank": 65}, "rank", "rank is 65"),
        ({"base": "m", "rank": 2.5}, "rank", "rank is 2.5"),
        ({"base": "m", "rank": True}, "rank", "rank is True"),
        ({"base": "m", "rank": "8"}, "rank", "rank is '8'"),
        ({"base": "m", "learning_rate": float("nan")}, "learning_rate", "learning_rate is nan"),
        ({"base": "m", "learning_rate": float("inf")}, "learning_rate", "learning_rate is inf"),
        ({"base": "m", "learning_rate": 2}, "learning_rate", "learning_rate is 2"),
        ({"base": "m", "steps": 10**9}, "steps", "steps is"),
        ({"base": "m", "steps": 10**400}, "steps", "steps is"),
        ({"base": "m", "schedule": "step"}, "schedule", "schedule is 'step'"),
        ({"base": "m", "method": "ppo"}, "method", "method is 'ppo'"),
        ({"base": "m", "layers": "lower"}, "layers", "layers is 'lower'"),
        ({"base": "m", "targets": []}, "targets", "targets is"),
        ({"base": "m", "targets": ["lm_head"]}, "targets", "targets is"),
        ({"base": "m", "targets": ["q_proj", "q_proj"]}, "targets", "targets is"),
        ({"base": "m", "targets": "q_proj"}, "targets", "targets is"),
        ({"base": "m", "seed": -1}, "seed", "seed is -1"),
        ({"base": "m", "seed": None}, "seed", "seed is None"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(given, param, said):
    with pytest.raises(RequestRefused, match=said) as refused:
        Spec.of(given)
    assert refused.value.param == param
    assert refused.value.instead


def test_a_whole_number_may_come_as_a_float():
    assert Spec.of({"base": "m", "rank": 4.0}).rank == 4


@pytest.mark.parametrize(("layers", "first"), [(30, 20), (3, 2), (2, 1), (1, 0)])
def test_upper_is_the_last_third(layers: int, first: int):
    assert Spec("m", layers="upper").first_layer(layers) == first
    assert Spec("m").first_layer(layers) == 0
