"""What bounds a learner's trainings: the lab's steps and minutes, or what somebody gave her."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.allowance import Order, Share
from labkit.allowance.limits import Limit
from labkit.allowance.training import orders, training_rule
from labkit.courses import Lab
from labkit.courses.course import TrainingRule
from labkit.programme.cohorts import Cohort, Seat

SEAT = Seat("learner", Cohort("first", "testing"))
RULE = TrainingRule(400, "total")


def lab(training: TrainingRule | None = RULE, **more: object) -> Lab:
    return Lab("testing", "clip", "Clip", Path(), training=training, **more)  # type: ignore[arg-type]


def given(username: str = "", cohort: str = "", **amounts: int) -> Limit:
    return Limit("lab", username, cohort, "testing", "clip", **amounts)


@pytest.mark.parametrize(
    ("found", "steps", "minutes"),
    [
        ([], 400, None),
        ([given("ana", steps=900)], 900, None),
        ([given("ana", steps=0)], 0, None),
        ([given("ana", minutes=5)], 400, 5),
        ([given("ana", tokens=5)], 400, None),
        ([given("", "first", steps=700, minutes=9), given("ana", steps=900)], 900, 9),
        ([given("ben", steps=900), given("", "second", steps=7)], 400, None),
    ],
)
def test_the_nearest_limit_of_steps_wins(found: list[Limit], steps: int, minutes: int | None):
    assert training_rule(found, SEAT, "ana", lab()) == TrainingRule(steps, "total", minutes)


@pytest.mark.parametrize("where", [lab(None), lab(ai_policy="closed")])
def test_nobody_is_given_steps_where_nothing_is_trained(where: Lab):
    assert training_rule([given("ana", steps=900)], SEAT, "ana", where) is None


def test_a_training_is_counted_in_its_lab_alone():
    call = Order("ana", "testing", "clip", Share(9), 0, "", "", "first", Share(5), Share(7, None, "total"))
    found = orders(call, TrainingRule(400, "day", 2))
    assert {unit: one.lab_rule for unit, one in found.items()} == {"steps": Share(400), "seconds": Share(120)}
    bounds = {(unit, one.unit, one.person, one.together) for unit, one in found.items()}
    assert bounds == {(unit, unit, Share(), Share(per="total")) for unit in found}, (
        "counted for the cohort, not bounded"
    )
    assert "seconds" not in orders(call, RULE)
