"""Starts a sandbox and holds it to its wall clock and its memory, the whole tree of it.

Memory is sampled every `_EVERY` seconds: what is taken and given back in between is not seen, and a child can go over
by what it can fill in that time. Files in /tmp and /dev/shm are memory too; their size is bounded by the mounts.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from labkit.sandbox.disk import disk_mb
from labkit.sandbox.process import Process, Started, children
from labkit.sandbox.sandbox import Limits, Sandbox

_EVERY = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Running:
    """A started sandbox. `ended_for` says why it was ended: "time", "memory", "disk", "asked", or "" if it ended by
    itself."""

    def __init__(self, process: Process, limits: Limits, folder: Path | None = None) -> None:
        self.process = process
        self.ended_for = ""
        self._limits = limits
        self._folder = folder
        self._next_look = 0.0
        self._over = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)
        self._watchdog.start()

    def end(self, reason: str = "asked") -> None:
        """Ends every process of the sandbox now, daemons included."""
        if self.process.poll() is None:
            self.ended_for = self.ended_for or reason
            self.process.kill()
        self._over.set()
        self.process.wait()
        if threading.current_thread() is not self._watchdog:
            self._watchdog.join()
            self.process.close()

    def wait(self) -> int:
        """The exit code, once it has ended or was ended."""
        code = self.process.wait()
        self.end()
        return code

    def _watch(self) -> None:
        deadline = time.monotonic() + self._limits.seconds if self._limits.seconds else float("inf")
        while not self._over.wait(_EVERY) and self.process.poll() is None:
            if time.monotonic() > deadline:
                return self.end("time")
            if self._limits.memory_mb and is_over(self.process.pid, self._limits.memory_mb):
                return self.end("memory")
            if self._folder is not None and self._is_full(self._folder):
                return self.end("disk")
        return None

    def _is_full(self, folder: Path) -> bool:
        """Looks less often where looking takes long."""
        begun = time.monotonic()
        most = self._limits.tmp_mb
        if not most or begun < self._next_look:
            return False
        full = disk_mb(folder, self.process.pid, most_mb=most) > most
        self._next_look = begun + 10 * (time.monotonic() - begun)
        return full


def watch(process: Process, limits: Limits, *, folder: Path | None = None) -> Running:
    """Holds a process that runs already, a forked child for one, to its wall clock and its memory; and, where `folder`
    is given (`fork_into`'s `scratch`), to `tmp_mb` of disk in it."""
    return Running(process, limits, folder)


def start(
    sandbox: Sandbox,
    command: Sequence[str],
    *,
    pass_fds: Sequence[int] = (),
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Running:
    """Starts `command` inside, and watches it. Call it from a thread that outlives the sandbox: with
    `die_with_parent` the kernel ends the child when the thread that started it ends."""
    process = Started(
        sandbox.argv(command),
        pass_fds=pass_fds,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        env=sandbox.environment(),
        cwd="/",
    )
    return Running(process, sandbox.limits)


def memory_mb(pid: int) -> float:
    """What the tree under `pid` holds: shares of shared pages (PSS) where they can be read, else RSS."""
    return sum(_pss(one) for one in tree(pid)) / (1 << 20)


def is_over(pid: int, most_mb: float) -> bool:
    """Whether the tree under `pid` holds more. First what is shared is counted for each: cheap, never too little.
    Then as shares, twice: where processes end while they are read, the share of one is read again in another's."""
    most = most_mb * (1 << 20)
    if sum(map(_resident, tree(pid))) <= most:
        return False
    return all(sum(map(_pss, tree(pid))) > most for _ in range(2))


def largest(pid: int) -> int:
    """The process of the tree under `pid` that holds most."""
    return max(tree(pid), key=_resident)


def tree(pid: int) -> list[int]:
    """`pid` and every process below it."""
    found, pending = [], [pid]
    while pending:
        one = pending.pop()
        found.append(one)
        pending += children(one)
    return found


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _pss(pid: int) -> int:
    resident = _resident(pid)
    if resident < 32 << 20:
        return resident  # reading PSS walks the page table: not worth it for a small process
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)  # asked again: one that has ended meanwhile holds nothing, and others took over its share
