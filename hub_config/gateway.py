"""Composition root of the gateway's process, with training mounted in it: `python -m hub_config.gateway CONFIG.json`.

CONFIG.json is the gateway's own (`labkit.gateway`), with "training": {"folder", "bases", "speed", "keep_mb"} beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute

from labkit.allowance import Ledger
from labkit.database import connect
from labkit.errors import LabkitError
from labkit.gateway import __main__ as gateway
from labkit.gateway.app import Mounted
from labkit.gateway.front import Front, Own, body_of
from labkit.strict import read_json, read_secret, strict
from labkit.training.charges import Charges
from labkit.training.events import Events
from labkit.training.files import Files
from labkit.training.jobs import Jobs
from labkit.training.merged_elsewhere import MergedElsewhere
from labkit.training.own import own
from labkit.training.places import Places
from labkit.training.routes import TrainingRoutes
from labkit.training.service import Member, Service
from labkit.training.storage import Storage
from labkit.training.takeaway import Merge, Takeaway


@dataclass(frozen=True)
class Training:
    """`bases` may be trained here; `speed` is believed, in tokens a second, until a training has been seen; `keep_mb`
    is what one person's models may take."""

    folder: str
    bases: list[str]
    speed: float = 200.0
    keep_mb: int = 1024


class Trained:
    """What learners have trained, as the gateway asks for it."""

    def __init__(self, jobs: Jobs, events: Events) -> None:
        self._jobs, self._events = jobs, events

    def find(self, username: str, model: str) -> Own | None:
        found = own(self._jobs, self._events, username, model)
        return Own(model, found[0].spec.base, found[1]) if found else None

    def of(self, username: str) -> list[Own]:
        return [Own(job.model, job.spec.base, job.adapter or "") for job in self._jobs.succeeded(username)]


def compose(settings: gateway.Settings, training: Training) -> Starlette:
    engine = connect(settings.database_url)
    return gateway.compose(settings, [mounted(settings, training, engine)], Trained(Jobs(engine), Events(engine)))


def mounted(settings: gateway.Settings, training: Training, engine: Engine) -> Mounted:
    """Training's routes, behind the gateway's door."""
    places = Places(Path(training.folder))
    jobs, events = Jobs(engine), Events(engine)
    charges = Charges(engine, Ledger(engine, settings.timezone), jobs)
    storage, bases = Storage(engine, places), tuple(training.bases)
    service = Service(Files(engine, places), jobs, events, charges, storage, bases, training.speed, training.keep_mb)

    def mount(front: Front) -> Sequence[BaseRoute]:
        async def admit(request: Request) -> Member:
            place = await front.admitted(request)
            lab = replace(place.lab, training=place.rules.training)  # with what she was given besides
            check_pause = partial(front.check_pause, place)
            return Member(place.caller.username, place.cohort, lab, place.order(), check_pause)

        return TrainingRoutes(service, Takeaway(places, events, _merging(settings)), admit, body_of).routes()

    return mount


def _merging(settings: gateway.Settings) -> dict[str, Merge]:
    """Whole models are made where the adapters of their base answer."""
    return {
        str(one["base"]): MergedElsewhere(str(one["url"]), read_secret(Path(str(one["key_file"]))))
        for one in settings.backends
        if one.get("kind") == "adapters"
    }


def main(argv: list[str]) -> int:
    """Serves until SIGTERM or SIGINT; 2 when the settings are wrong."""
    if len(argv) != 1:
        print("usage: python -m hub_config.gateway CONFIG.json", file=sys.stderr)
        return 2
    try:
        table = read_json(Path(argv[0]))
        training = strict(Training, table.pop("training", {}), f"{argv[0]}: training")
        settings = gateway.read(table, argv[0])
        app = compose(settings, training)
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    return gateway.run(app, settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
