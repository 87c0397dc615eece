"""The last answer this notebook got, so that it can be reported without copying it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Last:
    """What was asked and answered, as texts; `call` is the gateway's id of it, empty where it told none."""

    asked: str
    answered: str
    model: str = ""
    call: str = ""


def keep(answer: Last) -> None:
    """Forgets the one before."""
    global _last  # noqa: PLW0603  (one process, one notebook, one last answer)
    _last = answer


def last() -> Last | None:
    return _last


_last: Last | None = None
