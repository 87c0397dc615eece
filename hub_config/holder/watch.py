"""Holds a learner's server to its memory and its home's size, and its log to a few megabytes.

Memory over the limit: the process that holds most is ended (a kernel, as a rule: JupyterLab says so and starts it
anew); only where that does not help is the whole server. Home over the limit: every process but the server's own is
ended, so that she can delete files in the browser; half as much again, and the server ends too.
Does NOT cover: both are samples. What is taken and given back between two is not seen, and a home can go over by what
the disk takes in the seconds between two looks.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from hub_config.holder.held import Held
from labkit.sandbox.running import is_over, largest, tree

_LOG_BYTES = 4 * 2**20
_LOOK_SECONDS = 10.0
# A walk over many small files is dear: the pause after it is this many times as long.
_PAUSE_FACTOR = 20


class Watch:
    """One server's. `look` is called often; it does what is due and says why the server was ended, or ""."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._due = 0.0

    def look(self) -> str:
        held = self._held
        if held.memory_mb and is_over(held.child, held.memory_mb) and self._too_much_memory():
            return "memory"
        if time.monotonic() >= self._due:
            began = time.monotonic()
            cut(Path(held.log))
            reason = self._home() if held.home_mb else ""
            spent = time.monotonic() - began
            self._due = time.monotonic() + max(_LOOK_SECONDS, _PAUSE_FACTOR * spent)
            return reason
        return ""

    def _too_much_memory(self) -> bool:
        """Ends what holds most; whether that was the server itself."""
        victim = largest(self._held.child)
        if victim in servers(self._held.child):
            self._held.end()
            return True
        self._tell("memory", self._held.memory_mb)
        _kill(victim)
        return False

    def _home(self) -> str:
        used = folder_mb(Path(self._held.home), at_most=self._held.home_mb * 2)
        if used <= self._held.home_mb:
            return ""
        if used > self._held.home_mb * 1.5:
            self._held.end()
            return "disk"
        kept = servers(self._held.child)
        ended = [pid for pid in tree(self._held.child) if pid not in kept]
        if ended:
            self._tell("disk", self._held.home_mb)
        for pid in ended:
            _kill(pid)
        return ""

    def _tell(self, why: str, mb: int) -> None:
        """Where `hub_config.notice` of her next kernel finds it."""
        if self._held.door:
            left = Path(self._held.door).with_name("notice")
            left.write_text(json.dumps({"at": time.time(), "why": why, "mb": mb}))
            left.chmod(0o644)


def servers(child: int) -> set[int]:
    """The first process inside, the server below it, and what joins it to its door: all but what a learner starts.

    The door's shell started the server in its own place, so it is found among the server's children.
    """
    found = {child, *_children(child)}
    for server in _children(child):
        for pid in _children(server):
            if _name(pid) in ("sh", "dash"):
                found.update(tree(pid))
    return found


def folder_mb(folder: Path, *, at_most: float) -> float:
    """What the files below take on the disk; stops counting past `at_most`. Links are not followed."""
    total, pending = 0, [str(folder)]
    while pending and total <= at_most * 2**20:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    return total / 2**20


def cut(log: Path) -> None:
    """Keeps the last half of a log that has grown: it is written with O_APPEND, so the writer goes on at its end."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            with log.open("r+b") as file:
                file.seek(-_LOG_BYTES // 2, os.SEEK_END)
                last = file.read()
                log.with_suffix(".log.1").write_bytes(last)
                file.truncate(0)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
