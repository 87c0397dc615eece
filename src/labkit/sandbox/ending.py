"""How a forked sandbox ends: nobody is left when the process the caller knows has ended, whatever ended it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

from labkit.sandbox import kernel

_MOST_FILES = 1 << 20


class Watched:
    """The process that makes this, as those it forks see it: they notice its end even if it came before they looked."""

    def __init__(self) -> None:
        self.file = os.pidfd_open(os.getpid())

    def ended(self) -> bool:
        return bool(select.select([self.file], [], [], 0)[0])

    def end_with(self) -> None:
        """From now on the kernel kills this process when the watched one, its parent, ends. A change of uid undoes
        it."""
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL, what="die with the parent")
        if self.ended():
            os._exit(1)


def close_all(but: Collection[int]) -> None:
    """Closes every descriptor but these."""
    last = -1
    for file in sorted(but):
        if file > last + 1:  # given an empty range, Python closes all there are
            os.closerange(last + 1, file)
        last = file
    os.closerange(last + 1, _MOST_FILES)


def code(status: int) -> int:
    """As a shell says it: 128 and the signal's number, where a signal ended it."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def reap_until(pid: int) -> NoReturn:
    """For the first process of a pid namespace: everything else in it is killed when it ends."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            os._exit(code(status))


def wait_outside(pid: int, forker: Watched) -> NoReturn:
    """Ends as `pid` did; ends, and the kernel ends `pid` with it, when the forking process is no more."""
    # A uid may have been changed since: the kernel forgot what it was told, and may not be allowed to kill us.
    if forker.ended():
        os._exit(1)
    child = os.pidfd_open(pid)
    select.select([child, forker.file], [], [])
    ended, status = os.waitpid(pid, os.WNOHANG)
    os._exit(code(status) if ended else 1)


def end_all() -> None:
    """Kills every descendant, for a process that adopts orphans. Children first, whose pids are theirs until they are
    waited for; theirs come to us when they die. A bomb of forks is out-run: it starts slower than it is listed."""
    passes = 0
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for child in Path("/proc/thread-self/children").read_text().split():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(child), signal.SIGKILL)
        passes += 1
        if passes % 100 == 0:
            time.sleep(0.001)


def remove(folder: Path) -> None:
    """Whatever was left in it, folders without permissions too; nothing that a link in it leads to."""

    def open_up(function: Callable[[str], object], path: str, _error: object) -> None:
        for place in (Path(path).parent, Path(path)):
            with contextlib.suppress(OSError):
                if not place.is_symlink() and place.is_relative_to(folder):
                    place.chmod(0o700)
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()

    shutil.rmtree(folder, onerror=open_up)
