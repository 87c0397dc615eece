"""What goes over the wire is OpenAI's: its own client reads every object."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from openai.types import FileObject
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from labkit.training.events import Checkpoint, Event
from labkit.training.files import TrainingFile
from labkit.training.job import Job
from labkit.training.spec import Spec
from labkit.training.turns import Forecast
from labkit.training.wire import checkpoint_object, event_object, file_object, job_object, listed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = 1_772_366_400  # that noon since 1970
ID = "ftjob-" + "0a" * 12
FILE = TrainingFile(
    **{"id": "file-1", "username": "ana", "course": "c", "lab": "l", "name": "rows.jsonl", "purpose": "fine-tune"},
    **{"size": 700, "digest": "d" * 64, "rows": 9, "method": "dpo", "sent_at": NOON},
)
METRICS = {"step": 4, "train_loss": 0.5, "valid_loss": 0.75}
OVER = {"state": "succeeded", "step": 12, "finished_at": NOON, "adapter": "a" * 64}


def job(spec: Spec | None = None, **more: Any) -> Job:
    row = {
        **{"id": ID, "username": "ana", "cohort": "", "course": "c", "lab": "l", "told": {}, "state": "running"},
        **{"spec": (spec or Spec("base", steps=12)).to_json(), "created_at": NOON, "started_at": NOON},
        **{"finished_at": None, "error": None, "step": 4, "tokens": 400, "step_tokens": 100.0, "seconds": 2.04},
        **{"adapter": None, "cancelling": False, "tries": 1},
        **{"training_file": "file-1", "training_digest": "d", "validation_file": None, "validation_digest": None},
    }
    return Job.of({**row, **more})


STATES: dict[str, dict[str, Any]] = {
    "queued": {"state": "queued", "step": 0, "started_at": None},
    "running": {},
    "cancelling": {"cancelling": True},
    "succeeded": OVER,
    "cancelled": {"state": "cancelled", "finished_at": NOON, "cancelling": True},
    "failed": {"state": "failed", "finished_at": NOON, "error": {"code": "LearnerError", "message": "m", "param": ""}},
    "forgotten": {**OVER, "told": {}, "adapter": None},
}


@pytest.mark.parametrize("method", ["sft", "dpo"])
@pytest.mark.parametrize("more", STATES.values(), ids=STATES)
def test_openais_client_reads_a_job_in_every_state(method: str, more: dict[str, Any]):
    told = {"suffix": "mine", "metadata": {"a": "b"}, "hyperparameters": {"n_epochs": 3}}
    one = job(Spec("base", method=method), **{"told": told, **more})
    found = job_object(one, Forecast(0, 8.0) if one.open else None)
    read = FineTuningJob.model_validate(found)

    assert (read.id, read.model, read.status, read.created_at) == (ID, "base", one.state, SECONDS)
    assert read.finished_at == (None if one.open else SECONDS)
    assert read.method is not None
    assert read.method.type == ("dpo" if method == "dpo" else "supervised")
    assert (read.error.code if read.error else None) == ("LearnerError" if one.state == "failed" else None)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_job_has_a_model_only_when_it_has_succeeded():
    for name, more in STATES.items():
        one = job(**more)
        found = job_object(one, None)
        done = name in ("succeeded", "forgotten")

        assert found["fine_tuned_model"] == (one.model if name == "succeeded" else None)
        assert found["trained_tokens"] == (400 if done else None)


def test_what_was_said_is_heard_again_and_the_rest_is_what_is_trained_with():
    told = {"suffix": "mine", "metadata": {"a": "b"}, "hyperparameters": {"n_epochs": 3, "batch_size": "auto"}}
    spec = Spec("base", batch=2, learning_rate=5e-4, seed=7)
    found = job_object(job(spec, told=told, validation_file="file-2"), None)

    assert found["hyperparameters"] == {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 0.5}
    assert (found["user_provided_suffix"], found["metadata"], found["seed"]) == ("mine", {"a": "b"}, 7)
    assert found["validation_file"] == "file-2"
    assert found["labkit"]["spec"] == spec.to_json()


def test_when_it_will_be_done_is_told_of_a_job_that_is_not_over():
    before = datetime.now(UTC).timestamp()
    waits = job_object(job(**STATES["queued"]), Forecast(3, 90.04))
    assert (waits["labkit"]["place"], waits["labkit"]["seconds_left"]) == (3, 90.0)
    assert waits["estimated_finish"] >= int(before + 90)

    for one, forecast in ((job(), None), (job(**OVER), Forecast(3, 90.0))):
        found = job_object(one, forecast)
        assert found["estimated_finish"] is None
        assert (found["labkit"]["place"], found["labkit"]["seconds_left"]) == (0, 0.0)


def test_how_far_it_is_and_what_it_has_cost_is_told_beside_openais_words():
    found = job_object(job(), None)["labkit"]

    assert (found["step"], found["steps"], found["tokens"], found["seconds"]) == (4, 12, 400, 2.0)
    assert [job_object(job(**STATES[name]), None)["labkit"]["cancelling"] for name in ("cancelling", "cancelled")] == [
        True,
        False,
    ]


def test_nothing_of_where_it_runs_or_whose_it_is_goes_out():
    text = json.dumps([job_object(job(**one), None) for one in STATES.values()] + [file_object(FILE)])

    assert "ana" not in text
    assert "holder" not in text
    assert "d" * 64 not in text


def test_openais_client_reads_a_file():
    read = FileObject.model_validate(file_object(FILE))

    assert (read.id, read.bytes, read.filename, read.purpose) == ("file-1", 700, "rows.jsonl", "fine-tune")
    assert (read.created_at, read.status) == (SECONDS, "processed")
    assert file_object(FILE)["labkit"] == {"rows": 9, "method": "dpo"}


@pytest.mark.parametrize(("kind", "level"), [("message", "info"), ("message", "error"), ("metrics", "info")])
def test_openais_client_reads_an_event(kind: str, level: str):
    event = Event(17, ID, NOON, kind, level, "Step 4/12: training loss=0.50", METRICS)
    read = FineTuningJobEvent.model_validate(event_object(event))

    assert (read.id, read.type, read.level, read.created_at) == ("ftevent-17", kind, level, SECONDS)
    assert (read.message, read.data) == (event.text, METRICS)


def test_openais_client_reads_a_checkpoint_whose_model_can_be_asked():
    kept = Checkpoint("ftckpt-1", ID, 4, METRICS, "a" * 64, NOON)
    read = FineTuningJobCheckpoint.model_validate(checkpoint_object(kept, job()))

    assert (read.id, read.fine_tuning_job_id, read.step_number) == ("ftckpt-1", ID, 4)
    assert read.fine_tuned_model_checkpoint == f"{job().model}:ckpt-step-4"
    assert (read.metrics.train_loss, read.metrics.valid_loss) == (0.5, 0.75)
    last = checkpoint_object(replace(kept, step=12), job())
    assert last["fine_tuned_model_checkpoint"] == job().model, "the last is the model itself"


def test_a_page_says_where_it_ends_and_an_empty_one_says_nothing():
    assert listed([{"id": "a"}, {"id": "b"}], more=True) == {
        **{"object": "list", "data": [{"id": "a"}, {"id": "b"}], "has_more": True},
        **{"first_id": "a", "last_id": "b"},
    }
    assert listed([]) == {"object": "list", "data": [], "has_more": False}
