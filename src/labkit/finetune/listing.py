"""A learner's trainings as a table: which is which, and what became of each."""

from __future__ import annotations

import html
from datetime import datetime

from labkit.finetune.training import Training

_HEADS = ("", "Name", "Asked for", "Base", "How it stands")


class Trainings(tuple[Training, ...]):
    """The newest first; `labkit.trainings()[0]` is the last that was asked for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "You have trained nothing in this lab yet: labkit.finetune(rows) begins."
        rows = [_HEADS, *(_cells(place, one) for place, one in enumerate(self))]
        widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADS))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        if not self:
            return html.escape(repr(self))
        head = "".join(f'<th scope="col" style="text-align:left">{one}</th>' for one in _HEADS)
        body = "".join(_row(_cells(place, one)) for place, one in enumerate(self))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(place: int, one: Training) -> tuple[str, ...]:
    asked = datetime.fromtimestamp(one.created).astimezone()
    return str(place), one.name or one.id, f"{asked:%H:%M on %d %B}", one.base, one.told


def _row(cells: tuple[str, ...]) -> str:
    first, *rest = (html.escape(cell) for cell in cells)
    told = "".join(f'<td style="text-align:left;overflow-wrap:anywhere">{cell}</td>' for cell in rest)
    return f'<tr><th scope="row">{first}</th>{told}</tr>'
