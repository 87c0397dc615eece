"""The training worker: `python -m labkit.training CONFIG.json [--once]`.

CONFIG.json: {"database_url", "folder", "bases": {NAME: FOLDER}, "timezone", "idle_seconds", "checkpoint_seconds",
"memory_mb", "step_tokens", "dtype", "nice", "port", "backend": {"kind": "worker" | "kubernetes", ...}}.
With `--once` it ends when nothing is left to do, as a Job of a cluster does.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from labkit.allowance import Ledger
from labkit.database import connect
from labkit.errors import LabkitError, OperatorError
from labkit.strict import read_json, strict
from labkit.training import health
from labkit.training.backends import KINDS
from labkit.training.turns import MOST_STEP

if TYPE_CHECKING:
    from labkit.training.trainer import Trainer


DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """CONFIG.json. `nice` leaves the machine to whoever asks a model while training runs; `memory_mb` is what trainings
    may take beside their bases, 0: half of what is free when the worker starts; `step_tokens` is what one step of a job
    may send through its base. `dtype` "bfloat16" takes half a base's memory, and on processors that compute with it two
    thirds of the time; it gives up that bits are the same."""

    database_url: str
    folder: str
    bases: dict[str, str]
    timezone: str = "Asia/Manila"
    idle_seconds: float = 300.0
    checkpoint_seconds: float = 30.0
    memory_mb: int = 0
    step_tokens: int = MOST_STEP
    dtype: str = "float32"
    nice: int = 10
    port: int = 0  # answers /health on 127.0.0.1; 0: nowhere
    backend: dict[str, Any] = field(default_factory=lambda: {"kind": "worker"})


def compose(settings: Settings, engine: Engine) -> Trainer:
    """torch comes with it, so it is made only where something is trained."""
    import torch

    from labkit.training.charges import Charges
    from labkit.training.events import Events
    from labkit.training.files import Files
    from labkit.training.jobs import Jobs
    from labkit.training.paused import Paused
    from labkit.training.places import Places
    from labkit.training.resident import Resident
    from labkit.training.trainer import Trainer

    places, jobs = Places(Path(settings.folder)), Jobs(engine)
    return Trainer(
        {name: Path(folder) for name, folder in settings.bases.items()},
        jobs,
        Files(engine, places),
        Events(engine),
        Charges(engine, Ledger(engine, settings.timezone), jobs),
        places,
        idle_seconds=settings.idle_seconds,
        checkpoint_seconds=settings.checkpoint_seconds,
        memory=settings.memory_mb * 2**20 or None,
        step_tokens=settings.step_tokens,
        paused=Paused(engine),
        load=lambda folder: Resident(folder, getattr(torch, settings.dtype)),
    )


def checked(settings: Settings, where: str) -> tuple[ModuleType, Any]:
    """The backend they name and its own settings. OperatorError for what nobody can work with."""
    kind = settings.backend.get("kind")
    if kind not in KINDS:
        raise OperatorError(f"{where}: backend is {kind!r}.", instead=f"Known kinds: {', '.join(KINDS)}.")
    if settings.dtype not in DTYPES:
        raise OperatorError(f"{where}: dtype is {settings.dtype!r}.", instead=f"Write {' or '.join(DTYPES)}.")
    numbers = {"memory_mb": settings.memory_mb, "nice": settings.nice, "idle_seconds": settings.idle_seconds}
    for name, value in (numbers | {"checkpoint_seconds": settings.checkpoint_seconds}).items():
        if value < 0 or (name == "nice" and value > 19):
            raise OperatorError(f"{where}: {name} is {value}.", instead="Write 0 or more (nice: to 19).")
    if settings.step_tokens < 1:
        raise OperatorError(f"{where}: step_tokens is {settings.step_tokens}.", instead="Write 4096, or what fits.")
    backend = import_module(KINDS[kind])
    own = {name: value for name, value in settings.backend.items() if name != "kind"}
    return backend, strict(backend.Settings, own, f"{where}: backend {kind}")


def main(argv: list[str]) -> int:
    """Works until SIGTERM or SIGINT; 2 when the settings are wrong."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    once = "--once" in argv
    names = [one for one in argv if one != "--once"]
    if len(names) != 1:
        print("usage: python -m labkit.training CONFIG.json [--once]", file=sys.stderr)
        return 2
    stop = health.Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = strict(Settings, read_json(Path(names[0])), names[0])
        backend, known = checked(settings, names[0])
        os.nice(settings.nice)
        engine = connect(settings.database_url)
        if settings.port:
            health.listen(settings.port, stop)
        print("training worker ready", flush=True)
        backend.run(known, engine, lambda: compose(settings, engine), stop, once=once)
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # Before torch is imported anywhere: its thread pool is sized at import.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
