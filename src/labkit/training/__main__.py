"""The training worker: `python -m labkit.training CONFIG.json [--once]`.

CONFIG.json: {"database_url", "folder", "bases": {NAME: FOLDER}, "timezone", "idle_seconds", "nice", "port"}.
With `--once` it ends when nothing is left to do, as a job of a cluster does.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.allowance import Ledger
from labkit.database import connect
from labkit.errors import LabkitError
from labkit.strict import read_json, strict
from labkit.training import health

if TYPE_CHECKING:
    from labkit.training.trainer import Trainer

log = logging.getLogger("labkit.training")
_IDLE_SECONDS = 0.5
_FAULT_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """CONFIG.json. `nice` leaves the machine to whoever asks a model while training runs."""

    database_url: str
    folder: str
    bases: dict[str, str]
    timezone: str = "Asia/Manila"
    idle_seconds: float = 300.0
    nice: int = 10
    port: int = 0  # answers /health on 127.0.0.1; 0: nowhere


def compose(settings: Settings) -> Trainer:
    from labkit.training.charges import Charges
    from labkit.training.events import Events
    from labkit.training.files import Files
    from labkit.training.jobs import Jobs
    from labkit.training.places import Places
    from labkit.training.trainer import Trainer

    engine, places = connect(settings.database_url), Places(Path(settings.folder))
    jobs = Jobs(engine)
    return Trainer(
        {name: Path(folder) for name, folder in settings.bases.items()},
        jobs,
        Files(engine, places),
        Events(engine),
        Charges(engine, Ledger(engine, settings.timezone), jobs),
        places,
        idle_seconds=settings.idle_seconds,
    )


def work(trainer: Trainer, stop: threading.Event, *, once: bool = False) -> None:
    """Until told to stop; what is at work then is written down and left to the next."""
    while not stop.is_set():
        try:
            busy = trainer.round()
        except Exception:
            # A database that is away for a moment: what was taken is taken back once it answers.
            log.exception("The training loop met a fault of ours; it goes on")
            stop.wait(_FAULT_SECONDS)
            continue
        if not busy:
            if once:
                return
            stop.wait(_IDLE_SECONDS)
    trainer.stop()


def main(argv: list[str]) -> int:
    """Works until SIGTERM or SIGINT; 2 when the settings are wrong."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    once = "--once" in argv
    names = [one for one in argv if one != "--once"]
    if len(names) != 1:
        print("usage: python -m labkit.training CONFIG.json [--once]", file=sys.stderr)
        return 2
    try:
        settings = strict(Settings, read_json(Path(names[0])), names[0])
        os.nice(settings.nice)
        trainer = compose(settings)
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if settings.port:
        health.listen(settings.port)
    print("training worker ready", flush=True)
    work(trainer, stop, once=once)
    return 0


if __name__ == "__main__":
    # Before torch is imported anywhere: its thread pool is sized at import.
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main(sys.argv[1:]))
