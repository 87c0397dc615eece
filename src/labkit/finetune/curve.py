"""A loss curve as a small picture that needs no library: an SVG with words for whoever cannot see it."""

from __future__ import annotations

import html
from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _BELOW, _TOP = 460, 220, 56, 30, 30
# Told apart by dash and mark as well as by colour.
_TRAIN, _HELD = "#1f6f54", "#a3461c"

Points = Sequence[tuple[int, float]]


def curve(train: Points, held: Points, steps: int) -> str:
    """SVG of (step, loss) points; steps go from 1 to `steps`."""
    losses = [loss for _, loss in (*train, *held)]
    if not losses:
        return ""
    low, high = min(losses), max(losses)
    high = high if high > low else low + 1.0
    low = max(0.0, low - 0.05 * (high - low))

    def at(step: int, loss: float) -> tuple[float, float]:
        across = (step - 1) / max(1, steps - 1)
        up = (loss - low) / (high - low)
        return _LEFT + across * (_WIDTH - _LEFT - 8), _TOP + (1 - up) * (_HEIGHT - _TOP - _BELOW)

    axis = _HEIGHT - _BELOW
    parts = [
        f'<line x1="{_LEFT}" y1="{axis}" x2="{_WIDTH}" y2="{axis}" stroke="currentColor" opacity=".5"/>',
        f'<line x1="{_LEFT}" y1="{_TOP}" x2="{_LEFT}" y2="{axis}" stroke="currentColor" opacity=".5"/>',
        _label(_LEFT - 4, _TOP + 8, f"{high:.2f}", "end"),
        _label(_LEFT - 4, axis, f"{low:.2f}", "end"),
        _label(_LEFT, _HEIGHT - 6, "step 1", "start"),
        _label(_WIDTH - 4, _HEIGHT - 6, f"{steps}", "end"),
        _path([at(*point) for point in train], _TRAIN),
        _named(_LEFT + 8, "training", _TRAIN),
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_HELD}"/>' for x, y in (at(*point) for point in held)),
    ]
    if held:
        parts += [
            _path([at(*point) for point in held], _HELD, dashed=True),
            _named(_LEFT + 130, "held back", _HELD, True),
        ]
    return (
        f'<svg role="img" aria-label="{html.escape(words(train, held))}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'style="max-width:{_WIDTH}px;width:100%;font:16px sans-serif">{"".join(parts)}</svg>'
    )


def words(train: Points, held: Points) -> str:
    """What the curve shows, in a sentence."""
    if not train:
        return "No step has been taken yet."
    (first, begun), (last, now) = train[0], train[-1]
    told = f"The training loss went from {begun:.2f} at step {first} to {now:.2f} at step {last}"
    return f"{told}; on rows held back it is {held[-1][1]:.2f}." if held else f"{told}."


def _path(points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> str:
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def _named(x: float, name: str, colour: str, dashed: bool = False) -> str:
    """What a line stands for, above the curve."""
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    stroke = f'<line x1="{x}" y1="13" x2="{x + 24}" y2="13" stroke="{colour}" stroke-width="2"{dash}/>'
    return stroke + _label(x + 30, 18, name, "start")


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor">{text}</text>'
