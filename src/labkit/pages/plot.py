"""A small plot of one number a day, drawn by the server: bars in an SVG, and the same numbers as a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 600, 120
_GAP = 0.15  # of a bar's room


@dataclass(frozen=True)
class Bar:
    """In units of the drawing; `value` is what it stands for."""

    day: date
    value: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Plot:
    """`most` is the tallest bar's, whose day is `peak`; None where every day is empty."""

    bars: tuple[Bar, ...]
    most: float
    peak: date | None

    width, height = WIDTH, HEIGHT

    @property
    def shown(self) -> tuple[Bar, ...]:
        """Those that are more than nothing."""
        return tuple(bar for bar in self.bars if bar.value > 0)


def plot(values: Sequence[tuple[date, float]]) -> Plot:
    most = max((value for _, value in values), default=0.0)
    room = WIDTH / max(1, len(values))
    bars = []
    for place, (day, value) in enumerate(values):
        # A day with little in it can still be seen.
        height = max(1.0, HEIGHT * value / most) if most and value else 0.0
        x, width = round(place * room + room * _GAP / 2, 2), round(room * (1 - _GAP), 2)
        bars.append(Bar(day, value, x, round(HEIGHT - height, 2), width, round(height, 2)))
    peak = next((day for day, value in values if value == most), None) if most else None
    return Plot(tuple(bars), most, peak)
