"""Trains in this process: on the processor, or on a GPU where there is one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from labkit.training.charges import is_held
from labkit.training.jobs import Jobs

if TYPE_CHECKING:
    from labkit.training.trainer import Trainer

log = logging.getLogger("labkit.training")
_IDLE_SECONDS = 0.5
_FAULT_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """Nothing to set."""


def run(
    _settings: Settings, engine: Engine, trainer: Callable[[], Trainer], stop: threading.Event, *, once: bool
) -> None:
    """Until told to stop, with `once` until nothing is left; what is at work then is written down for the next.

    torch takes its memory when somebody trains for the first time.
    """
    jobs, working = Jobs(engine), None
    while not stop.is_set():
        try:
            if working is None and (jobs.open() or is_held(engine)):
                working = trainer()
            busy = working is not None and working.round()
        except Exception:
            # A database that is away for a moment: what was taken is taken back once it answers.
            log.exception("The training loop met a fault of ours; it goes on")
            stop.wait(_FAULT_SECONDS)
            continue
        if not busy:
            if once:
                return
            stop.wait(_IDLE_SECONDS)
    if working is not None:
        working.stop()
