"""What happened in a job is told in its order, and what is done again is told once."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.training.events import Events

JOB, OTHER = "ftjob-" + "0a" * 12, "ftjob-" + "0b" * 12


@pytest.fixture
def events(engine) -> Events:
    return Events(engine)


def figures(*steps: int) -> list[dict[str, Any]]:
    return [{"step": step, "total_steps": 9, "train_loss": 1 / step} for step in steps]


def steps(events: Events, job: str) -> list[int]:
    return [one.data["step"] for one in events.of(job) if one.kind == "metrics"]


def test_events_are_told_in_their_order_and_each_once_from_where_one_left_off(events):
    events.say(JOB, "begun")
    events.measured(JOB, figures(1, 2, 3))
    events.say(JOB, "broken", "error", row=3)
    events.say(OTHER, "begun")

    found = events.of(JOB)
    assert [(one.kind, one.level) for one in found] == [
        ("message", "info"),
        *[("metrics", "info")] * 3,
        ("message", "error"),
    ]
    assert found[-1].data == {"row": 3}
    assert [one.id for one in found] == sorted({one.id for one in found})
    assert all(one.job == JOB and one.at.tzinfo for one in found)
    assert events.of(JOB, after=found[2].id) == found[3:]
    assert events.of(JOB, most=2) == found[:2]
    assert events.of(JOB, after=found[-1].id) == []


def test_the_newest_are_told_first_page_after_page(events):
    events.measured(JOB, figures(1, 2, 3, 4, 5))
    events.measured(OTHER, figures(9))
    whole = events.of(JOB)[::-1]

    page = events.newest(JOB, None, 2)
    assert page == whole[:2]
    assert events.newest(JOB, page[-1].id, 2) == whole[2:4]
    assert events.newest(JOB, whole[-1].id, 2) == []


def test_no_figures_are_no_events(events):
    events.measured(JOB, [])

    assert events.of(JOB) == []


@pytest.mark.parametrize("step", [0, 1, 3, 5, 99])
def test_a_rewind_drops_the_figures_of_later_steps_and_of_no_others(events, step: int):
    events.say(JOB, "begun", step=4)  # no figure, whatever it carries
    events.measured(JOB, figures(1, 2, 3))
    events.measured(JOB, figures(4, 5))
    events.measured(OTHER, figures(1, 5))
    events.rewind(JOB, step)

    assert steps(events, JOB) == [one for one in (1, 2, 3, 4, 5) if one <= step]
    assert steps(events, OTHER) == [1, 5]
    assert [one.text for one in events.of(JOB) if one.kind == "message"] == ["begun"]


def test_after_a_rewind_every_step_is_told_once(events):
    events.measured(JOB, figures(1, 2, 3, 4))
    events.rewind(JOB, 2)
    events.say(JOB, "goes on")
    events.measured(JOB, figures(3, 4))

    assert steps(events, JOB) == [1, 2, 3, 4]
    assert [one.text for one in events.newest(JOB, None, 1)] == ["Step 4/9: training loss=0.25"]
    assert [one.data.get("step") for one in events.of(JOB)] == [1, 2, None, 3, 4]


def test_a_figure_is_said_as_openai_says_it(events):
    one = {"step": 3, "total_steps": 9, "train_loss": 0.126, "valid_loss": 2.0, "tokens": 7}
    events.measured(JOB, [{**one, "valid_loss": None}, one])

    first, second = events.of(JOB)
    assert first.text == "Step 3/9: training loss=0.13"
    assert second.text == "Step 3/9: training loss=0.13, validation loss=2.00"
    assert second.data == one


def test_checkpoints_are_told_the_newest_first_and_a_step_has_one(events):
    events.keep_checkpoint(JOB, 4, {"train_loss": 1.0}, "a" * 64)
    events.keep_checkpoint(JOB, 8, {"train_loss": 0.5}, "b" * 64)
    again = events.keep_checkpoint(JOB, 4, {"train_loss": 0.9}, "c" * 64)
    events.keep_checkpoint(OTHER, 4, {}, "d" * 64)

    found = events.checkpoints(JOB)
    assert [(one.step, one.adapter) for one in found] == [(8, "b" * 64), (4, "c" * 64)]
    assert found[1] == again
    assert again.id.startswith("ftckpt-")
    assert len({one.id for one in found}) == 2


def test_whoever_looked_before_a_rewind_is_told_what_came_after(events):
    events.measured(JOB, figures(1, 2, 3, 4))
    seen = events.of(JOB)[-1].id
    events.rewind(JOB, 2)
    events.say(JOB, "goes on")
    events.measured(JOB, figures(3, 4))

    assert [one.data.get("step") for one in events.of(JOB, after=seen)] == [None, 3, 4]
