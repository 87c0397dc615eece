"""CPU seconds of grader, zygotes and all their children; memory of each."""

from __future__ import annotations

import contextlib
import resource
import statistics
import threading
import time

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
    """Looks at the memory of a zygote's children until the end of the `with`. It costs time itself."""

    def __init__(self, zygote: int) -> None:
        self._zygote, self._stop = psutil.Process(zygote), threading.Event()
        self._most: dict[int, int] = {}
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def figures(self) -> dict[str, float]:
        """Proportional set sizes in MB at their highest: what a child adds, memory it shares counted in shares.

        A child is the process that runs a notebook or its tests, and the two around it that hold its namespaces.
        """
        children = list(self._most.values())
        return {
            "children_seen": len(children),
            "child_pss_mb_median": round(statistics.median(children) / _MB, 1) if children else 0.0,
            "child_pss_mb_max": round(max(children, default=0) / _MB, 1),
            "zygote_pss_mb": round(_pss(self._zygote.pid) / _MB, 1),
            "zygote_rss_mb": round(self._zygote.memory_info().rss / _MB, 1),
        }

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            for child in self._zygote.children():
                if whole := _with_descendants(child):
                    self._most[child.pid] = max(self._most.get(child.pid, 0), whole)


def _with_descendants(child: psutil.Process) -> int:
    """0 where it has ended and nobody has buried it yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return sum(_pss(one.pid) for one in (child, *child.children(recursive=True)))
    return 0


def _pss(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_full_info().pss)
    return 0
