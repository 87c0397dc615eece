"""Trainings as Jobs of a cluster: queued, admitted, evicted, lost with their node, and finished all the same."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from labkit.cluster.manifest import PRIORITY, QUEUE
from tests.hub_config.training.conftest import BASE

pytestmark = [pytest.mark.model, pytest.mark.sandbox, pytest.mark.timeout(600)]


def until(condition: Callable[[], Any], what: str, seconds: float = 240) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.05)
    return found


def begin(client: Any, rows: bytes, steps: int) -> Any:
    file = client.files.create(file=("rows.jsonl", rows), purpose="fine-tune")
    return client.fine_tuning.jobs.create(model=BASE, training_file=file.id, extra_body={"labkit": {"steps": steps}})


def step(client: Any, job: Any) -> int:
    return int(client.fine_tuning.jobs.retrieve(job.id).model_extra["labkit"]["step"])


def figures(client: Any, job: Any) -> dict[int, float]:
    told = client.fine_tuning.jobs.list_events(job.id, limit=100)
    return {one.data["step"]: one.data["train_loss"] for one in told if one.type == "metrics"}


def only_job(cluster: Any) -> Any:
    return next(iter(cluster.cluster.jobs.values()))


def test_what_waits_becomes_one_job_and_everybody_gets_a_model(on_kubernetes, cluster, rows):
    cluster.cluster.quota = 0
    site = on_kubernetes(answering=True, priority="training")
    people = {name: site.openai(name) for name in ("ana", "ben")}
    jobs = {name: begin(client, rows, 8) for name, client in people.items()}
    until(lambda: cluster.cluster.jobs, "a Job")
    time.sleep(1)
    assert len(cluster.cluster.jobs) == 1, "whoever waits shares one Job"
    labels = only_job(cluster)["metadata"]["labels"]
    assert (labels[QUEUE], labels[PRIORITY]) == ("course-testing", "training")
    assert people["ana"].fine_tuning.jobs.retrieve(jobs["ana"].id).status == "queued"

    cluster.cluster.quota = 1
    for name, client in people.items():
        found = site.wait(client, jobs[name].id)
        answer = client.chat.completions.create(
            model=found.fine_tuned_model, messages=[{"role": "user", "content": "Who keeps it?"}], max_tokens=3
        )
        assert answer.usage.completion_tokens > 0
    until(lambda: only_job(cluster)["status"].get("conditions"), "the end of the Job")
    assert only_job(cluster)["status"]["conditions"][0]["type"] == "Complete"
    assert len(cluster.cluster.pods) == 1
    assert not cluster.cluster.refused


def test_what_comes_after_a_job_has_ended_gets_another(on_kubernetes, cluster, rows):
    site = on_kubernetes()
    client = site.openai("ana")
    site.wait(client, begin(client, rows, 2).id)
    until(lambda: only_job(cluster)["status"].get("conditions"), "the end of the Job")
    site.wait(client, begin(client, rows, 2).id)

    assert len(cluster.cluster.jobs) == 2


def test_a_pod_that_is_evicted_for_somebody_more_urgent_goes_on_where_it_was(on_kubernetes, cluster, rows):
    site = on_kubernetes()
    client = site.openai("ana")
    job = begin(client, rows, 160)
    until(lambda: step(client, job) > 0, "a first step")
    cluster.cluster.quota = 0
    cluster.evict(only_job(cluster)["metadata"]["name"])
    stopped = client.fine_tuning.jobs.retrieve(job.id)
    assert stopped.status == "queued", "a pod that may write down what it was at gives it back"
    at = step(client, job)
    assert 0 < at < 160

    cluster.cluster.quota = 1
    site.wait(client, job.id)
    said = [one.message for one in client.fine_tuning.jobs.list_events(job.id, limit=100) if one.type == "message"]
    assert f"The training goes on from step {at}." in said
    assert sorted(figures(client, job)) == list(range(1, 161))


def test_a_pod_that_dies_with_its_node_loses_no_training(on_kubernetes, cluster, rows):
    site = on_kubernetes()
    client = site.openai("ana")
    job = begin(client, rows, 160)
    until(lambda: any((site.folder / "training" / "jobs").glob("*/state.safetensors")), "a checkpoint")
    for pod in list(cluster.cluster.pods.values()):
        cluster.kill(pod)
    assert client.fine_tuning.jobs.retrieve(job.id).status == "running", "killed too late to show anything"

    site.wait(client, job.id)
    assert len(cluster.cluster.pods) == 2, "its Job started another"
    assert sorted(figures(client, job)) == list(range(1, 161))


def test_a_job_that_nobody_needs_any_more_leaves_the_queue(on_kubernetes, cluster, rows):
    cluster.cluster.quota = 0
    site = on_kubernetes()
    client = site.openai("ana")
    job = begin(client, rows, 8)
    until(lambda: cluster.cluster.jobs, "a Job")
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"

    until(lambda: not cluster.cluster.jobs, "the end of the Job")


def test_a_training_that_is_cancelled_while_it_runs_ends_and_its_job_with_it(on_kubernetes, cluster, rows):
    site = on_kubernetes()
    client = site.openai("ana")
    job = begin(client, rows, 390)
    until(lambda: step(client, job) > 0, "a first step")
    client.fine_tuning.jobs.cancel(job.id)

    site.wait(client, job.id, "cancelled")
    until(lambda: only_job(cluster)["status"].get("conditions"), "the end of the Job")
    assert step(client, job) < 390


def test_a_cluster_that_does_not_answer_is_asked_again(on_kubernetes, cluster, rows):
    cluster.cluster.broken = True
    site = on_kubernetes()
    client = site.openai("ana")
    job = begin(client, rows, 2)
    until(lambda: "The cluster did not do it" in (site.folder / "training.log").read_text(), "a line in the log")
    cluster.cluster.broken = False

    site.wait(client, job.id)


@pytest.mark.parametrize(
    ("settings", "said"), [({"queue": 5}, "queue is 5"), ({"colour": "red"}, "unknown key 'colour'")]
)
def test_a_setting_that_nobody_knows_is_refused_by_its_name(tmp_path, settings, said):
    import json
    import subprocess
    import sys

    backend = {
        **{"kind": "kubernetes", "namespace": "n", "queue": "q", "image": "i", "secret": "s", "claim": "c"},
        **{"models": "m", **settings},
    }
    config = {
        "database_url": f"sqlite:///{tmp_path / 'x.db'}",
        "folder": str(tmp_path),
        "bases": {},
        "backend": backend,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-m", "labkit.training", str(tmp_path / "config.json")], capture_output=True, text=True
    )

    assert done.returncode == 2
    assert re.search(re.escape(said), done.stderr), done.stderr
