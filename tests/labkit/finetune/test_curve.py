"""The loss curve is a picture anybody can read: by its points, and by its words."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.finetune.curve import curve, words

LOSSES = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)


def drawn(train, held=(), steps=40):
    """The lines and marks of a picture, as (x, y)."""
    root = ElementTree.fromstring(curve(train, held, steps))
    lines = [
        [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
        for line in root.iter("polyline")
    ]
    marks = [(float(mark.get("cx", "nan")), float(mark.get("cy", "nan"))) for mark in root.iter("circle")]
    return root, lines, marks


@pytest.mark.parametrize(
    ("train", "held", "told"),
    [
        ([], [], "No step has been taken yet."),
        ([(1, 3.5)], [], "The training loss went from 3.50 at step 1 to 3.50 at step 1."),
        ([(1, 3.5), (2, 2.25)], [], "The training loss went from 3.50 at step 1 to 2.25 at step 2."),
        (
            [(1, 3.5), (40, 0.125)],
            [(8, 2.5), (40, 2.75)],
            "The training loss went from 3.50 at step 1 to 0.12 at step 40; on rows held back it is 2.75.",
        ),
    ],
    ids=["before the first step", "one step", "two steps", "with rows held back"],
)
def test_who_cannot_see_the_curve_is_told_where_it_went(train, held, told):
    assert words(train, held) == told
    if train:
        root, _, _ = drawn(train, held)
        assert (root.get("role"), root.get("aria-label")) == ("img", told)


def test_before_the_first_step_there_is_no_picture():
    assert curve([], [], 40) == ""


@given(LOSSES, LOSSES)
def test_every_point_lies_within_the_picture(train, held):
    steps = max(len(train), len(held))
    root, lines, marks = drawn(list(enumerate(train, 1)), list(enumerate(held, 1)), steps)
    _, _, width, height = map(float, root.get("viewBox", "").split())

    assert [len(line) for line in lines] == [len(train), len(held)]
    assert marks == lines[1]
    assert all(0 <= x <= width and 0 <= y <= height for line in lines for x, y in line)


def test_later_is_further_right_and_a_lower_loss_is_lower():
    _, (line,), _ = drawn([(1, 4.0), (20, 3.0), (40, 1.0)])

    assert [x for x, _ in line] == sorted({x for x, _ in line})
    assert [y for _, y in line] == sorted({y for _, y in line}), "y grows downwards"


def test_half_way_through_it_fills_half_of_the_picture():
    _, (half,), _ = drawn([(1, 2.0), (21, 1.0)], steps=41)
    _, (whole,), _ = drawn([(1, 2.0), (41, 1.0)], steps=41)

    assert half[1][0] - half[0][0] == pytest.approx((whole[1][0] - whole[0][0]) / 2)


def test_rows_held_back_are_told_apart_by_dash_and_mark_and_not_by_colour_alone():
    root, lines, marks = drawn([(1, 3.0), (2, 2.0)], [(2, 2.5)])
    dashes = [line.get("stroke-dasharray") for line in root.iter("polyline")]

    assert dashes[0] is None
    assert dashes[1]
    assert len(marks) == len(lines[1]) == 1


def test_the_axes_say_between_which_losses_and_steps_it_goes():
    root, _, _ = drawn([(1, 3.5), (40, 1.0)])
    labels = [label.text for label in root.iter("text")]

    assert {"3.50", "step 1", "40"} <= set(labels)
    assert float(labels[1] or "nan") <= 1.0
