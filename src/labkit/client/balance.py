"""What is left of a lab's allowance, as a learner sees it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Allowance:
    """What this lab lets you use, in tokens."""

    limit: int
    used: int
    left: int
    resets_at: datetime | None = None

    def __repr__(self) -> str:
        return f"{self.left:,} of {self.limit:,} tokens left{self._until}"

    def _repr_html_(self) -> str:
        share = round(100 * self.left / self.limit) if self.limit else 0
        return (
            f'<div role="img" aria-label="{html.escape(repr(self))}" style="max-width:24em">'
            f'<div style="background:#d7dde5;border-radius:4px"><div style="width:{share}%;height:10px;'
            f'background:#1f6f54;border-radius:4px"></div></div>{html.escape(repr(self))}</div>'
        )

    @property
    def _until(self) -> str:
        return f"; full again at {self.resets_at:%H:%M on %d %B}" if self.resets_at else "; it does not reset"
