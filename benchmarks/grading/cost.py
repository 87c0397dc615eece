"""CPU seconds of grader, zygotes and all their children; memory of each."""

from __future__ import annotations

import contextlib
import resource
import statistics
import threading
import time
from collections.abc import Iterator

import psutil

from autograder.warm import Warm
from labkit.sandbox import Running
from labkit.sandbox.tiers import best

_MB = 1 << 20


class Cpu:
    """Inside the `with`, what is spent by this process, by what it waits for, by the zygotes and by their children.

    In the namespaces tier a child's innermost process would die with its namespace, and nobody inherits the seconds
    of such: it is ended first, and buried by the one around it. Daemons that a notebook starts are not counted.
    """

    def __init__(self, warm: Warm) -> None:
        self._warm = warm
        self.seconds = 0.0

    def __enter__(self) -> Cpu:
        self._end = whole = Running.end

        def end(running: Running, reason: str = "asked") -> None:
            if best().name == "namespaces":
                _end_innermost(running.process.pid)
                running.process.wait()
            whole(running, reason)

        Running.end = end  # type: ignore[method-assign]
        self._before = self._spent()
        return self

    def __exit__(self, *_: object) -> None:
        Running.end = self._end  # type: ignore[method-assign]
        self.seconds = self._spent() - self._before

    def _spent(self) -> float:
        _wait_for_burials(self._warm)
        waited_for = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = time.process_time() + waited_for.ru_utime + waited_for.ru_stime
        return own + sum(sum(psutil.Process(pid).cpu_times()[:4]) for pid in self._warm.pids().values())


def _end_innermost(pid: int) -> None:
    """`pid` waits for the first process of a namespace, and that for the one that runs what it was forked for."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for first in psutil.Process(pid).children():
            for inner in first.children():
                inner.kill()


def _wait_for_burials(warm: Warm) -> None:
    """A zygote buries its children within half a second; before that their seconds are nobody's."""
    end = time.monotonic() + 5
    while any(psutil.Process(pid).children() for pid in warm.pids().values()):
        if time.monotonic() > end:
            raise RuntimeError("a zygote's children did not end")
        time.sleep(0.05)


class Watch:
    """Looks at the memory of the zygotes and their children until the end of the `with`. It costs time itself."""

    def __init__(self, warm: Warm) -> None:
        self._warm, self._stop = warm, threading.Event()
        self._most: dict[int, int] = {}
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def figures(self) -> dict[str, float]:
        """Proportional set sizes in MB: what a child adds, memory it shares counted in shares."""
        zygotes = set(self._warm.pids().values())
        children = [most for pid, most in self._most.items() if pid not in zygotes]
        return {
            "children_seen": len(children),
            "child_pss_mb_median": round(statistics.median(children) / _MB, 1) if children else 0.0,
            "child_pss_mb_max": round(max(children, default=0) / _MB, 1),
            "zygote_pss_mb": round(sum(_pss(pid) or 0 for pid in zygotes) / _MB, 1),
            "zygote_rss_mb": round(sum(psutil.Process(pid).memory_info().rss for pid in zygotes) / _MB, 1),
        }

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            for pid in self._living():
                self._most[pid] = max(self._most.get(pid, 0), _pss(pid) or 0)

    def _living(self) -> Iterator[int]:
        for pid in self._warm.pids().values():
            yield pid
            with contextlib.suppress(psutil.NoSuchProcess):
                yield from (child.pid for child in psutil.Process(pid).children(recursive=True))


def _pss(pid: int) -> int | None:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_full_info().pss)
    return None
