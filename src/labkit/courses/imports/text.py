"""Cells as py:percent text: what `labkit.courses.text` reads back as the same cells."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.courses.header import escaped
from labkit.courses.imports.made import Made


def text(cells: Iterable[Made]) -> str:
    """A text has at least one cell, if only an empty one."""
    return "".join(f"{_header(cell)}\n{_body(cell)}" for cell in cells) or "# %% [markdown]\n"


def _header(cell: Made) -> str:
    words = ["# %%"]
    if cell.kind in ("prose", "answer"):
        words.append("[markdown]")
    if cell.kind == "demo":
        words.append("demo")
    if cell.name:
        words.append(f'{cell.kind}="{cell.name}"')
    if cell.points:
        words.append(f"points={cell.points:.3f}".rstrip("0").rstrip("."))
    if cell.hidden:
        words.append("hidden")
    return " ".join(words)


def _body(cell: Made) -> str:
    lines = cell.source.strip("\n").rstrip().split("\n")
    if cell.kind in ("prose", "answer"):
        lines = [f"# {line}" if line else "#" for line in lines]
    return "".join(f"{escaped(line)}\n" for line in lines)
