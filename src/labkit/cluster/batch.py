"""Jobs of one namespace: submitted once, looked at, deleted with their pods.

Does not cover: what a pod does. It is told nothing but what its Secret and its volume hold, and says nothing but what
it writes there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.exceptions import ApiException

from labkit.cluster.manifest import COMPONENT, Order, manifest
from labkit.errors import PlatformFault

_EXISTS, _GONE = 409, 404
_OWNER = "batch.kubernetes.io/job-name"


@dataclass(frozen=True)
class Standing:
    """`state`: waiting (for Kueue), running, complete or failed; `pods` are the names of those that still live."""

    name: str
    state: str
    pods: tuple[str, ...]

    @property
    def over(self) -> bool:
        return self.state in ("complete", "failed")


class Batch:
    def __init__(self, api: client.ApiClient, namespace: str) -> None:
        self._jobs, self._pods, self._namespace = client.BatchV1Api(api), client.CoreV1Api(api), namespace

    @classmethod
    @asynccontextmanager
    async def open(cls, namespace: str) -> AsyncIterator[Batch]:
        """By the pod's own account, or outside a cluster by the kubeconfig. PlatformFault where there is neither."""
        try:
            await config.load_config()
        except config.ConfigException as error:
            raise PlatformFault(
                f"There is no way to the cluster: {error}", instead="Set KUBECONFIG, or run it in a pod."
            ) from error
        async with client.ApiClient() as api:
            yield cls(api, namespace)

    async def submit(self, order: Order) -> None:
        """Once: a Job of that name that is there already stays as it is."""
        try:
            body: Any = manifest(order)  # the client takes what the API takes
            await self._jobs.create_namespaced_job(self._namespace, body)
        except ApiException as error:
            if error.status != _EXISTS:
                raise _fault(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _fault(error) from error

    async def standings(self, component: str) -> list[Standing]:
        """Every Job of that component, by name."""
        chosen = f"{COMPONENT}={component}"
        try:
            jobs = await self._jobs.list_namespaced_job(self._namespace, label_selector=chosen)
            pods = await self._pods.list_namespaced_pod(self._namespace, label_selector=chosen)
        except (ApiException, aiohttp.ClientError, TimeoutError) as error:
            raise _fault(error) from error
        alive: dict[str, list[str]] = {}
        for pod in pods.items:
            if pod.status.phase in ("Pending", "Running"):
                alive.setdefault((pod.metadata.labels or {}).get(_OWNER, ""), []).append(pod.metadata.name)
        named = sorted(((job.metadata.name, job) for job in jobs.items), key=lambda one: one[0])
        return [Standing(name, _state(job), tuple(alive.get(name, ()))) for name, job in named]

    async def delete(self, name: str) -> None:
        """With its pods, which have their grace to write down what they were at."""
        try:
            await self._jobs.delete_namespaced_job(name, self._namespace, propagation_policy="Background")
        except ApiException as error:
            if error.status != _GONE:
                raise _fault(error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _fault(error) from error


def _state(job: Any) -> str:
    for condition in job.status.conditions or ():
        if condition.status == "True" and condition.type in ("Complete", "Failed"):
            return str(condition.type).lower()
    return "waiting" if job.spec.suspend else "running"


def _fault(error: Exception) -> PlatformFault:
    told = f"{error.status} {error.reason}" if isinstance(error, ApiException) else str(error)
    return PlatformFault(f"The cluster did not do it: {told}", instead="See whether its API server answers.")
