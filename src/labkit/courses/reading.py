"""How many years of school an English text asks for, by Coleman and Liau's index.

0.0588 L - 0.296 S - 15.8, with L letters and S sentences for 100 words: M. Coleman and T. L. Liau, "A computer
readability formula designed for machine scoring", Journal of Applied Psychology 60 (1975). It counts letters, not
syllables, so nothing has to be guessed. What this does not cover: whether words are known, whether sentences follow
from each other, and any other language than English.
"""

from __future__ import annotations

import re

# What is no prose: code, formulas, tables, addresses.
_APART = re.compile(
    r"```.*?```|`[^`]*`|\$[^$\n]*\$|^\|[^\n]*$|\S+://\S+|\w+(?:\.\w+)+(?:/\S*)?", re.DOTALL | re.MULTILINE
)
_MARKS = re.compile(r"[#*_>\[\]()]")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# A blank line and an item of a list end a sentence too.
_END = re.compile(r"[.!?:;]+(?:\s|$)|\n\s*\n|\n\s*(?:-|\d+\.)\s")


def words(text: str) -> list[str]:
    return _WORD.findall(_MARKS.sub(" ", _APART.sub(" ", text)))


def grade(text: str) -> float:
    """Years of school; 0 for a text without words."""
    found = words(text)
    if not found:
        return 0.0
    prose = _MARKS.sub(" ", _APART.sub(" ", text))
    sentences = sum(bool(_WORD.search(part)) for part in _END.split(prose))
    return 5.88 * sum(map(len, found)) / len(found) - 29.6 * sentences / len(found) - 15.8
