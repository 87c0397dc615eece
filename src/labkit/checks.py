"""`check(reason, condition, points=, hint=)`: one line of a test that a learner reads.

In her own kernel it prints a line; in the grader's test process `collected()` gathers the checks of one test cell.
Grading never reads a check made in the learner's own process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

_collector: list[Check | Figure] | None = None


@dataclass(frozen=True)
class Check:
    reason: str
    passed: bool
    points: float = 1
    hint: str = ""


@dataclass(frozen=True)
class Figure:
    """What a test measured, by item; no learner sees it and no points follow from it."""

    name: str
    items: Mapping[str, float]


def measure(name: str, items: Mapping[str, float]) -> None:
    """Tells the author what was reached on each item. For `labkit.calibration.gain`, which labs call."""
    if _collector is not None:
        _collector.append(Figure(name, dict(items)))


def check(reason: str, condition: object, *, points: float = 1, hint: str = "") -> None:
    """Says whether `condition` holds, and why it matters; `hint` is read only where it does not.

    Gives nothing back: at the end of a cell a notebook would print it.
    """
    passed = bool(condition)
    made = Check(str(reason), passed, points, "" if passed else str(hint))
    if _collector is None:
        print(line(made))
    else:
        _collector.append(made)


def line(made: Check) -> str:
    mark = "✓" if made.passed else "✗"
    return f"{mark} {made.reason}" + (f" ({made.hint})" if made.hint else "")


@contextmanager
def collected() -> Iterator[list[Check | Figure]]:
    """Gathers every check and figure made inside instead of printing it."""
    global _collector  # noqa: PLW0603 - one test cell runs at a time in the process that collects
    before, _collector = _collector, []
    try:
        yield _collector
    finally:
        _collector = before
