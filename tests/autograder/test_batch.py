"""A whole lab graded again: everyone once, whatever stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from autograder.batch import run
from autograder.grader import Grader
from labkit.database.tables import submissions
from labkit.programme.people import Person, provision
from labkit.submissions.batches import Batches
from labkit.submissions.queue import Queue

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.timeout(120),
    # nbgrader's own way with SQLAlchemy's sessions.
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]
WRONG = "def clip(x, low, high):\n    return x\n"
ENDLESS = "def clip(x, low, high):\n    while True: pass\n"


def quiet(_seen):
    pass


@pytest.fixture
def lab(grader: Grader):
    lab = grader.courses["testing"].lab("clip")
    return replace(lab, limits=replace(lab.limits, seconds=2))


@pytest.fixture
def crowd(grader: Grader, lab, handed_in):
    course = replace(grader.courses["testing"], labs=(lab,))
    grader.courses = {"testing": course}
    names = [f"learner{number}" for number in range(6)]
    provision(grader.engine, tuple(Person(name, f"{name}@example.org", "A", "B") for name in names), ())
    for number, name in enumerate(names):
        handed_in(name, ENDLESS if number == 5 else (RIGHT, WRONG)[number % 2])
    return names


RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def lines(grader: Grader, names) -> dict[str, int]:
    return {name: len(grader.scores.history(name, "testing", "clip")) for name in names}


def test_every_learner_is_graded_once_and_the_table_says_what_happened(grader, lab, crowd):
    seen = []
    summary = run(grader, lab, workers=2, only_changed=False, progress=seen.append)

    assert (summary.graded, summary.faults, summary.resumed) == (6, (), False)
    assert summary.limits == {"time": 1}
    assert [row["score"] for row in summary.rows] == [5, 1, 5, 1, 5, 0]
    assert lines(grader, crowd) == dict.fromkeys(crowd, 1)
    assert (seen[0].total, seen[-1].waiting) == (6, 0)
    assert grader.gradebooks["testing"].automatic_scores("clip") == {
        row["learner"]: row["score"] for row in summary.rows
    }


def test_only_the_newest_submission_of_a_learner_belongs_to_it(grader, lab, handed_in):
    first = handed_in("ana", WRONG)
    handed_in("ana", RIGHT)
    while grader.grade_next():
        pass
    summary = run(grader, lab, workers=1, only_changed=False, progress=quiet)

    assert [row["score"] for row in summary.rows] == [5]
    assert grader.scores.get(first).score == 1
    assert lines(grader, ["ana"]) == {"ana": 3}


def test_what_this_very_release_graded_is_left_out_where_only_changes_are_asked_for(grader, lab, crowd, handed_in):
    run(grader, lab, workers=2, only_changed=False, progress=quiet)
    handed_in("ana", RIGHT)
    summary = run(grader, lab, workers=1, only_changed=True, progress=quiet)

    assert [row["learner"] for row in summary.rows] == ["ana"]
    assert lines(grader, crowd) == dict.fromkeys(crowd, 1)


def test_a_run_that_was_cut_short_goes_on_where_it_was(grader, lab, crowd):
    batch = Batches(grader.engine).begin(lab)
    dead = replace(grader, queue=Queue(grader.engine))
    for _ in range(3):
        dead.grade_next(batch.id)
    dead.queue.take(batch.id)  # and then nothing more is heard of it
    grader.queue.recover(alive=lambda name, _since: name != dead.queue.holder)

    summary = run(grader, lab, workers=2, only_changed=False, progress=quiet)

    assert summary.resumed
    assert summary.graded == 6
    assert lines(grader, crowd) == dict.fromkeys(crowd, 1)
    assert not run(grader, lab, workers=1, only_changed=True, progress=quiet).resumed


def test_one_that_fails_through_our_fault_stops_nobody_and_scores_nothing(grader, lab, crowd, monkeypatch):
    from labkit.submissions import queue

    monkeypatch.setattr(queue, "PAUSES", ())
    original = Grader.grade_notebook

    def broken(self, course, lab_id, learner, notebook, later=None):
        if learner == "learner2":
            raise OSError("a disk of ours")
        return original(self, course, lab_id, learner, notebook, later)

    monkeypatch.setattr(Grader, "grade_notebook", broken)
    summary = run(grader, lab, workers=2, only_changed=False, progress=quiet)

    assert summary.faults == ("learner2",)
    assert summary.graded == 5
    assert grader.scores.latest("learner2", "testing", "clip") is None


@pytest.mark.parametrize("only_changed", [False, True])
def test_a_lab_nobody_handed_in_is_an_empty_batch(grader, lab, only_changed):
    summary = run(grader, lab, workers=2, only_changed=only_changed, progress=quiet)

    assert (summary.graded, summary.rows) == (0, ())


def test_ctrl_c_says_so_finishes_what_is_being_graded_and_leaves_the_rest_for_later(grader, lab, crowd):
    told, seen = [], []

    def interrupted(progress):
        seen.append(progress)
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(grader, lab, workers=1, only_changed=False, progress=interrupted, stopping=lambda: told.append(1))
    with grader.engine.connect() as connection:
        held = connection.execute(select(func.count()).where(submissions.c.holder.is_not(None))).scalar_one()

    assert told == [1] and held == 0
    summary = run(grader, lab, workers=2, only_changed=False, progress=quiet)
    assert summary.resumed and summary.graded == len(crowd)
    assert lines(grader, crowd) == dict.fromkeys(crowd, 1)
