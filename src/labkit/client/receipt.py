"""The receipt of a submission, as a learner sees it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Receipt:
    """The platform's word that it has your work: what, when, and a signature. Keep it; it is your proof."""

    id: str
    course: str
    lab: str
    received_at: str
    files: Mapping[str, str]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    signature: str = field(default="", repr=False)
    saved_at: datetime | None = None
    attempts_left: int | None = None
    unwritten: tuple[tuple[str, float], ...] = ()  # written answers that are as they were: how each begins, its points

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        first, *rest = (html.escape(line) for line in self._lines())
        items = "".join(f"<li>{line}</li>" for line in rest)
        return f'<div style="border-left:4px solid #1f6f54;padding-left:1em"><b>✓ {first}</b><ul>{items}</ul></div>'

    def _lines(self) -> list[str]:
        lines = [
            f"Received: your work for {self.course}/{self.lab}, at {_local(self.received_at)}.",
            f"Receipt {self.id}. Files: {', '.join(self.files)}.",
        ]
        if self.saved_at:
            lines.append(
                f"It is the notebook as saved at {self.saved_at:%H:%M:%S}. Changed something since? Save, then submit "
                "again."
            )
        for begins, points in self.unwritten:
            lines.append(
                f"Not written yet, {points:g} points: “{begins}” Double-click that text, write your answer under it, "
                "save, and submit again."
            )
        if self.missing:
            lines.append(f"Missing, so it earns nothing: {', '.join(self.missing)}.")
        if self.extra:
            lines.append(f"Kept but not graded: {', '.join(self.extra)}.")
        if self.attempts_left is not None:
            lines.append(f"Attempts left in this lab: {self.attempts_left}.")
        if self.attempts_left == 0:
            return [*lines, "Your score appears on the lab's page."]
        return [*lines, "Your score appears on the lab's page. You may submit again; the newest counts."]


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M:%S on %d %B %Y}"
