"""The names a training's model has."""

from __future__ import annotations

import pytest

from labkit.training.job import job_of, model_name

ID = "ftjob-" + "a1" * 12


def test_a_name_says_its_job():
    assert job_of(model_name("qwen3-0.6b", "mine", ID)) == (ID, None)
    assert job_of(model_name("qwen3-0.6b", "", ID, step=20)) == (ID, 20)


NONE = [
    *("", "ft:", "ft:a", "smollm2-135m-instruct", "ft:a:b:c", "ft:a:b:c:d:e:f"),
    *("ft:a:b:c:d:last", "ft:a:b:c:d:ckpt-step-x", "ft:a:b:c:d:ckpt-step-1000000000"),
]


@pytest.mark.parametrize("name", NONE)
def test_any_other_name_says_none(name: str):
    assert job_of(name) is None
