"""What of a lab is graded, as pages tell it while authors write."""

from __future__ import annotations

import shutil

from labkit.courses import load_course
from labkit.courses.graded import Weights, graded, outcomes_by_cell, weights

TOML = 'title = "T"\n[[outcomes]]\nid = "clip"\ntext = "x"\n[[labs]]\nid = "one"\ntitle = "One"\n'
LAB = """\
# %% test="seen" points=2 outcome="clip"
assert abs(-1) == 1
# %% test="unseen" points=3.5 hidden outcome="clip"
assert abs(-2) == 2
# %% solution="code" points=4
### BEGIN SOLUTION
x = 1
### END SOLUTION
# %% [markdown] answer="why" points=10
# Why?
"""


def test_the_points_of_a_lab_are_told_by_who_gives_them_and_for_which_outcome(write):
    course = load_course(write(LAB, TOML), "c")
    lab = course.lab("one")

    assert weights(lab) == Weights(visible=2, hidden=3.5, person=14)
    assert weights(lab).whole == 19.5
    assert [cell.name for cell in graded(lab)] == ["seen", "unseen", "code", "why"]
    assert outcomes_by_cell(course) == {("one", "seen"): "clip", ("one", "unseen"): "clip"}


def test_a_text_that_cannot_be_read_now_is_what_it_was(write):
    lab = load_course(write(LAB, TOML), "c").lab("one")
    before = weights(lab)
    write(LAB.replace("points=2", "points=two"), TOML)
    assert weights(lab) == before
    shutil.rmtree(lab.path)
    assert weights(lab) == before
    write(LAB.replace("points=2", "points=22"), TOML)
    assert weights(lab).visible == 22


def test_a_lab_that_never_could_be_read_gives_no_points(write):
    lab = load_course(write("# %% nonsense\n", TOML), "c").lab("one")
    assert weights(lab) == Weights(0, 0, 0)
