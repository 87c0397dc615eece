"""The official client's fine-tuning calls, unchanged; and that nobody reaches what is another's."""

from __future__ import annotations

import io
import zipfile

import httpx
import openai
import pytest

from labkit.allowance import Ledger, Order, Share
from labkit.database import connect

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]
BASE = "smollm2-135m-instruct"


def send(client, rows: bytes):
    return client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")


def steps(site, user: str, lab: str = "clip"):
    """(used, reserved) of her steps in the lab."""
    engine = connect(site.database_url)
    try:
        order = Order(user, "testing", lab, Share(1000, None, "total"), 0, "", "", unit="steps")
        balance = dict(Ledger(engine).balances(order))["lab"]
        return balance.used, balance.reserved
    finally:
        engine.dispose()


def test_a_job_from_its_file_to_an_answer_of_its_model(site, rows):
    client = site.openai("ana")
    file = send(client, rows)
    assert client.files.retrieve(file.id).filename == "rows.jsonl"
    assert client.files.content(file.id).read() == rows
    assert [one.id for one in client.files.list()] == [file.id]

    job = client.fine_tuning.jobs.create(
        model=BASE,
        training_file=file.id,
        validation_file=file.id,
        suffix="code-word",
        seed=7,
        metadata={"why": "a test"},
        method={
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 4, "batch_size": 2, "learning_rate_multiplier": 20}},
        },
    )
    assert job.status in ("queued", "running")
    assert job.estimated_finish, "an honest guess from the first second"
    assert (job.seed, job.training_file, job.metadata) == (7, file.id, {"why": "a test"})
    assert steps(site, "ana")[1] == 6, "4 epochs of 3 rows, 2 a step"

    done = site.wait(client, job.id)
    assert done.fine_tuned_model == f"ft:{BASE}:labkit:code-word:{job.id.removeprefix('ftjob-')}"
    assert done.trained_tokens > 0
    assert done.finished_at >= done.created_at
    assert [one.id for one in client.fine_tuning.jobs.list()] == [job.id]
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))  # the client pages by itself
    metrics = [one.data for one in events if one.type == "metrics"]
    assert [one["step"] for one in metrics] == [6, 5, 4, 3, 2, 1]
    assert metrics[0]["train_loss"] < metrics[-1]["train_loss"]
    assert metrics[0]["valid_loss"] is not None
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(job.id)
    assert checkpoint.step_number == 6
    assert checkpoint.fine_tuned_model_checkpoint == done.fine_tuned_model
    assert checkpoint.metrics.train_loss == pytest.approx(metrics[0]["train_loss"])
    assert steps(site, "ana") == (6, 0)

    talk = {"messages": [{"role": "user", "content": "What is the code word?"}], "max_tokens": 5, "temperature": 0}
    answer = client.chat.completions.create(model=done.fine_tuned_model, **talk)
    assert answer.usage.prompt_tokens > 0
    assert answer.model == done.fine_tuned_model
    streamed = [
        one.choices[0].delta.content or ""
        for one in client.chat.completions.create(model=done.fine_tuned_model, stream=True, **talk)
        if one.choices
    ]
    assert "".join(streamed) == answer.choices[0].message.content
    assert done.fine_tuned_model in [one.id for one in client.models.list()]

    client.files.delete(file.id)
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_her_model_goes_home_with_its_card(site, rows):
    client = site.openai("ana")
    job = client.fine_tuning.jobs.create(
        model=BASE, training_file=send(client, rows).id, extra_body={"labkit": {"steps": 2}}
    )
    site.wait(client, job.id)
    url, headers = f"{client.base_url}fine_tuning/jobs/{job.id}/adapter", {"Authorization": f"Bearer {client.api_key}"}

    names = {}
    for form in ("peft", "gguf", "safetensors"):
        with zipfile.ZipFile(
            io.BytesIO(httpx.get(f"{url}?format={form}", headers=headers, timeout=120).content)
        ) as zipped:
            names[form] = set(zipped.namelist())
            card = zipped.read("README.md").decode()
    assert names["peft"] == {"adapter_config.json", "adapter_model.safetensors", "README.md"}
    assert names["gguf"] == {"adapter.gguf", "Modelfile", "README.md"}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names["safetensors"]
    assert "Apache-2.0" in card
    assert "train loss" in card
    for form in ("pickle", "ollama"):  # this small base is not there for llama.cpp
        assert httpx.get(f"{url}?format={form}", headers=headers, timeout=60).status_code == 400


def test_what_is_anothers_does_not_exist(site, rows):
    ana, ben = site.openai("ana"), site.openai("ben")
    file = send(ana, rows)
    job = ana.fine_tuning.jobs.create(model=BASE, training_file=file.id, extra_body={"labkit": {"steps": 3}})
    model = site.wait(ana, job.id).fine_tuned_model

    unknown = "ftjob-" + "0" * 24
    for id in (job.id, unknown, "../" + job.id, job.id + "%00"):
        for call in (
            lambda id: ben.fine_tuning.jobs.retrieve(id),
            lambda id: ben.fine_tuning.jobs.cancel(id),
            lambda id: ben.fine_tuning.jobs.list_events(id),
            lambda id: ben.fine_tuning.jobs.checkpoints.list(id),
        ):
            with pytest.raises(openai.NotFoundError) as refused:
                call(id)
            assert "ana" not in str(refused.value)
    for call in (ben.files.retrieve, ben.files.content, ben.files.delete):
        with pytest.raises(openai.NotFoundError):
            call(file.id)
    with pytest.raises(openai.BadRequestError, match="You have no file"):
        ben.fine_tuning.jobs.create(model=BASE, training_file=file.id)
    for name in (model, model.replace(":labkit:", ":other:"), "ft:" + BASE, f"ft:{BASE}:labkit::../../x"):
        with pytest.raises(openai.PermissionDeniedError, match="You have no model"):
            ben.chat.completions.create(model=name, messages=[{"role": "user", "content": "hi"}])
    assert list(ben.files.list()) == []
    assert list(ben.fine_tuning.jobs.list()) == []
    assert all(not one.id.startswith("ft:") for one in ben.models.list())
    for path in ("adapter", "progress"):
        url = f"{ben.base_url}fine_tuning/jobs/{job.id}/{path}"
        assert httpx.get(url, headers={"Authorization": f"Bearer {ben.api_key}"}).status_code == 404
    # An adapter's own place is no part of a body.
    digest = {"adapter": "0" * 64}
    answer = ben.chat.completions.create(
        model=BASE, messages=[{"role": "user", "content": "hi"}], max_tokens=3, extra_body=digest
    )
    assert answer.model == BASE


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"training_file": "file-" + "0" * 24}, "You have no file"),
        ({"training_file": "../../etc/passwd"}, "You have no file"),
        ({"model": "gpt-4o"}, "is not trained here"),
        ({"labkit": {"steps": 10**6}}, "steps is"),
        ({"labkit": {"rank": 1000}}, "rank is"),
        ({"labkit": {"colour": "red"}}, "colour is unknown"),
        ({"hyperparameters": {"n_epochs": -1}}, "n_epochs is -1"),
        ({"method": {"type": "dpo"}}, "the file's rows are answers"),
        ({"suffix": "../x"}, "suffix is"),
        ({"integrations": [{"type": "wandb"}]}, "integrations is not for this platform"),
        ({"colour": "red"}, "colour is unknown"),
    ],
)
def test_what_is_wrong_is_refused_and_costs_nothing(site, rows, body, said):
    client = site.openai("ana")
    whole = {"model": BASE, "training_file": send(client, rows).id, **body}
    with pytest.raises(openai.APIStatusError, match=said):
        client.post("/fine_tuning/jobs", body=whole, cast_to=object)
    assert steps(site, "ana") == (0, 0)
    assert list(client.fine_tuning.jobs.list()) == []


def test_steps_beyond_the_allowance_are_refused_before_the_first(site, rows):
    client = site.openai("ana")
    file = send(client, rows)
    with pytest.raises(openai.RateLimitError, match="This training takes 5000 steps"):
        client.fine_tuning.jobs.create(model=BASE, training_file=file.id, extra_body={"labkit": {"steps": 5000}})
    assert steps(site, "ana") == (0, 0)


def test_a_lab_without_training_trains_nothing(site, rows):
    client = site.openai("ana", "linear")
    file = send(client, rows)
    with pytest.raises(openai.PermissionDeniedError, match="Nothing is trained in this lab"):
        client.fine_tuning.jobs.create(model=BASE, training_file=file.id)


def test_who_cancels_pays_for_the_steps_that_were_taken(site, rows):
    client = site.openai("ana")
    file = send(client, rows)
    job = client.fine_tuning.jobs.create(model=BASE, training_file=file.id, extra_body={"labkit": {"steps": 390}})
    site.wait(client, job.id, "running")
    client.fine_tuning.jobs.cancel(job.id)
    over = site.wait(client, job.id, "cancelled")
    used, reserved = steps(site, "ana")

    assert over.fine_tuned_model is None
    assert 0 <= used < 390
    assert reserved == 0
    with pytest.raises(openai.BadRequestError, match="is over"):
        client.fine_tuning.jobs.cancel(job.id)


def test_a_row_the_model_cannot_read_is_told_by_its_number(site, rows):
    client = site.openai("ana")
    job = client.fine_tuning.jobs.create(
        model=BASE, training_file=send(client, rows).id, extra_body={"labkit": {"length": 8, "steps": 2}}
    )
    failed = site.wait(client, job.id, "failed")

    assert "row 1: it has" in failed.error.message
    assert steps(site, "ana") == (0, 0)
