"""One lab, graded every way in turn, round after round."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.warm import Warm
from benchmarks.grading.compute import own_seconds
from benchmarks.grading.cost import Cpu, Watch
from benchmarks.grading.figures import OURS, STOCK, break_even, medians, ratios
from benchmarks.grading.otter import Otter
from benchmarks.grading.ours import Ours
from benchmarks.grading.plan import LabPlan
from benchmarks.grading.stock import Stock
from benchmarks.grading.subject import Subject

OURS_2 = "ours, 2 workers"
STOCK_BATCH, STOCK_API = "nbgrader, one batch", "nbgrader, in process"
OTTER_RUN, OTTER_API = "otter run, a call each", "otter, in process"


def compare(subject: Subject, plan: LabPlan, folder: Path, warm: Warm, otter: Path | None) -> dict[str, Any]:
    """Every figure of one lab. Ours begins with the zygote's boot, which is told apart."""
    (folder / "ours").mkdir(parents=True)
    boot = _boot_seconds(warm, subject.lab.profile)
    ours, stock = Ours(subject, folder / "ours", warm), Stock(subject, folder / "stock")
    ours.batch(2, 1)  # what is made once, as our own memory of the lab
    cpu = list[float]()
    ways: dict[str, tuple[int, Callable[[int], float]]] = {
        OURS: (plan.ours, lambda size: _with_cpu(ours, size, cpu)),
        STOCK: (plan.calls, stock.calls),
        OURS_2: (plan.ours, lambda size: ours.batch(size, 2)),
        STOCK_BATCH: (plan.batch, stock.batch),
        STOCK_API: (plan.in_process, stock.in_process),
    }
    if otter is not None:
        theirs = Otter(subject, folder / "otter", otter)
        ways |= {OTTER_RUN: (plan.otter_calls, theirs.calls), OTTER_API: (plan.otter_in_process, theirs.in_process)}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(plan.rounds):
        for way, (size, run) in ways.items():
            if size:
                seconds[way].append(run(size))
    one = medians(seconds)
    own = own_seconds(subject.lab.profile, subject.finished(0), folder, plan.own_runs)
    return {
        "rounds": plan.rounds,
        "sizes": {way: size for way, (size, _) in ways.items() if size},
        "seconds": one,
        "ratios": ratios(one),
        "large_batch": _large_batch(plan.large_batch, ours, stock),
        "boot": {"seconds": round(boot, 2), "pays_from": _pays_from(boot, one)},
        "cpu": _cpu(cpu, own),
        "memory": _memory(ours, warm, plan.watched),
    }


def _boot_seconds(warm: Warm, profile: str) -> float:
    if profile in warm.pids():
        raise ValueError(f"The {profile} zygote is warm already; its boot cannot be told.")
    began = time.perf_counter()
    warm.boot(profile)
    return time.perf_counter() - began


def _with_cpu(ours: Ours, size: int, cpu: list[float]) -> float:
    with Cpu(ours.warm) as spent:
        seconds = ours.batch(size, 1)
    cpu.append(spent.seconds / size)
    return seconds


def _cpu(measured: list[float], own: float) -> dict[str, float]:
    whole = medians({"whole": measured})["whole"]
    return {"whole": whole, "own": round(own, 4), "above_own": round(whole - own, 4)}


def _large_batch(size: int, ours: Ours, stock: Stock) -> dict[str, Any] | None:
    """So many in one batch of stock's, and of ours on both sides of it."""
    if not size:
        return None
    before, theirs, after = ours.batch(size, 1), stock.batch(size), ours.batch(size, 1)
    mine = medians({OURS: [before, after], STOCK_BATCH: [theirs]})
    return {"size": size, "seconds": mine, "ratio": round(mine[STOCK_BATCH] / mine[OURS], 1)}


def _pays_from(boot: float, one: dict[str, float]) -> dict[str, int | None]:
    return {way: break_even(boot, seconds, one[OURS]) for way, seconds in one.items() if not way.startswith("ours")}


def _memory(ours: Ours, warm: Warm, count: int) -> dict[str, float]:
    with Watch(warm.pids()[ours.subject.lab.profile]) as watch:
        ours.batch(count, 1)
        return watch.figures()
