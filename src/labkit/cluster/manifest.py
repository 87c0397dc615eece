"""What is submitted: a `batch/v1` Job that waits in a Kueue queue, and a pod that the restricted profile lets in.

Pod Security Standards, "restricted": https://kubernetes.io/docs/concepts/security/pod-security-standards/. Kueue admits
a Job by its label and by lifting `suspend`: https://kueue.sigs.k8s.io/docs/tasks/run/jobs/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

QUEUE = "kueue.x-k8s.io/queue-name"
PRIORITY = "kueue.x-k8s.io/priority-class"
NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
_USER = 10001


@dataclass(frozen=True)
class Mount:
    """A volume claim, or with `secret` a Secret's keys as files; `path` is where the pod finds it."""

    name: str
    path: str
    secret: bool = False
    writable: bool = False


@dataclass(frozen=True)
class Order:
    """One Job of one pod. `memory` in bytes or as Kubernetes writes it; `tries` are those of the whole pod, for when
    its node goes; `grace` is how long it has to write down what it was at."""

    name: str
    component: str
    queue: str
    image: str
    command: tuple[str, ...]
    mounts: tuple[Mount, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    cpu: str = "2"
    memory: str = "6Gi"
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    priority: str = ""
    tries: int = 3
    grace: int = 60
    kept_seconds: int = 3600  # after its end, for whoever looks for the reason


def manifest(order: Order) -> dict[str, Any]:
    labels = {NAME: "labkit", COMPONENT: order.component}
    queued = {QUEUE: order.queue, **({PRIORITY: order.priority} if order.priority else {})}
    return {
        **{"apiVersion": "batch/v1", "kind": "Job"},
        "metadata": {"name": order.name, "labels": {**labels, **queued}},
        "spec": {
            "suspend": True,  # until Kueue admits it
            **{"parallelism": 1, "completions": 1, "backoffLimit": order.tries},
            "ttlSecondsAfterFinished": order.kept_seconds,
            "template": {"metadata": {"labels": labels}, "spec": _pod(order)},
        },
    }


def _pod(order: Order) -> dict[str, Any]:
    return {
        **{"restartPolicy": "Never", "automountServiceAccountToken": False, "enableServiceLinks": False},
        "terminationGracePeriodSeconds": order.grace,
        "securityContext": {
            **{"runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(order)],
        "volumes": [{"name": "scratch", "emptyDir": {}}, *(_volume(mount) for mount in order.mounts)],
    }


def _container(order: Order) -> dict[str, Any]:
    limits = {"cpu": order.cpu, "memory": order.memory}
    if order.gpus:
        limits[order.gpu_resource] = str(order.gpus)
    mounts = [{"name": mount.name, "mountPath": mount.path, "readOnly": not mount.writable} for mount in order.mounts]
    return {
        **{"name": order.component, "image": order.image, "command": list(order.command)},
        "env": [{"name": "HOME", "value": "/tmp"}, *({"name": n, "value": v} for n, v in order.environment.items())],
        "resources": {"requests": dict(limits), "limits": limits},
        "securityContext": {
            **{"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True},
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}, *mounts],
    }


def _volume(mount: Mount) -> dict[str, Any]:
    if mount.secret:
        return {"name": mount.name, "secret": {"secretName": mount.name, "defaultMode": 0o440}}
    claim = {"claimName": mount.name, "readOnly": not mount.writable}
    return {"name": mount.name, "persistentVolumeClaim": claim}
