"""A process that can be waited for and killed, whoever its parent is."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Protocol

_PATIENCE = 5.0


class Process(Protocol):
    """`poll` and `wait` give the exit code; `poll` gives None while it runs. `kill` spares nothing of it. `close` gives
    back what was held to watch it, once it has ended."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def kill(self) -> None: ...

    def wait(self) -> int: ...

    def close(self) -> None: ...


class Started(subprocess.Popen[bytes]):
    """A command line that leads a session of its own; killed as a group."""

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            # The session's group is bubblewrap itself; its pid namespace dies with it.
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Nothing is held."""


class Forked:
    """A child of `fork_into`, held by whoever may signal it; its parent may be another process, which reaps it.

    Made while the pid is certain to be its own: `fork_into`'s caller has not waited for it yet. The exit code is the
    parent's to know; until it was `told`, an ended process has the code UNKNOWN.
    """

    UNKNOWN = -1000

    def __init__(self, pid: int, pidfd: int | None = None) -> None:
        self.pid = pid
        self._file = os.pidfd_open(pid) if pidfd is None else pidfd
        self._code: int | None = None

    def told(self, code: int) -> None:
        self._code = code

    def poll(self) -> int | None:
        return self._ended() if self._file < 0 or self._over(0) else None

    def kill(self) -> None:
        """What it waits for goes first: when it ends then, everything inside is gone already, and not only doomed."""
        if self.poll() is not None:
            return
        for child in children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                inner = os.pidfd_open(child)
                if self.poll() is None:  # so that the pid was still one of its children
                    signal.pidfd_send_signal(inner, signal.SIGKILL)
                os.close(inner)
        if not self._over(_PATIENCE):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._file, signal.SIGKILL)

    def wait(self) -> int:
        if self._file >= 0:
            self._over(None)
        return self._ended()

    def close(self) -> None:
        """Once it has ended: gives the descriptor back."""
        self.wait()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _over(self, seconds: float | None) -> bool:
        """Waits at most so long for its end. `poll`, since `select` knows no descriptor above 1,023."""
        watching = select.poll()
        watching.register(self._file, select.POLLIN)
        return bool(watching.poll(None if seconds is None else seconds * 1000))

    def _ended(self) -> int:
        return self.UNKNOWN if self._code is None else self._code


def children(pid: int) -> list[int]:
    """The processes `pid` has forked and not waited for."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found
