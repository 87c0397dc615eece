"""The marks in a solution: what is taken out for the learner, and what she gets in its place.

### BEGIN SOLUTION          taken out
### END SOLUTION
### BEGIN STARTER           optional, right after: each line a comment, given to the learner as it stands
# return x
### END STARTER
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from labkit.errors import AuthorError

_MARK = re.compile(r"^\s*#{2,}\s*(BEGIN|END)\b.*$", re.IGNORECASE)
# Outside a solution `## Begin here` is a heading or a comment like any other.
STRAY = re.compile(
    r"^\s*(?:#{3,}\s*(?:BEGIN|END)\b|#{2,}\s*(?i:BEGIN|END)\s+(?i:SOLUTION|STARTER|HIDDEN|MARK|TESTS?)\b).*$"
)
_EXACT = re.compile(r"^(?P<indent>\s*)### (?P<edge>BEGIN|END) (?P<what>SOLUTION|STARTER)\s*$")
_KNOWN = "Write `### BEGIN SOLUTION`, `### END SOLUTION`, `### BEGIN STARTER` or `### END STARTER`"
# What a line has at least that gives something away; `return x` and `else:` stand anywhere.
TELLING = 20
_TODO = ("# YOUR CODE HERE", "raise NotImplementedError()")


@dataclass(frozen=True)
class _Piece:
    what: str  # plain | SOLUTION | STARTER
    indent: str
    lines: tuple[str, ...]
    line: int


def reference_source(file: str, line: int, source: str) -> str:
    """The solution as its author solved it."""
    return _joined(piece.lines for piece in _pieces(file, line, source) if piece.what != "STARTER")


def learner_source(file: str, line: int, source: str) -> str:
    """The cell a learner begins with."""
    pieces = _pieces(file, line, source)
    out: list[tuple[str, ...]] = []
    for index, piece in enumerate(pieces):
        following = pieces[index + 1].what if index + 1 < len(pieces) else ""
        if piece.what == "plain":
            out.append(piece.lines)
        elif piece.what == "STARTER":
            out.append(tuple(_uncommented(file, piece, number, text) for number, text in enumerate(piece.lines, 1)))
        elif following != "STARTER":
            out.append(tuple(piece.indent + text for text in _TODO))
    return _joined(out)


def is_telling(line: str) -> bool:
    """Whether a line of an answer or a hidden test, seen elsewhere, gives it away. Imports and comments do not."""
    return len(line) >= TELLING and not line.startswith(("import ", "from ", "#"))


def refuse_marks(file: str, line: int, source: str) -> None:
    """Marks belong in solutions; nbgrader's for hidden tests are a header word here."""
    for offset, text in enumerate(source.split("\n"), 1):
        if STRAY.match(text):
            instead = "Mark hidden tests by the word `hidden` in the header; solutions in `solution` cells."
            raise AuthorError(file, line + offset, f"{text.strip()!r} outside a solution", instead=instead)


def _pieces(file: str, line: int, source: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    what, indent, begun, lines = "plain", "", line, list[str]()
    for number, text in enumerate(source.split("\n"), line + 1):
        if not _MARK.match(text):
            lines.append(text)
            continue
        mark = _EXACT.match(text)
        if mark is None:
            raise AuthorError(file, number, f"unknown mark {text.strip()!r}", instead=f"{_KNOWN}.")
        expected = ("BEGIN", what) if what == "plain" else ("END", what)
        if mark["edge"] != expected[0] or (what not in ("plain", mark["what"])):
            raise AuthorError(file, number, f"{text.strip()!r} does not close or open anything", instead=f"{_KNOWN}.")
        pieces.append(_Piece(what, indent, tuple(lines), begun))
        what = mark["what"] if what == "plain" else "plain"
        indent, begun, lines = mark["indent"], number, []
    if what != "plain":
        raise AuthorError(file, begun, f"`### BEGIN {what}` is never closed", instead=f"Write `### END {what}`.")
    pieces.append(_Piece("plain", "", tuple(lines), begun))
    return _ordered(
        file, line, [piece for piece in pieces if piece.what != "plain" or any(map(str.strip, piece.lines))]
    )


def _ordered(file: str, line: int, pieces: list[_Piece]) -> list[_Piece]:
    kinds = [piece.what for piece in pieces]
    if "SOLUTION" not in kinds:
        instead = "Put `### BEGIN SOLUTION` and `### END SOLUTION` around what the learner must write."
        raise AuthorError(file, line, "nothing in this solution is marked: learners would be given it", instead=instead)
    for index, piece in enumerate(pieces):
        if piece.what == "STARTER" and (index == 0 or kinds[index - 1] != "SOLUTION"):
            instead = "Put it right after the `### END SOLUTION` it stands for."
            raise AuthorError(file, piece.line, "a starter that follows no solution", instead=instead)
    return pieces


def _uncommented(file: str, piece: _Piece, offset: int, text: str) -> str:
    match = re.fullmatch(r"(\s*)#(?: (.*))?", text)
    if match is None and text.strip():
        instead = "Begin each line of a starter with `# `."
        raise AuthorError(file, piece.line + offset, "a starter line is not a comment", instead=instead)
    return (match[1] + match[2] if match[2] else "") if match else ""


def _joined(parts: Iterable[tuple[str, ...]]) -> str:
    lines = [line for part in parts for line in part]
    return "\n".join(lines).strip("\n")
