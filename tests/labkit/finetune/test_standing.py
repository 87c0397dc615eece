"""How a training stands, in a sentence a person reads while she waits."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.finetune.standing import Standing, standing


def at(state: str, **more: Any) -> Standing:
    known: dict[str, Any] = {"step": 0, "steps": 40, "place": 0, "seconds_left": 0.0, "tokens": 0, "model": None}
    return Standing(id="ftjob-1", state=state, **{**known, **more})


@pytest.mark.parametrize(
    ("now", "line"),
    [
        (
            at("queued", place=3, seconds_left=150.0),
            "Waiting: you are number 3 in the queue; your model answers in about 2 min.",
        ),
        (at("queued", seconds_left=20.0), "Waiting: you are number 1 in the queue; your model answers in about 20 s."),
        (at("running", seconds_left=61.0), "Training: step 0 of 40; about 61 s left."),
        (
            at("running", step=7, seconds_left=7200.0, train=((1, 3.0), (7, 1.239))),
            "Training: step 7 of 40, loss 1.24; about 2.0 h left.",
        ),
        (at("succeeded", step=40, model="ft:a:labkit::1"), "Done after 40 steps. Your model is ft:a:labkit::1."),
        (at("cancelled", step=9), "Cancelled after 9 of 40 steps."),
        (at("failed", error="The loss was no number."), "It failed. The loss was no number."),
        (at("failed"), "It failed."),
    ],
    ids=["waiting", "next", "begun", "training", "done", "cancelled", "failed", "failed without a word"],
)
def test_a_line_says_where_it_is_and_how_long_it_takes(now: Standing, line: str):
    assert now.line == line


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(0.0, "1 s"), (0.4, "1 s"), (89.0, "89 s"), (90.0, "2 min"), (3600.0, "60 min"), (5400.0, "1.5 h")],
)
def test_what_is_left_is_told_in_the_unit_it_is_felt_in(seconds: float, span: str):
    assert f"about {span} left" in at("running", seconds_left=seconds).line


@pytest.mark.parametrize(
    ("state", "over"),
    [("queued", False), ("running", False), ("succeeded", True), ("failed", True), ("cancelled", True)],
)
def test_what_is_over_has_no_time_left_and_no_last_word(state: str, over: bool):
    now = at(state, seconds_left=30.0, said="The training has begun.")

    assert now.over is over
    assert [name for name, _ in now.facts] == ["Steps", "Tokens"] + ([] if over else ["Time left", "Last word"])


def test_the_facts_tell_the_newest_figures():
    now = at("running", step=8, tokens=12345, train=((7, 2.0), (8, 1.2345)), held=((4, 3.0), (8, 2.5)))

    assert now.facts[:4] == [
        ("Steps", "8 of 40"),
        ("Tokens", "12,345"),
        ("Training loss", "1.234"),
        ("Loss on rows held back", "2.500"),
    ]


JOB = {"id": "ftjob-1", "status": "running", "labkit": {"step": 2, "steps": 4, "tokens": 80}}


def test_the_points_are_in_the_order_of_their_steps_whatever_came_first():
    figures = {step: {"step": step, "train_loss": 4.0 - step} for step in (3, 1, 2)}
    now = standing(JOB, {**figures, 2: {"step": 2, "train_loss": 2.0, "valid_loss": 2.5}}, "")

    assert now.train == ((1, 3.0), (2, 2.0), (3, 1.0))
    assert now.held == ((2, 2.5),)


@pytest.mark.parametrize(("known", "step"), [({}, 2), ({3: {"step": 3}}, 3), ({1: {"step": 1}}, 2)])
def test_a_step_whose_figures_are_known_has_been_taken(known: dict[int, dict[str, Any]], step: int):
    """The job and its figures are written down apart: whichever is further is right."""
    assert standing(JOB, known, "").step == step


def test_a_job_that_says_nothing_of_itself_is_shown_at_its_beginning():
    now = standing({"id": "ftjob-1", "status": "queued", "error": None}, {}, "")

    assert (now.step, now.steps, now.tokens, now.error, now.model) == (0, 0, 0, "", None)
    assert now.line.startswith("Waiting: you are number 1")
