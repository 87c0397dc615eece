"""Forks a child into a sandbox, with no exec in between: what the caller has imported is there, warm."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from labkit.sandbox import ending, kernel
from labkit.sandbox.bubblewrap import environment
from labkit.sandbox.sandbox import Sandbox
from labkit.sandbox.tier import Entrance, Tier

BODY_FAILED, NOT_CONFINED = 70, 71
_ENV_START = (
    49  # which word of /proc/self/stat, counted from 0, where the first environment begins; it ends in the next
)
_KEPT_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


def fork_into(
    sandbox: Sandbox,
    body: Callable[[], object],
    *,
    keep: Sequence[int] = (),
    tier: Tier | None = None,
    stderr: int | None = None,
    scratch: Path | None = None,
) -> int:
    """Forks; the child is confined and runs `body`. Returns the child's pid at once.

    Kill that pid, or let it or the caller end: every descendant ends. It ends as the body's process did: 0 when `body`
    returned, 70 when it raised (the traceback is on descriptor 2), 71 when it could not be confined and `body` has not
    run (one line on descriptor 2), 128 and a number when a signal ended it. The body can leave with any of these too.

    The child has the descriptors `keep`, with their numbers; 0 and 1 are /dev/null, 2 is `stderr` or /dev/null. The
    caller must have one thread, and must hold nothing in memory that the body may not read.

    `tier` is the strongest that works here, if not given. `scratch` names the folder the landlock tier makes and
    removes (it must not exist yet), for who wants to measure it; the other tier has no use for one.
    """
    _check(sandbox, keep, stderr)
    tier = tier or _best()
    if tier.prepare is None or tier.enter is None:
        raise ValueError(f"The tier {tier.name} execs: a forked child cannot enter it.")
    tier.prepare()
    scratch = scratch or Path(tempfile.gettempdir(), f"labkit-{secrets.token_hex(8)}")
    forker = ending.Watched()
    try:
        pid = os.fork()
        if pid == 0:
            entrance = Entrance(sandbox, functools.partial(_run, body), tuple(keep), forker, scratch)
            _child(entrance, tier.enter, stderr)
    finally:
        os.close(forker.file)
    return pid


def _best() -> Tier:
    from labkit.sandbox import tiers  # it probes with fork_into

    return tiers.best()


def _check(sandbox: Sandbox, keep: Sequence[int], stderr: int | None) -> None:
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - names are all that is needed
    if threads != 1:
        raise ValueError(f"fork_into was called with {threads} threads; a forked child would wait for their locks.")
    if sandbox.network or sandbox.door:
        raise ValueError("A forked child has no network: Sandbox(network=..., door=...) is for bubblewrap's.")
    if any(file <= 2 for file in keep):
        raise ValueError("Descriptors 0, 1 and 2 are always the child's own; `keep` names others.")
    for file in (*keep, *(() if stderr is None else (stderr,))):
        os.fstat(file)


def _child(entrance: Entrance, enter: Callable[[Entrance], NoReturn], stderr: int | None) -> NoReturn:
    try:
        entrance.forker.end_with()
        os.setsid()
        _default_signals()
        _descriptors(entrance.keep, stderr, entrance.forker.file)
        _environment(environment(entrance.sandbox))
        enter(entrance)
    except BaseException as error:
        why = f"{type(error).__name__}: {error}".replace("\n", " ")
        line = f"labkit: the sandbox was not made, and nothing was run in it: {why}"
        with contextlib.suppress(OSError):
            os.write(2, f"{line}\n".encode("utf-8", "replace"))
    finally:
        os._exit(NOT_CONFINED)


def _run(body: Callable[[], object]) -> NoReturn:
    ended = BODY_FAILED
    try:
        with contextlib.suppress(PermissionError):  # where it leads a session already
            os.setsid()  # apart from those that watch it, whom a signal to the whole group would reach
        tempfile.tempdir = None
        sys.stdin, sys.stdout, sys.stderr = _streams()
        body()
        ended = 0
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(ended)


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, *_KEPT_IGNORED}:
        with contextlib.suppress(OSError):  # the C library keeps some for itself
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _descriptors(keep: tuple[int, ...], stderr: int | None, own: int) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null if stderr is None else stderr, 2)
    os.dup2(null, 0)
    os.dup2(null, 1)
    ending.close_all((0, 1, 2, own, *keep))


def _environment(wanted: dict[str, str]) -> None:
    """Replaces it, and wipes the one the process was started with: /proc/self/environ would still show that."""
    os.environ.clear()
    os.environ.update(wanted)
    words = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    # The first two words, pid and name, were cut off.
    begin, end = (int(words[place - 2]) for place in (_ENV_START, _ENV_START + 1))
    kernel.wipe(begin, end)


def _streams() -> tuple[TextIO, TextIO, TextIO]:
    """Fresh ones: the caller's may hold text of its own, or lead to a descriptor that is closed here."""
    errors = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    return open(0, closefd=False), open(1, "w", closefd=False), errors
