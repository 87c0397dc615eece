"""Parts of a cell between two marks, found exactly as nbgrader's preprocessors find them: a mark anywhere in a line."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    inside: bool
    lines: tuple[str, ...]
    indent: str = ""


@dataclass(frozen=True)
class Regions:
    """`wrong` says what nbgrader would have refused; such a region ends with the cell."""

    pieces: tuple[Piece, ...]
    wrong: str = ""

    @property
    def any(self) -> bool:
        return any(piece.inside for piece in self.pieces)

    def text(self, *, inside: bool) -> str:
        """Only the pieces inside, or only those outside the marks."""
        return "\n".join(line for piece in self.pieces if piece.inside is inside for line in piece.lines)

    @property
    def whole(self) -> str:
        """Everything but the marks."""
        return "\n".join(line for piece in self.pieces for line in piece.lines)


def regions(source: str, begin: str, end: str) -> Regions:
    pieces: list[Piece] = []
    inside, indent, lines, wrong = False, "", list[str](), ""
    for line in source.split("\n"):
        begins = begin in line
        if not begins and end not in line:
            lines.append(line)
            continue
        if begins and inside:
            wrong = f"a second {begin!r} before {end!r}"
            continue
        if begins or inside:
            pieces.append(Piece(inside, tuple(lines), indent))
            lines = []
        inside = begins
        indent = (re.match(r"\s*", line) or [""])[0] if begins else ""
    if inside:
        wrong = f"no {end!r} after {begin!r}"
    return Regions((*pieces, Piece(inside, tuple(lines), indent)), wrong)
