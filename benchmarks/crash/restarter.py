"""Starts processes, starts again whatever dies, and kills on request. One thread, no back-off: death is the point."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_LOOK_SECONDS = 0.1


@dataclass
class Watched:
    """One process: how to start it, how to see that it answers, and how often it was started."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    answers: Callable[[], bool]
    log: Path
    account: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    answered: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None and self.process.poll() is None else 0

    def start(self) -> None:
        self.starts += 1
        self.answered = False
        with self.log.open("ab") as log:
            # The kernel ends it with the thread that started it, so a killed harness leaves nobody behind.
            argv = ("setpriv", "--pdeathsig", "KILL", "--", *self.argv)
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                argv,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.log.parent,
                start_new_session=True,
                **self.account,
            )


class Restarter:
    def __init__(self) -> None:
        self.watched: dict[str, Watched] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="restarter")

    def add(self, watched: Watched) -> None:
        """From here on it runs; the watching thread starts it."""
        self.watched = {**self.watched, watched.name: watched}
        if not self._thread.is_alive():
            self._thread.start()

    def kill(self, pid: int) -> bool:
        """SIGKILL; False if it was dead already."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def wait_until_all_answer(self, seconds: float) -> None:
        """Raises TimeoutError naming those that do not."""
        silent = dict(self.watched)
        for _ in range(int(seconds / _LOOK_SECONDS)):
            silent = {name: one for name, one in silent.items() if not (one.pid and one.answers())}
            if not silent:
                return
            self._stop.wait(_LOOK_SECONDS)
        raise TimeoutError(
            f"{', '.join(silent)} did not come back; logs are in {next(iter(silent.values())).log.parent}"
        )

    def end(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for one in self.watched.values():
            if one.process is not None:
                one.process.kill()
                one.process.wait()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            for one in self.watched.values():
                if not one.pid:
                    one.start()
                elif not one.answered:
                    one.answered = one.answers()
