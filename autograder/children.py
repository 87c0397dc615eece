"""Starts the two sandboxed processes of one grading, both at once, and ends them."""

from __future__ import annotations

import itertools
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autograder.frame import Inbox
from autograder.steady import ENVIRONMENT
from autograder.warm import Warm
from labkit.courses import Lab
from labkit.sandbox import Bind, Limits, Running, Sandbox

# Accounts nobody has: above those systemd hands out. Two gradings at once never share one (process limits are per uid).
_FIRST_UID, _SLOTS = 1_900_000_000, 64
_slot = itertools.count()
_HOME = Sandbox.home
_LARGEST_OF_HERS, _MOST_PARTS_OF_HERS = 4 << 20, 50_000


@dataclass
class Child:
    """One sandboxed process and the grader's end of its line."""

    role: str
    line: socket.socket
    running: Running
    errors: IO[bytes]
    inbox: Inbox
    open: bool = True
    read: int = 0  # bytes that came over its line

    def said(self) -> str:
        """The end of what it wrote on stderr: for the operator's log, never for a learner."""
        self.errors.seek(0)
        return self.errors.read()[-2000:].decode("utf-8", "replace")


@contextmanager
def children(lab: Lab, warm: Warm) -> Iterator[tuple[Child, Child]]:
    """The learner's process and the test process; ended, with every descendant, on the way out."""
    hers, ours = socket.socketpair()
    slot = _FIRST_UID + os.getpid() % 100_000 * _SLOTS * 2 + next(_slot) % _SLOTS * 2
    started: list[Child] = []
    try:
        started.append(_start(lab, warm, "learner", hers, slot))
        started.append(_start(lab, warm, "tests", ours, slot + 1))
        hers.close()
        ours.close()
        yield started[0], started[1]
    finally:
        hers.close()
        ours.close()
        _end(started)


def _end(started: Sequence[Child]) -> None:
    """All at once: the kernel takes tens of milliseconds to take one apart that has torch in it."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        ended = [pool.submit(child.running.end) for child in started]
    for child in started:
        child.line.close()
        child.errors.close()
    for one in ended:
        one.result()


def _start(lab: Lab, warm: Warm, role: str, peer: socket.socket, uid: int) -> Child:
    sandbox = _sandbox(lab, role, uid)
    with ExitStack() as opened:
        line, theirs = map(opened.enter_context, socket.socketpair())
        errors = opened.enter_context(tempfile.TemporaryFile())
        running = warm.fork(lab.profile, role, sandbox, (theirs.fileno(), peer.fileno(), errors.fileno()))
        theirs.close()
        opened.pop_all()  # they are the child's now, and closed with it
    # What her process tells the grader is short; only to the tests may it be long.
    inbox = Inbox(_LARGEST_OF_HERS, _MOST_PARTS_OF_HERS) if role == "learner" else Inbox()
    return Child(role, line, running, errors, inbox)


def _sandbox(lab: Lab, role: str, uid: int) -> Sandbox:
    """Her process sees the lab's data; only the test process sees what is hidden."""
    # What she returns is unpacked in the test process: the largest message there is must not look like a fault of ours.
    memory_mb = lab.limits.memory_mb + (0 if role == "learner" else 1024)
    # Each is ended by the grader's clock, which knows whose time it was, before the kernel's.
    limits = Limits(
        memory_mb=memory_mb,
        cpu_seconds=int(lab.limits.seconds) + (10 if role == "learner" else 40),
        data_mb=memory_mb * 2,
        file_mb=64,
        processes=64,
        tmp_mb=256,
    )
    seen = ("data",) if role == "learner" else ("data", "hidden", "calibration.json")
    given = [Bind((lab.path / name).resolve(), f"{_HOME}/{name}") for name in seen if (lab.path / name).exists()]
    package = Bind(Path(__file__).parent.resolve())
    return Sandbox(binds=(package, *given), env=ENVIRONMENT, limits=limits, uid=uid, home=_HOME)
