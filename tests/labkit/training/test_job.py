"""The names a training's model has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from labkit.training.job import Job, job_of, model_at
from labkit.training.spec import Spec

ID = "ftjob-" + "a1" * 12


def job(suffix: str = "") -> Job:
    row = dict.fromkeys(Job.__dataclass_fields__) | {
        **{"id": ID, "spec": Spec("qwen3-0.6b", steps=40).to_json(), "told": {"suffix": suffix}},
        "created_at": datetime.now(UTC),
    }
    return Job.of(row)


@pytest.mark.parametrize("suffix", ["", "mine", "my.model-2"])
def test_a_name_says_its_job_and_its_step(suffix: str):
    assert job(suffix).model == f"ft:qwen3-0.6b:labkit:{suffix}:{'a1' * 12}"
    assert job_of(job(suffix).model) == (ID, None)
    assert job_of(model_at(job(suffix), 20)) == (ID, 20)


def test_what_it_was_at_its_last_step_is_its_model():
    assert model_at(job(), 40) == job().model


NONE = [
    *("", "ft:", "ft:a", "smollm2-135m-instruct", "ft:a:b:c", "ft:a:b:c:d:e:f"),
    *("ft:a:b:c:d:last", "ft:a:b:c:d:ckpt-step-x", "ft:a:b:c:d:ckpt-step-1000000000"),
]


@pytest.mark.parametrize("name", NONE)
def test_any_other_name_says_none(name: str):
    assert job_of(name) is None
