"""What is submitted to a cluster: valid on every version we name, queued, and let in by the restricted profile."""

from __future__ import annotations

from dataclasses import replace

import kubernetes_validate
import pytest

from labkit.cluster import Mount, Order, manifest
from labkit.cluster.manifest import PRIORITY, QUEUE

ORDER = Order(
    **{
        "name": "labkit-training-1",
        "component": "training",
        "queue": "course-testing",
        "image": "labkit/trainer@sha256:0",
    },
    command=("python", "-m", "labkit.training"),
    mounts=(Mount("config", "/srv/labkit/config", secret=True), Mount("data", "/srv/labkit/training", writable=True)),
    **{"gpus": 1, "priority": "training"},
)


@pytest.mark.parametrize("version", ["1.33", "1.34", "1.35", "1.36", "1.37"])
def test_it_is_valid_in_every_version(version: str):
    kubernetes_validate.validate(manifest(ORDER), version, strict=True)


def test_it_waits_in_its_queue_until_kueue_lets_it_go():
    found = manifest(ORDER)

    assert found["spec"]["suspend"] is True
    assert found["metadata"]["labels"][QUEUE] == "course-testing"
    assert found["metadata"]["labels"][PRIORITY] == "training"
    assert PRIORITY not in manifest(replace(ORDER, priority=""))["metadata"]["labels"]


def test_its_pod_may_do_nothing_it_need_not():
    pod = manifest(ORDER)["spec"]["template"]["spec"]
    container = pod["containers"][0]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        **{"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "6Gi", "nvidia.com/gpu": "1"}
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_only_what_is_said_to_be_writable_is():
    container = manifest(ORDER)["spec"]["template"]["spec"]["containers"][0]

    assert {one["name"]: one.get("readOnly", False) for one in container["volumeMounts"]} == {
        **{"scratch": False, "config": True, "data": False},
    }
