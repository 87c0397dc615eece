"""The arithmetic of the benchmark, apart from anything that takes time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

# How many times as long stock takes, and the CPU seconds beyond the notebook's own, that are aimed at.
GOALS: dict[str, dict[str, float]] = {
    "light": {"ratio": 10, "cpu": 0.3},
    "train": {"ratio": 25, "cpu": 0.5},
}
OURS, STOCK = "ours, 1 worker", "nbgrader, a call each"


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """One submission's seconds by way; what was never run is left out."""
    return {way: round(statistics.median(times), 4) for way, times in seconds.items() if times}


def ratios(one: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """How many times as long each other way takes as each of ours."""
    ours = [way for way in one if way.startswith("ours")]
    return {way: {mine: round(one[way] / one[mine], 1) for mine in ours} for way in one if way not in ours}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def break_even(boot: float, stock: float, ours: float) -> int | None:
    """From how many submissions on a zygote that has yet to boot is no slower; None if it never pays."""
    return max(1, math.ceil(boot / (stock - ours))) if stock > ours else None


def waits(submitted: Sequence[float], told: Sequence[float]) -> dict[str, float]:
    """What a class waited, by when each handed in and was told."""
    each = [end - begin for begin, end in zip(submitted, told, strict=True)]
    span = max(told) - min(submitted)
    figures = {"first_submit_to_last": span, "p50": percentile(each, 0.5), "p95": percentile(each, 0.95)}
    return {name: round(value, 2) for name, value in figures.items()}


def goals(labs: Mapping[str, Mapping[str, object]]) -> list[dict[str, object]]:
    """Each goal with what was found. Nothing was found where a way was left out."""
    found = []
    for lab, wanted in GOALS.items():
        table = labs.get(lab)
        if table is None:
            continue
        ratio = table["ratios"].get(STOCK, {}).get(OURS)  # type: ignore[attr-defined]
        cpu = table["cpu"]["above_own"]  # type: ignore[index]
        found += [
            {"goal": f"{lab}: {STOCK}, times as long", "at_least": wanted["ratio"], "found": ratio},
            {"goal": f"{lab}: CPU seconds above the notebook's own", "at_most": wanted["cpu"], "found": cpu},
        ]
    return [one | {"held": _held(one)} for one in found]


def _held(one: Mapping[str, object]) -> bool | None:
    value = one["found"]
    if not isinstance(value, int | float):
        return None
    if "at_least" in one:
        return value >= one["at_least"]  # type: ignore[operator, no-any-return]
    return value <= one["at_most"]  # type: ignore[operator, no-any-return]
