"""A prompt lab graded by the real model, and graded again when there is no model any more: the same report."""

from __future__ import annotations

import pytest

from autograder.grade import grade
from autograder.lane import ModelLane
from autograder.recordings import Identity, RecordedLane
from labkit.courses import load_course, load_text, notebook
from labkit.database import connect, migrate
from labkit.errors import ModelUnavailable

pytestmark = [pytest.mark.sandbox, pytest.mark.model, pytest.mark.timeout(300)]
WHO = {"model": "smollm2-135m-instruct", "weights": "w", "tokenizer": "t", "template": "c", "engine": "e"}


class Away:
    """A model that was stopped."""

    def score(self, prompts, choices, model=None):
        raise ModelUnavailable("The model was stopped.")

    def chat(self, messages, **options):
        raise ModelUnavailable("The model was stopped.")


def who():
    return WHO


def nobody():
    raise ModelUnavailable("The model was stopped.")


def test_a_regrade_with_the_model_stopped_gives_the_same_report(pytestconfig, prepared_models, tmp_path, warm):
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    lab = load_course(pytestconfig.rootpath / "courses", "prompting").lab("message-triage")
    built = notebook(lab, load_text(lab), "reference")

    def graded(lane, ask, language="en"):
        recorded = RecordedLane(lane, engine, Identity(ask, engine)).of(lab.course, lab.id)
        return grade(lab, built, learner="ana", lane=recorded, warm=warm, language=language)

    first = graded(ModelLane(prepared_models, lambda _: None), who)
    again = graded(Away(), nobody)

    assert first.fault is None
    assert first.score >= 0.9 * first.max
    assert again == first

    built["cells"] = [
        {**cell, "source": ["TEMPLATE = 'Nobody asked this before: {message}\\nType:'"]}
        if cell["id"] == "template"
        else cell
        for cell in built["cells"]
    ]
    assert graded(Away(), nobody).fault, "what was never asked cannot be replayed, and is ours"
    engine.dispose()
