"""A lab that a model grades is measured: every item, the spread over draws, and whether it is the same once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from autograder.calibrate import Remembering, calibrate, calls_gain
from autograder.grade import grade, grader_notebook
from autograder.warm import Warm
from labkit.calibration import write_calibration
from labkit.courses import Lab
from labkit.draw import OPEN, key_for
from labkit.errors import OperatorError, RequestRefused

LAB = """\
# %% solution="template"
### BEGIN SOLUTION
TEMPLATE = "good {item}"
### END SOLUTION
### BEGIN STARTER
# TEMPLATE = "bad {item}"
### END STARTER
# %% test="unseen" points=10 hidden
import json

import labkit
from labkit.calibration import gain
from labkit.draw import draw

with open("hidden/pool.json") as file:
    UNSEEN = draw(json.load(file), each=4, by=("kind",))
rows = labkit.score([TEMPLATE.replace("{item}", item["text"]) for item in UNSEEN], [" yes", " no"])
way = gain("accuracy", UNSEEN, [row[0] > row[1] for row in rows])
check("goes half of the way", way >= 0.5, points=5)
check("goes all of the way", way >= 1, points=5)
"""
POOL = [{"text": f"{kind} {number}", "kind": kind} for kind in ("a", "b") for number in range(10)]


class Lane:
    """Says yes to what is good, and to every third item of what is not."""

    def __init__(self, moods: list[float] | None = None) -> None:
        self.asked: list[str] = []
        self._moods = moods

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        self.asked += prompts
        drift = self._moods.pop() if self._moods else 0.0
        return [[-1.0 if p.startswith("good") or int(p[-1]) % 3 == 0 else -3.0, -2.0 + drift] for p in prompts]

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str:
        raise RequestRefused("This lane does not chat.", instead="Score.")


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab(LAB, **{"hidden/pool.json": json.dumps(POOL)})


def measured(lab: Lab, warm: Warm, lane: Callable[[], Lane] = Lane, draws: int = 3) -> Any:
    return calibrate(lab, lane, warm, draws, ("ab" * 32, "echo"), lambda _: None)


@pytest.mark.sandbox
def test_every_item_is_measured_and_the_draws_are_summed_up(lab: Lab, warm: Warm) -> None:
    [(name, found)] = measured(lab, warm).figures.items()
    assert name == "accuracy"
    assert len(found.items) == len(POOL)
    assert {tuple(one) for one in found.items.values()} == {(0.0, 1.0), (1.0, 1.0)}
    assert found.reference == 1.0
    assert 0.1 < found.base < 0.7
    assert found.reference_spread == 0.0


@pytest.mark.sandbox
def test_by_what_was_measured_the_labs_own_answer_gets_everything_and_the_starter_nothing(lab: Lab, warm: Warm) -> None:
    write_calibration(lab.path, lab.models[0], measured(lab, warm, draws=1))
    for learner in ("ana", "ben", "carla"):
        key = key_for(b"secret", lab.course, lab.id, learner)
        for template, score in (("good {item}", 10), ("bad {item}", 0)):
            answered = grader_notebook(lab)
            answered["cells"][0]["source"] = [f'TEMPLATE = "{template}"']
            report = grade(lab, answered, learner=learner, lane=Lane(), warm=warm, key=key)
            assert (report.fault, report.score) == (None, score)


@pytest.mark.sandbox
def test_two_learners_are_asked_about_different_items(lab: Lab, warm: Warm) -> None:
    write_calibration(lab.path, lab.models[0], measured(lab, warm, draws=1))
    asked = []
    for learner in ("ana", "ben", "ana"):
        lane, answered = Lane(), grader_notebook(lab)
        answered["cells"][0]["source"] = ['TEMPLATE = "fine {item}"']
        grade(lab, answered, learner=learner, lane=lane, warm=warm, key=key_for(b"s", lab.course, lab.id, learner))
        asked.append([prompt for prompt in lane.asked if prompt.startswith("fine")])
    assert asked[0] == asked[2] != asked[1]


@pytest.mark.sandbox
def test_her_own_process_does_not_know_which_items_are_hers(lab: Lab, warm: Warm) -> None:
    write_calibration(lab.path, lab.models[0], measured(lab, warm, draws=1))
    lane, answered = Lane(), grader_notebook(lab)
    answered["cells"][0]["source"] = ['import labkit.draw\nTEMPLATE = labkit.draw._key + " {item}"']
    key = key_for(b"s", lab.course, lab.id, "ana")
    grade(lab, answered, learner="ana", lane=lane, warm=warm, key=key)
    hers = [prompt for prompt in lane.asked if not prompt.startswith(("good", "bad"))]
    assert hers
    assert all(prompt.startswith(OPEN) for prompt in hers)
    assert not any(key in prompt for prompt in lane.asked)


@pytest.mark.sandbox
def test_without_a_calibration_nobody_is_graded(lab: Lab, warm: Warm) -> None:
    report = grade(lab, grader_notebook(lab), learner="ana", lane=Lane(), warm=warm)
    assert report.fault is not None


@pytest.mark.sandbox
def test_a_model_that_answers_otherwise_when_it_is_asked_again_is_refused(lab: Lab, warm: Warm) -> None:
    moods = [0.0, 1.5, 0.0]
    with pytest.raises(OperatorError, match="answers differently"):
        measured(lab, warm, lambda: Lane([moods.pop()] if len(moods) else None), draws=1)


@pytest.mark.sandbox
def test_a_lab_that_measures_nothing_is_refused(make_lab: Callable[..., Lab], warm: Warm) -> None:
    lab = make_lab()
    assert not calls_gain(lab)
    with pytest.raises(OperatorError, match="measures anything"):
        measured(lab, warm)


def test_a_prompt_is_asked_once() -> None:
    lane = Lane()
    remembering = Remembering(lane)
    first = remembering.score(["good 1", "bad 1", "good 1"], [" yes"], None)
    again = remembering.score(["bad 1", "good 2"], [" yes"], None)
    assert lane.asked == ["good 1", "bad 1", "good 2"]
    assert first[0] == first[2] and again[0] == first[1]
