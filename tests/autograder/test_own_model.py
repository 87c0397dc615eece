"""A check asks the model its learner has trained, by the hash of its files, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autograder.lane import ModelLane
from autograder.lane_service import LaneService
from autograder.own_model import OwnModelLane
from labkit.database import connect, migrate
from labkit.errors import ModelNotAllowed
from labkit.training.events import Events
from labkit.training.jobs import Jobs, new_id
from labkit.training.spec import Spec

LAST, ON_THE_WAY = "a" * 64, "b" * 64


class Lane:
    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def score(self, prompts, choices, model):
        return [[0.0 for _ in choices] for _ in prompts]

    def chat(self, messages, **options):
        self.heard.append(options)
        return "hello"


@pytest.fixture
def engine(tmp_path):
    url = f"sqlite:///{tmp_path / 'labkit.db'}"
    migrate(url)
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def model(engine) -> str:
    """The name of one that ana has trained, with what it was at step 4 of 8."""
    jobs, id = Jobs(engine), new_id()
    who = {"username": "ana", "cohort": "c", "course": "testing", "lab": "clip"}
    data = {"training_file": "file-1", "training_digest": "d", "validation_file": None, "validation_digest": None}
    job = jobs.add(id, who, Spec("base", steps=8), {}, {**data, "step_tokens": 10.0})
    assert jobs.take(job)
    for step, digest in ((4, ON_THE_WAY), (8, LAST)):
        Events(engine).keep_checkpoint(id, step, {}, digest)
    jobs.finish(id, "succeeded", adapter=LAST)
    return job.model


def ask(lane: Any, model: str | None) -> str:
    return str(lane.chat([{"role": "user", "content": "Hi"}], **({"model": model} if model else {})))


def test_the_hash_of_her_models_files_is_asked_and_recorded(engine, model):
    lane = Lane()
    assert ask(OwnModelLane(lane, engine, "ana"), model) == "hello"
    assert ask(OwnModelLane(lane, engine, "ana"), f"{model}:ckpt-step-4") == "hello"

    assert [one["adapter"] for one in lane.heard] == [LAST, ON_THE_WAY]


def test_what_is_no_trained_model_is_asked_as_ever(engine):
    lane = Lane()
    ask(OwnModelLane(lane, engine, "ana"), None)
    ask(OwnModelLane(lane, engine, "ana"), "smollm2-135m-instruct")

    assert all("adapter" not in one for one in lane.heard)


@pytest.mark.parametrize("who", ["ben", ""])
def test_anothers_does_not_exist(engine, model, who: str):
    with pytest.raises(ModelNotAllowed, match="no model"):
        ask(OwnModelLane(Lane(), engine, who), model)


@pytest.mark.parametrize("end", [":ckpt-step-5", ":ckpt-step-x", ":more", "x"])
def test_a_name_that_is_nearly_one_does_not_exist_either(engine, model, end: str):
    with pytest.raises(ModelNotAllowed, match="no model"):
        ask(OwnModelLane(Lane(), engine, "ana"), model + end)


def test_a_trained_model_scores_no_choices(engine, model):
    with pytest.raises(ModelNotAllowed, match="Chat with it"):
        OwnModelLane(Lane(), engine, "ana").score(["a"], ["b"], model)


def test_sandboxed_code_may_name_one_and_is_told_where_it_is_none(engine, model):
    lane = Lane()
    service = LaneService(OwnModelLane(lane, engine, "ana"), ("smollm2-135m-instruct",), 10, 10_000)
    asked = {"messages": [{"role": "user", "content": "Hi"}], "model": model}

    assert "error" not in service.answer({"path": "/v1/chat/completions", "body": asked})
    told = service.answer({"path": "/v1/chat/completions", "body": {**asked, "model": "ft:base:labkit::none"}})
    assert told["error"]["code"] == "ModelNotAllowed"
    assert not service.fault, "a wrong name is the learner's mistake"


def test_in_the_authors_lane_no_other_model_answers_in_its_place(tmp_path):
    with pytest.raises(ModelNotAllowed, match="on the platform alone"):
        ask(ModelLane(tmp_path, print), f"ft:base:labkit::{datetime.now(UTC):%Y}")
