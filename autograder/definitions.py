"""What a learner's cells define: read in the grader's own process, so within bounds and each text once.

A syntax tree takes a thousand times the memory of its text. What is longer than LONGEST, or comes after MOST was read,
is `UNREAD`. What is not covered: one text of LONGEST can still take 64 MB for the moment in which it is read.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from autograder.free import free
from autograder.names import bound_by, left_to_do, needed_first, statements, used_by
from autograder.pieces import Span, head, spans

LONGEST = 64 << 10
MOST = 256 << 10
# For the names alone it is enough to drop what is no Python; how such a cell runs is shell.py's to know.
_COMMAND = re.compile(r"(?m)^([ \t]*)(?:[%!?](?:.*\\\n)*.*|[\w.]+\?{1,2}[ \t]*)$")
_ASSIGNED = re.compile(r"(?m)^([\w., \t]+=[ \t]*)[%!](?:.*\\\n)*.*$")
_PROMPT = re.compile(r"(?m)^(?:>>>|\.\.\.)(?: |$)")


@dataclass(frozen=True)
class Defined:
    """`needed` is used before it is bound here; `left` is bound, but still as a starter leaves it; `free` is used
    and not bound here at all. `spans` say where in `read` stand the statements that bind a name, and before line
    `head` nothing may be put."""

    bound: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    read: str = ""
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    head: int = 0

    @property
    def sought(self) -> frozenset[str]:
        """What has to be there for it: also what it binds anew from itself, as `x += 1` does."""
        return self.free | (self.needed & self.bound)


UNREAD = Defined()


class Definitions:
    """Those of one notebook."""

    def __init__(self) -> None:
        self._room = MOST
        self._known: dict[str, Defined | None] = {}

    def of(self, source: str) -> Defined | None:
        """None where it is not Python, even without its magics; the one `UNREAD` where it was not read."""
        if source not in self._known:
            self._known[source] = self._read(source)
        return self._known[source]

    def _read(self, source: str) -> Defined | None:
        for read in (str, _without_commands):
            if len(source) > LONGEST or (size := len(source.encode())) > min(LONGEST, self._room):
                return UNREAD
            text = read(source)
            if text == source and read is not str:
                return None
            self._room -= size
            found = statements(text)
            if found is not None:
                names = bound_by(found), used_by(found), needed_first(found), left_to_do(found), free(found)
                bound, used, needed, left, missing = map(frozenset, names)
                return Defined(bound, used, needed, left, missing, text, spans(found, text), head(found))
        return None


def unprompted(source: str) -> str:
    """Without what a notebook takes off a whole cell."""
    text = textwrap.dedent(source)
    return _PROMPT.sub("", text) if text.lstrip().startswith(">>>") else text


def _without_commands(source: str) -> str:
    text = unprompted(source)
    return _ASSIGNED.sub(r"\1None", _COMMAND.sub(r"\1pass", text))
