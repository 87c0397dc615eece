"""Names a process at work on something, so that another can tell whether it still lives.

A name is `host/boot/numbers/pid/start/own`, where `numbers` is the space of process numbers (a container has its own):
the kernel starts no second process with the same pid and start time there.
What this does not cover: a process on another machine or in another container cannot be seen from here. It is believed
for `PATIENCE`, longer than a grading takes, then taken for lost. Should it live after all, it cannot record what it
found: a score, or a training's step, is only taken from whoever holds the work.
"""

from __future__ import annotations

import os
import socket
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

PATIENCE = timedelta(hours=2)


def new() -> str:
    """A name for one worker of this process; no two are the same."""
    return "/".join((*_here(), str(os.getpid()), _start(os.getpid()), uuid.uuid4().hex[:12]))


def alive(holder: str, since: datetime | None) -> bool:
    """Whether the process named `holder`, which took its work at `since`, may still be at it."""
    host, boot, numbers, pid, start, _ = holder.split("/")
    here = _here()
    if (host, boot, numbers) == here:
        return _start(int(pid)) == start
    if host == here[0] and boot != here[1]:
        return False  # this machine, before it was started again
    return since is not None and datetime.now(UTC) - since < PATIENCE


def host(holder: str) -> str:
    """The name of the machine, or of the pod, that a holder runs on."""
    return holder.split("/", maxsplit=1)[0]


def _here() -> tuple[str, str, str]:
    """This machine, its start, and its space of process numbers."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return socket.gethostname(), boot, Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")


def _start(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty for one that is gone, be it not yet buried."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # Its second field is the program's name, in brackets, with anything inside.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else fields[18]
