"""Every lab that a model grades says what was measured on it; a part of it is measured again here."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.bounds import built
from autograder.calibrate import calls_gain
from autograder.grade import grade_repaired
from autograder.lane import ModelLane
from autograder.warm import Warm
from labkit.calibration import read_calibrations, refuse_unfit
from labkit.courses import Lab, load_course
from labkit.draw import key_for
from labkit.models import prepared

COURSES = Path(__file__).parents[2] / "courses"
TAUGHT = ("prompting",)
LABS = [lab for course in TAUGHT for lab in load_course(COURSES, course).labs if calls_gain(lab)]


@pytest.fixture(params=LABS, ids=lambda lab: lab.id)
def lab(request: pytest.FixtureRequest) -> Lab:
    return request.param


def test_there_is_headroom_to_grade_by(lab: Lab) -> None:
    for model, made in read_calibrations(lab.path).items():
        refuse_unfit(made, f"{lab.id} with {model}")
        assert made.draws >= 20


@pytest.mark.model
@pytest.mark.sandbox
def test_the_labs_own_answer_reaches_what_the_file_says(lab: Lab, prepared_models: Path, warm: Warm) -> None:
    known = read_calibrations(lab.path)[lab.models[0]]
    assert known.weights == prepared(prepared_models).sha256
    lane = ModelLane(prepared_models, lambda _: None)
    mine = built(lab, "reference", "en")
    key = key_for(b"some site", lab.course, lab.id, "ana")
    words = {"learner": "ana", "key": key}
    report = grade_repaired(lab, mine, lane=lane, warm=warm, for_author=True, measuring=True, **words)
    assert report.figures.keys() == known.figures.keys()
    for name, reached in report.figures.items():
        # One item may differ: another processor rounds a near tie otherwise.
        differ = [one for one, value in reached.items() if abs(value - known.figures[name].items[one][1]) > 0.01]
        assert len(differ) <= 1
