"""A learner's trainings as a table: which is which, and what became of each."""

from __future__ import annotations

import html
from datetime import datetime

from labkit.client.table import in_html, in_words
from labkit.finetune.training import Training

_HEADS = ("", "Name", "Asked for", "Base", "How it stands")


class Trainings(tuple[Training, ...]):
    """The newest first; `labkit.trainings()[0]` is the last that was asked for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "You have trained nothing in this lab yet: labkit.finetune(rows) begins."
        return in_words(_HEADS, self._rows())

    def _repr_html_(self) -> str:
        if not self:
            return html.escape(repr(self))
        return in_html(_HEADS, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        return [_cells(place, one) for place, one in enumerate(self)]


def _cells(place: int, one: Training) -> tuple[str, ...]:
    asked = datetime.fromtimestamp(one.created).astimezone()
    return str(place), one.name or one.id, f"{asked:%H:%M on %d %B}", one.base, one.told
