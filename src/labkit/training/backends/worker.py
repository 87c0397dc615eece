"""Trains in this process: on the processor, or on a GPU where there is one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from labkit.training.trainer import Trainer

log = logging.getLogger("labkit.training")
_IDLE_SECONDS = 0.5
_FAULT_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """Nothing to set."""


def run(
    _settings: Settings, _engine: Engine, trainer: Callable[[], Trainer], stop: threading.Event, *, once: bool
) -> None:
    """Until told to stop, with `once` until nothing is left; what is at work then is written down for the next."""
    working = trainer()
    while not stop.is_set():
        try:
            busy = working.round()
        except Exception:
            # A database that is away for a moment: what was taken is taken back once it answers.
            log.exception("The training loop met a fault of ours; it goes on")
            stop.wait(_FAULT_SECONDS)
            continue
        if not busy:
            if once:
                return
            stop.wait(_IDLE_SECONDS)
    working.stop()
