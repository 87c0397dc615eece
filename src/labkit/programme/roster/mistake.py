"""One mistake in a roster file: where it is, what is there, what is wrong with it, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST_FOUND = 80


@dataclass(frozen=True, order=True)
class Mistake:
    """`line` counts from 1, as an editor shows it; 0 where the whole file is meant. `column` is empty there too."""

    file: str
    line: int
    column: str
    found: str
    message: str
    instead: str

    def __post_init__(self) -> None:
        """What was found may be anything: it is shown short, and without what would move a terminal's cursor."""
        shown = "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in self.found)
        short = shown if len(shown) <= _LONGEST_FOUND else shown[: _LONGEST_FOUND - 1] + "…"
        object.__setattr__(self, "found", short)

    def to_json(self) -> dict[str, str | int]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Wrong(Exception):
    """A cell that cannot be taken; whoever reads it knows where it stands."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.message, self.instead = message, instead
