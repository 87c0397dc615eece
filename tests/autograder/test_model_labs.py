"""Every lab that a model grades, on the real model: its own answer gets its points, reaches what was measured of it,
and gets the same again and again, also when the model is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.bounds import REFERENCE
from autograder.calibrate import calls_gain
from autograder.grade import grade
from autograder.lane import ModelLane
from autograder.recordings import Identity, RecordedLane
from autograder.report import Report
from autograder.warm import Warm
from labkit.calibration import read_calibrations, refuse_unfit
from labkit.courses import Lab, load_course, load_text, notebook
from labkit.database import connect, migrate
from labkit.draw import key_for
from labkit.errors import ModelUnavailable
from labkit.models import prepared

COURSES = Path(__file__).parents[2] / "courses"
TAUGHT = ("prompting",)
LABS = [lab for course in TAUGHT for lab in load_course(COURSES, course).labs if calls_gain(lab)]
WHO = {"model": "smollm2-135m-instruct", "weights": "w", "tokenizer": "t", "template": "c", "engine": "e"}
# Another processor rounds a near tie otherwise, and of what a model writes one word leads to the next.
DIFFERENT = 2


class Away:
    """A model that was stopped."""

    def score(self, prompts, choices, model=None):
        raise ModelUnavailable("The model was stopped.")

    def chat(self, messages, **options):
        raise ModelUnavailable("The model was stopped.")


def nobody():
    raise ModelUnavailable("The model was stopped.")


# Minutes of CPU time each; the first stands for them in the quick run.
SLOW = {"fields-by-schema", "ground-or-refuse"}


@pytest.fixture(params=LABS, ids=lambda lab: lab.id)
def lab(request: pytest.FixtureRequest) -> Lab:
    return request.param


@pytest.fixture(params=[pytest.param(lab, id=lab.id, marks=[pytest.mark.soak] * (lab.id in SLOW)) for lab in LABS])
def asked(request: pytest.FixtureRequest) -> Lab:
    return request.param


@pytest.fixture
def graded(tmp_path: Path, warm: Warm) -> Callable[..., Report]:
    """Grades a notebook by a lane whose answers are recorded."""
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)

    def _graded(lab: Lab, built, lane, ask=lambda: WHO) -> Report:
        recorded = RecordedLane(lane, engine, Identity(ask, engine)).of(lab.course, lab.id)
        key = key_for(b"some site", lab.course, lab.id, "ana")
        return grade(lab, built, learner="ana", lane=recorded, warm=warm, key=key)

    yield _graded
    engine.dispose()


def test_there_is_headroom_to_grade_by(lab: Lab) -> None:
    for model, made in read_calibrations(lab.path).items():
        refuse_unfit(made, f"{lab.id} with {model}")
        assert made.draws >= 20


@pytest.mark.model
@pytest.mark.sandbox
@pytest.mark.timeout(600)
def test_the_labs_own_answer_gets_its_points_and_the_same_again_without_the_model(
    asked, prepared_models, graded
) -> None:
    lab = asked
    known = read_calibrations(lab.path)[lab.models[0]]
    assert known.weights == prepared(prepared_models).sha256
    built = notebook(lab, load_text(lab), "reference")
    first = graded(lab, built, ModelLane(prepared_models, lambda _: None))

    assert first.fault is None
    assert REFERENCE.holds(first.score, first.max), [item for item in first.items if item.points < item.max]
    assert first.copied or lab.id == "ground-or-refuse"  # too short to tell
    assert first.figures.keys() == known.figures.keys()
    for name, reached in first.figures.items():
        items = known.figures[name].items
        assert sum(abs(value - items[one][1]) > 0.01 for one, value in reached.items()) <= DIFFERENT

    assert graded(lab, built, Away()) == first
    assert graded(lab, built, Away(), nobody) == first


@pytest.mark.model
@pytest.mark.sandbox
def test_what_was_never_asked_cannot_be_replayed_and_is_ours(prepared_models, graded) -> None:
    lab = LABS[0]
    built = notebook(lab, load_text(lab), "reference")
    built["cells"] = [
        {**cell, "source": ["TEMPLATE = 'Nobody asked this before: {message}\\nType:'"]}
        if cell["id"] == "template"
        else cell
        for cell in built["cells"]
    ]
    assert graded(lab, built, Away(), nobody).fault
