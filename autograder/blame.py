"""What went wrong on the learner's side of a test, as the test process sees it.

Each is raised inside a test; a test may catch `ValueError` where it expects one, because `raised` makes the exception
one of that builtin type too. `kind` is a builtin's name or "", never a word the learner could choose.
"""

from __future__ import annotations

import builtins
import errno
from typing import Any

_LONGEST = 300
_TYPES: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning | StopIteration)
}
# What ends a program is named to the learner, but never raised as itself in a test: it would end the grading.
NAMED: dict[str, type[BaseException]] = {**_TYPES, "SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}


_BY_NUMBER = {
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EFBIG: "file",
    errno.EAGAIN: "processes",
    errno.EMFILE: "files",
    errno.ENOMEM: "memory",
}
LIMITS = frozenset((*_BY_NUMBER.values(), "memory"))


class LearnerSide(Exception):
    """Something her code did. `what`: raised, missing, gone, not-plain, malformed or empty."""

    what = "raised"

    def __init__(self, label: str, kind: str = "", text: str = "") -> None:
        self.label, self.kind, self.text = label, kind, text[:_LONGEST]
        self.limit = ""
        super().__init__(self.text)

    def as_problem(self) -> dict[str, str]:
        return {"what": self.what, "label": self.label, "kind": self.kind, "text": self.text, "limit": self.limit}


class Missing(LearnerSide, NameError):
    what = "missing"


class Gone(LearnerSide):
    what = "gone"


class NotPlain(LearnerSide, TypeError):
    what = "not-plain"


class Malformed(LearnerSide):
    what = "malformed"


class Empty(LearnerSide):
    what = "empty"


class StopAsking(Exception):
    """Nothing more to iterate over."""


class Inexpressible(Exception):
    """A test asks for what cannot cross between the processes: its author's to mend, never the learner's."""


def kind_of(error: BaseException) -> str:
    """The nearest builtin's name: a class of the learner's own could carry a message in its name."""
    return next((kind.__name__ for kind in type(error).__mro__ if NAMED.get(kind.__name__) is kind), "")


def limit_of(error: BaseException) -> str:
    """Which limit of the sandbox an error tells of: a word of LIMITS, or ""."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "processes"
    return _BY_NUMBER.get(error.errno or 0, "") if isinstance(error, OSError) else ""


def raised(label: str, kind: Any, text: Any, limit: Any = "") -> LearnerSide:
    """The exception to raise in the test for one raised in the learner's process."""
    error = _raised(label, kind, text)
    error.limit = limit if isinstance(limit, str) and limit in LIMITS else ""
    return error


def _raised(label: str, kind: Any, text: Any) -> LearnerSide:
    name = kind if isinstance(kind, str) and kind in NAMED else ""
    message = text if isinstance(text, str) else ""
    base = _TYPES.get(name)
    if base is None or base is Exception:
        return LearnerSide(label, name, message)
    try:
        mixed: type[LearnerSide] = type(name, (LearnerSide, base), {})
        return mixed(label, name, message)
    except TypeError:  # a builtin whose memory layout does not mix (SyntaxError, OSError and their kind)
        return LearnerSide(label, name, message)
