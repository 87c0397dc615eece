"""Which models a lab may use, and for what."""

from __future__ import annotations

import html
from dataclasses import dataclass

from labkit.client.installed import transport
from labkit.client.table import in_html, in_words

# What the wire calls a path -> what a learner calls it.
_CALLS = {
    "chat/completions": ("ask", "chat"),
    "score": ("score",),
    "embeddings": ("embed",),
    "audio/transcriptions": ("transcribe",),
    "ocr": ("read",),
}
_HEADS = ("Model", "Answers to", "Reads at most")


@dataclass(frozen=True)
class Model:
    """`calls` are labkit's; `takes` what it reads besides text ("images"); `context` in tokens, None where unsaid."""

    id: str
    calls: tuple[str, ...]
    takes: tuple[str, ...] = ()
    context: int | None = None

    @property
    def _cells(self) -> tuple[str, str, str]:
        sees = " (sees images)" if "images" in self.takes else ""
        return self.id, (", ".join(self.calls) or "-") + sees, f"{self.context:,} tokens" if self.context else "-"


class Models(tuple[Model, ...]):
    """The models of a lab, shown as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "This lab uses no model."
        return in_words(_HEADS, [one._cells for one in self])

    def _repr_html_(self) -> str:
        if not self:
            return html.escape(repr(self))
        return in_html(_HEADS, [one._cells for one in self])


def models() -> Models:
    """The models this lab may use: what each answers to, and how much it reads."""
    return Models(
        Model(
            one["id"],
            tuple(call for path, calls in _CALLS.items() if path in one.get("paths", ()) for call in calls),
            tuple(one.get("takes", ())),
            one.get("context_length"),
        )
        for one in transport().get("/v1/models")["data"]
    )
