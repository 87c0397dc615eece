"""A double of a cluster: an API server for batch/v1 Jobs and their pods, Kueue's admission, and one node.

A pod is a process of this machine with a host name of its own, the claims and Secrets of its Job at their paths, and
nothing else of the cluster. What is submitted must be valid against Kubernetes' own schemas, must be suspended, and
must name a queue that is there; at most `quota` Jobs run, in the order in which they came. What the double leaves out:
accounts, images, limits of processor and memory, and everything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes_validate
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.cluster.manifest import QUEUE

VERSION = "1.34"
Object = dict[str, Any]


@dataclass
class Pod:
    """`process` is there once the node has started it."""

    name: str
    job: str
    labels: dict[str, str]
    spec: Object
    phase: str = "Pending"
    process: subprocess.Popen[bytes] | None = None
    deleted: bool = False

    def look(self) -> None:
        code = self.process.poll() if self.process else None
        if code is not None:
            self.phase = "Succeeded" if code == 0 else "Failed"


@dataclass
class Cluster:
    """`volumes` says which folder of this machine stands behind a claim or a Secret."""

    namespace: str
    queues: tuple[str, ...]
    volumes: dict[str, Path]
    log: Path
    quota: int = 1
    jobs: dict[str, Object] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    broken: bool = False  # answers nothing but 500

    # What a controller does.

    def reconcile(self) -> None:
        for pod in self.pods.values():
            pod.look()
        for job in self.jobs.values():
            if not _over(job):
                self._admit(job)
                self._run(job)

    def _admit(self, job: Object) -> None:
        running = [one for one in self.jobs.values() if not one["spec"]["suspend"] and not _over(one)]
        if job["spec"]["suspend"] and len(running) < self.quota:
            job["spec"]["suspend"] = False

    def _run(self, job: Object) -> None:
        name, status = job["metadata"]["name"], job["status"]
        mine = [pod for pod in self.pods.values() if pod.job == name]
        status["failed"] = sum(pod.phase == "Failed" and not pod.deleted for pod in mine)
        if any(pod.phase == "Succeeded" for pod in mine):
            _finish(job, "Complete")
        elif status["failed"] > job["spec"]["backoffLimit"]:
            _finish(job, "Failed")
        elif not job["spec"]["suspend"] and not any(pod.phase in ("Pending", "Running") for pod in mine):
            self._start(job, f"{name}-{len(mine):05d}")

    def _start(self, job: Object, name: str) -> None:
        template = job["spec"]["template"]
        owner = {"batch.kubernetes.io/job-name": job["metadata"]["name"]}
        pod = Pod(name, job["metadata"]["name"], {**template["metadata"]["labels"], **owner}, template["spec"])
        self.pods[name] = pod
        with self.log.open("ab") as log:
            pod.process = subprocess.Popen(self._command(pod), stdout=log, stderr=log)
        pod.phase = "Running"

    def _command(self, pod: Pod) -> list[str]:
        container, volumes = pod.spec["containers"][0], {one["name"]: one for one in pod.spec["volumes"]}
        words = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/srv", "--unshare-user", "--unshare-uts"]
        words += ["--hostname", pod.name, "--die-with-parent", "--clearenv"]
        for mount in container["volumeMounts"]:
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                continue
            claim = volume.get("persistentVolumeClaim")
            folder = self.volumes[claim["claimName"] if claim else volume["secret"]["secretName"]]
            words += ["--ro-bind" if mount["readOnly"] else "--bind", str(folder), mount["mountPath"]]
        for one in [
            *container["env"],
            {"name": "PATH", "value": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        ]:
            words += ["--setenv", one["name"], one["value"]]
        return [*words, "--", *container["command"]]

    async def end(self, pod: Pod, grace: float) -> None:
        """As a node ends a pod: SIGTERM, and after its grace SIGKILL."""
        pod.deleted = True
        if pod.process is None:
            return
        until = time.monotonic() + grace
        while pod.process.poll() is None:
            _signal(pod.process.pid, signal.SIGTERM if time.monotonic() < until else signal.SIGKILL)
            await asyncio.sleep(0.2)

    # What an API server answers.

    async def create(self, request: Request) -> Response:
        given = await request.json()
        try:
            kubernetes_validate.validate(given, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            return self._refuse(422, "Invalid", str(error))
        name = given["metadata"]["name"]
        if given["metadata"].get("labels", {}).get(QUEUE) not in self.queues or not given["spec"].get("suspend"):
            return self._refuse(422, "Invalid", "a Job here is suspended and names a queue")
        if name in self.jobs:
            return self._refuse(409, "AlreadyExists", name)
        given["metadata"] |= {"namespace": self.namespace, "creationTimestamp": _now(), "uid": name}
        self.jobs[name] = {**given, "status": {}}
        return JSONResponse(self.jobs[name], 201)

    async def list_jobs(self, request: Request) -> Response:
        found = [job for job in self.jobs.values() if _chosen(request, job["metadata"].get("labels", {}))]
        return JSONResponse({"apiVersion": "batch/v1", "kind": "JobList", "metadata": {}, "items": found})

    async def list_pods(self, request: Request) -> Response:
        found = [
            {
                "metadata": {"name": pod.name, "namespace": self.namespace, "labels": pod.labels},
                **{"spec": pod.spec, "status": {"phase": pod.phase}},
            }
            for pod in self.pods.values()
            if _chosen(request, pod.labels)
        ]
        return JSONResponse({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": found})

    async def delete(self, request: Request) -> Response:
        job = self.jobs.pop(request.path_params["name"], None)
        if job is None:
            return self._refuse(404, "NotFound", request.path_params["name"])
        for pod in [one for one in self.pods.values() if one.job == job["metadata"]["name"]]:
            grace = pod.spec["terminationGracePeriodSeconds"]
            asyncio.create_task(self._gone(pod, grace))  # noqa: RUF006 - "Background"
        return JSONResponse(job)

    async def _gone(self, pod: Pod, grace: float) -> None:
        await self.end(pod, grace)
        self.pods.pop(pod.name, None)

    def _refuse(self, code: int, reason: str, message: str) -> Response:
        self.refused.append(f"{code} {message}")
        told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
        return JSONResponse({**told, "reason": reason, "message": message}, code)


class Server:
    """Runs a cluster in a thread of its own; what is called here is done in its loop."""

    def __init__(self, cluster: Cluster, port: int) -> None:
        self.cluster = cluster
        self._loop = asyncio.new_event_loop()
        jobs = f"/apis/batch/v1/namespaces/{cluster.namespace}/jobs"
        routes = [
            Route(jobs, self._unless_broken(cluster.create), methods=["POST"]),
            Route(jobs, self._unless_broken(cluster.list_jobs)),
            Route(f"{jobs}/{{name}}", self._unless_broken(cluster.delete), methods=["DELETE"]),
            Route(f"/api/v1/namespaces/{cluster.namespace}/pods", self._unless_broken(cluster.list_pods)),
        ]
        config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.kubeconfig = {
            **{"apiVersion": "v1", "kind": "Config", "current-context": "double"},
            "clusters": [{"name": "double", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "double", "user": {"token": "none"}}],
            "contexts": [{"name": "double", "context": {"cluster": "double", "user": "double"}}],
        }

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        for pod in list(self.cluster.pods.values()):
            self.kill(pod)
        self._server.should_exit = True
        self._thread.join(30)
        self._loop.close()
        for pod in self.cluster.pods.values():
            if pod.process is not None:
                pod.process.wait()

    def kill(self, pod: Pod) -> None:
        """As a node that loses power."""
        if pod.process is not None and pod.process.poll() is None:
            _signal(pod.process.pid, signal.SIGKILL)

    def evict(self, job: str) -> None:
        """As Kueue does it for somebody more urgent: the Job waits again, its pod has its grace."""

        async def do() -> None:
            self.cluster.jobs[job]["spec"]["suspend"] = True
            mine = [pod for pod in self.cluster.pods.values() if pod.job == job]
            await asyncio.gather(*(self.cluster.end(p, p.spec["terminationGracePeriodSeconds"]) for p in mine))
            for pod in mine:
                del self.cluster.pods[pod.name]

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(120)

    async def _serve(self) -> None:
        task = asyncio.create_task(self._reconcile())
        await self._server.serve()
        task.cancel()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=60)  # type: ignore[type-var]

    async def _reconcile(self) -> None:
        while True:
            self.cluster.reconcile()
            await asyncio.sleep(0.05)

    def _unless_broken(self, answer: Any) -> Any:
        async def call(request: Request) -> Response:
            if self.cluster.broken:
                return JSONResponse({"kind": "Status", "code": 500, "reason": "InternalError"}, 500)
            found: Response = await answer(request)
            return found

        return call


def write_kubeconfig(server: Server, path: Path) -> Path:
    path.write_text(json.dumps(server.kubeconfig))  # JSON is YAML
    return path


def _chosen(request: Request, labels: dict[str, str]) -> bool:
    wanted = request.query_params.get("labelSelector", "")
    pairs = [one.split("=", 1) for one in wanted.split(",") if one]
    return all(labels.get(name) == value for name, value in pairs)


def _over(job: Object) -> bool:
    return bool(job["status"].get("conditions"))


def _finish(job: Object, kind: str) -> None:
    job["status"]["conditions"] = [{"type": kind, "status": "True", "lastTransitionTime": _now()}]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _signal(pid: int, number: int) -> None:
    """To what runs in the pod, not to the sandbox around it, which would take it for its own."""
    with contextlib.suppress(OSError):
        inside = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(inside[0]) if inside and number != signal.SIGKILL else pid, number)
