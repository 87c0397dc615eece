"""A text as a row of numbers: texts that mean the same have rows that point the same way."""

from __future__ import annotations

from typing import overload

from labkit.client.installed import transport
from labkit.errors import RequestRefused

# As many as the gateway takes in one request.
_AT_ONCE = 256


@overload
def embed(texts: str, *, model: str | None = None) -> list[float]: ...


@overload
def embed(texts: list[str], *, model: str | None = None) -> list[list[float]]: ...


def embed(texts: str | list[str], *, model: str | None = None) -> list[float] | list[list[float]]:
    """One row of numbers for each text, in their order; for one text its row. Of `model`, or the lab's first that can.

    More than 256 texts are sent in several requests, each paid for when it is answered.
    """
    many = [texts] if isinstance(texts, str) else list(texts)
    for at, text in enumerate(many):
        if not isinstance(text, str) or not text.strip():
            raise RequestRefused(
                f"labkit.embed takes texts; number {at} is {str(text)[:30]!r}.",
                instead="Give it a text or a list of texts, none of them empty.",
            )
    rows = [row for at in range(0, len(many), _AT_ONCE) for row in _rows(many[at : at + _AT_ONCE], model)]
    return rows[0] if isinstance(texts, str) else rows


def _rows(texts: list[str], model: str | None) -> list[list[float]]:
    answer = transport().post("/v1/embeddings", {"input": texts} | ({"model": model} if model else {}))
    return [one["embedding"] for one in sorted(answer["data"], key=lambda one: one["index"])]
