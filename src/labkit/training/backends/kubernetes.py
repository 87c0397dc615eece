"""Trains in a cluster: what waits becomes a Job, which Kueue admits when its queue has room.

    {"kind": "kubernetes", "namespace", "queue", "image", "secret", "claim", ...}

A Job is this same program with `--once`: it takes what waits from the database, trains it side by side, writes what
comes out to the shared volume, and ends when nothing is left. So there is nothing to collect, and whoever cancels does
it in the database, where every worker looks before each step. What stays to be done here: to submit a Job when
something waits, to see when a pod is gone with work in its hands, and to take a Job back that nobody needs any more.

Does not cover: a pod that hangs without dying; its Job must be deleted by whoever runs the cluster.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from labkit import holder as holders
from labkit.cluster import Batch, Mount, Order, Standing
from labkit.errors import LabkitError
from labkit.training.jobs import Jobs

if TYPE_CHECKING:
    from labkit.training.trainer import Trainer

log = logging.getLogger("labkit.training")
COMPONENT = "training"
_LOOK_SECONDS = 2.0
_CONFIG, _DATA, _MODELS = "/srv/labkit/config", "/srv/labkit/training", "/srv/labkit/models"


@dataclass(frozen=True)
class Settings:
    """`secret` has a key `training.json`, the CONFIG.json of a worker whose paths are those of the pod: /srv/labkit/
    training (the volume `claim`) and /srv/labkit/models (the volume `models`). At most `jobs` run or wait at once."""

    namespace: str
    queue: str
    image: str
    secret: str
    claim: str
    models: str
    jobs: int = 1
    cpu: str = "2"
    memory: str = "6Gi"
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    priority: str = ""
    grace: int = 60
    look_seconds: float = _LOOK_SECONDS


def order(settings: Settings) -> Order:
    """The Job that takes what waits, under a name of its own."""
    return Order(
        name=f"labkit-training-{secrets.token_hex(5)}",
        component=COMPONENT,
        queue=settings.queue,
        image=settings.image,
        command=("python", "-m", "labkit.training", f"{_CONFIG}/training.json", "--once"),
        mounts=(
            Mount(settings.secret, _CONFIG, secret=True),
            Mount(settings.claim, _DATA, writable=True),
            Mount(settings.models, _MODELS),
        ),
        environment={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": settings.cpu if settings.cpu.isdecimal() else "1"},
        cpu=settings.cpu,
        memory=settings.memory,
        gpus=settings.gpus,
        gpu_resource=settings.gpu_resource,
        priority=settings.priority,
        grace=settings.grace,
    )


class Dispatcher:
    def __init__(self, settings: Settings, jobs: Jobs, batch: Batch) -> None:
        self._settings, self._jobs, self._batch = settings, jobs, batch

    async def round(self) -> bool:
        """Looks once; whether anything is open."""
        standings = await self._batch.standings(COMPONENT)
        await asyncio.to_thread(self._jobs.take_back, self._alive(standings))
        open = await asyncio.to_thread(self._jobs.open)
        at_work = [one for one in standings if not one.over]
        if not open:
            for one in at_work:
                if one.state == "waiting":  # everything it was meant for was cancelled
                    await self._batch.delete(one.name)
            return bool(at_work)
        waiting = await asyncio.to_thread(self._jobs.waiting)
        if waiting and len(at_work) < self._settings.jobs and not any(one.state == "waiting" for one in at_work):
            new = order(self._settings)
            await self._batch.submit(new)
            log.info("%d trainings wait; %s is in the queue %s", len(waiting), new.name, new.queue)
        return True

    def _alive(self, standings: Sequence[Standing]) -> Callable[[str, datetime | None], bool]:
        """A pod's name is its host's: whoever holds work under the name of a pod that is gone has lost it."""
        pods = {pod for one in standings for pod in one.pods}

        def alive(holder: str, since: datetime | None) -> bool:
            host = holders.host(holder)
            if host.startswith("labkit-training-"):
                return host in pods
            return holders.alive(holder, since)

        return alive


def run(
    settings: Settings, engine: Engine, _trainer: Callable[[], Trainer], stop: threading.Event, *, once: bool
) -> None:
    asyncio.run(_run(settings, Jobs(engine), stop, once=once))


async def _run(settings: Settings, jobs: Jobs, stop: threading.Event, *, once: bool) -> None:
    async with Batch.open(settings.namespace) as batch:
        dispatcher = Dispatcher(settings, jobs, batch)
        while not stop.is_set():
            try:
                if not await dispatcher.round() and once:
                    return
            except (LabkitError, SQLAlchemyError):
                log.exception("The cluster or the database did not answer; it is asked again")
            await asyncio.to_thread(stop.wait, settings.look_seconds)
