"""Any process may be killed while somebody's model is trained: the training is finished, as if nothing had been."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from labkit.training.places import Places
from tests.hub_config.training.conftest import BASE

pytestmark = pytest.mark.model

STEPS = 160


def begun(site: Any, client: Any, rows: bytes, steps: int = STEPS) -> Any:
    """A job that has taken some steps, and is far from its end."""
    file = client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model=BASE, training_file=file.id, extra_body={"labkit": {"steps": steps}})
    until(lambda: step_of(client, job.id) > 0, "a first step")
    return job


def step_of(client: Any, job: str) -> int:
    return int(client.fine_tuning.jobs.retrieve(job).model_extra["labkit"]["step"])


def until(condition: Callable[[], bool], what: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.1)


def losses(client: Any, job: str) -> dict[int, float]:
    """Of every step, as the events tell them."""
    told = client.fine_tuning.jobs.list_events(job, limit=100)
    return {one.data["step"]: one.data["train_loss"] for one in told if one.type == "metrics"}


def test_a_worker_killed_in_the_middle_loses_no_step_and_changes_no_bit(make_site, rows):
    site = make_site(checkpoint_seconds=0.2)
    client = site.openai("ana")
    whole = begun(site, client, rows)
    undisturbed = site.wait(client, whole.id)

    job = begun(site, client, rows)
    for _ in range(2):
        until(lambda: Places(site.folder / "training").state(job.id).is_file(), "a checkpoint")
        site.kill("training")
        at = step_of(client, job.id)
        assert client.fine_tuning.jobs.retrieve(job.id).status == "running", "killed too late to show anything"
        site.start("training")
        until(lambda at=at: step_of(client, job.id) > at, "a step after the kill")
    finished = site.wait(client, job.id)

    assert finished.trained_tokens == undisturbed.trained_tokens
    assert losses(client, job.id) == losses(client, whole.id)
    assert sorted(losses(client, job.id)) == list(range(1, STEPS + 1))
    said = [one.message for one in client.fine_tuning.jobs.list_events(job.id, limit=100) if one.type == "message"]
    assert any("goes on from step" in text for text in said)


def test_a_worker_killed_before_its_first_checkpoint_begins_again(make_site, rows):
    site = make_site(checkpoint_seconds=3600.0)
    client = site.openai("ana")
    job = begun(site, client, rows, steps=60)
    site.kill("training")
    site.start("training")

    site.wait(client, job.id)
    assert sorted(losses(client, job.id)) == list(range(1, 61))


def test_a_training_goes_on_while_the_gateway_is_gone(site, rows):
    client = site.openai("ana")
    job = begun(site, client, rows)
    site.kill("gateway")
    site.start("gateway")
    site.wait_for(f"{site.url}/health")

    finished = site.wait(client, job.id)
    answer = client.chat.completions.create(
        model=finished.fine_tuned_model, messages=[{"role": "user", "content": "Who keeps it?"}], max_tokens=4
    )
    assert answer.usage.completion_tokens > 0


def test_an_adapter_answers_again_after_its_process_was_killed(site, rows):
    client = site.openai("ana")
    finished = site.wait(client, begun(site, client, rows, steps=8).id)
    asked = {"model": finished.fine_tuned_model, "messages": [{"role": "user", "content": "Since when?"}]}
    before = client.chat.completions.create(**asked, max_tokens=4, temperature=0)
    site.kill("adapters")
    site.start("adapters")
    until(lambda: answers(client, asked) == before.choices[0].message.content, "the same answer again")


def answers(client: Any, asked: dict[str, Any]) -> str | None:
    import openai

    try:
        return str(client.chat.completions.create(**asked, max_tokens=4, temperature=0).choices[0].message.content)
    except openai.APIStatusError as error:
        assert error.status_code in (502, 503), error
        return None
