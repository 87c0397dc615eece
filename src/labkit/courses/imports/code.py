"""A code cell that nbgrader neither grades nor hides: does the lab need it, or is it there to be tried?

nbgrader runs every cell when it grades, in the learner's version. labkit runs the author's `code` cells, and skips
`demo` cells, which learners may change. So a cell is `code` where it is read-only, or where a later cell uses a name
it binds or an object it changes; else it is `demo`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from labkit.courses.imports import python

_CELL_MAGIC = re.compile(r"\s*%%(?P<name>\w+)")
# They run the cell's Python in the notebook's own names.
_AROUND = ("time", "capture", "prun", "memit")


def needed(cells: Sequence[tuple[int, str]], later: Iterable[tuple[int, str]]) -> set[int]:
    """The places among the plain `cells` (place, source) that others need; `later` are all other code cells."""
    found, wanted = set[int](), set[str]()
    # From the last to the first: what a needed cell uses is needed too.
    for place, source, is_plain in sorted(
        [*((*one, True) for one in cells), *((*one, False) for one in later)], reverse=True
    ):
        tree = python.tree(without_magic(source)[0] if is_plain else python.without_commands(source)[0])
        if tree is None or (is_plain and not (python.bound(tree) | python.changed(tree)) & wanted):
            continue
        found |= {place} if is_plain else set()
        wanted |= python.used(tree)
    return found


def without_magic(source: str) -> tuple[str, tuple[str, ...]]:
    """The Python of a cell, and the lines that are commands; a cell in another language (`%%bash`) is only those."""
    magic = _CELL_MAGIC.match(source)
    if magic and magic["name"] in _AROUND:
        first, _, rest = source.lstrip().partition("\n")
        text, commands = without_magic(rest)
        return text, (first, *commands)
    if magic:
        return "", (source.lstrip().split("\n")[0],)
    if python.tree(source) is not None:
        return source, ()
    commented, commands = python.without_commands(source)
    gone = set(commands)
    kept = [line for line in commented.split("\n") if line.strip().removeprefix("# ").strip() not in gone]
    return "\n".join(kept), commands
