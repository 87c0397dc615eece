"""A training begins where there is room for it; what never fits is refused with what to change."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.model

pytest.importorskip("torch")

from labkit.errors import LearnerError  # noqa: E402
from labkit.training import memory  # noqa: E402
from labkit.training.admission import Admission  # noqa: E402
from labkit.training.job import Job  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402
from labkit.training.turns import FULL, MOST_STEP, MOST_TOGETHER  # noqa: E402

LARGE = 2**50


def job(step_tokens: float = 100.0, **spec: Any) -> Job:
    row = dict.fromkeys(Job.__dataclass_fields__) | {
        **{"id": "ftjob-" + "0a" * 12, "created_at": datetime.now(UTC), "step_tokens": step_tokens},
        "spec": Spec("base", **spec).to_json(),
    }
    return Job.of(row)


def need(resident: Any, one: Job) -> int:
    """As what refuses it says it."""
    spec = one.spec
    shapes = resident.shapes(spec.targets, spec.first_layer(resident.layers))
    return memory.estimate(spec, one.step_tokens, resident.config, shapes)


def test_a_training_that_fits_beside_the_others_begins_and_one_that_does_not_waits(tiny):
    first, second = job(rank=4), job(rank=16)
    both = need(tiny, first) + need(tiny, second)

    assert Admission(both).memory([(first, tiny)], second, tiny)
    assert not Admission(both - 1).memory([(first, tiny)], second, tiny)
    assert Admission(both - 1).memory([], second, tiny), "once the first is done"


def test_one_alone_may_take_all_there_is_and_not_a_byte_more(tiny):
    one = job(rank=32)

    assert Admission(need(tiny, one)).memory([], one, tiny)
    with pytest.raises(LearnerError):
        Admission(need(tiny, one) - 1).memory([], one, tiny)


@pytest.mark.parametrize("others", [0, 3])
def test_what_never_fits_is_refused_with_what_to_change_whoever_else_is_there(tiny, others: int):
    one = job(length=8192, batch=64, step_tokens=64 * 8192, rank=64)
    with pytest.raises(LearnerError) as refused:
        Admission(2**20, LARGE).memory([(job(), tiny)] * others, one, tiny)

    assert re.search(r"needs about \d+\.\d GB of memory, 0\.0 GB are there", str(refused.value))
    assert refused.value.instead == "Lower length, batch or rank."


def test_what_it_is_told_to_change_makes_it_fit(tiny):
    large = job(step_tokens=8 * 1024, length=1024, batch=8, rank=64)
    less = replace(large, step_tokens=64.0, spec=replace(large.spec, length=64, batch=1, rank=4))
    admission = Admission(need(tiny, large) - 1)
    with pytest.raises(LearnerError):
        admission.memory([], large, tiny)

    assert admission.memory([], less, tiny)


def test_upper_layers_ask_for_less(tiny):
    lower, upper = job(rank=32, step_tokens=1000), job(rank=32, step_tokens=1000, layers="upper")

    assert need(tiny, upper) < need(tiny, lower)
    assert Admission(need(tiny, lower) - 1).memory([], upper, tiny)


def test_without_a_number_half_of_what_is_free_is_for_trainings(tiny, monkeypatch):
    one = job()
    monkeypatch.setattr(memory, "free", lambda: 2 * need(tiny, one))
    assert Admission().memory([], one, tiny)

    monkeypatch.setattr(memory, "free", lambda: 2 * need(tiny, one) - 2)
    with pytest.raises(LearnerError):
        Admission().memory([], one, tiny)


def test_a_pass_that_is_full_takes_no_more_however_much_memory_there_is():
    admission = Admission(LARGE)

    assert admission.room([], job(FULL * 9)), "one alone always may"
    assert admission.room([job(FULL / 2)], job(FULL / 2))
    assert not admission.room([job(FULL / 2)], job(FULL / 2 + 1))
    assert not admission.room([job(1.0)] * MOST_TOGETHER, job(1.0))


def test_a_step_that_would_keep_everybody_waiting_is_refused_with_what_to_change(tiny):
    with pytest.raises(LearnerError, match=r"may take 4,097 tokens; 4,096 are allowed\. Lower batch"):
        Admission(LARGE).memory([], job(step_tokens=MOST_STEP + 1), tiny)

    assert Admission(LARGE).memory([], job(step_tokens=MOST_STEP), tiny)
