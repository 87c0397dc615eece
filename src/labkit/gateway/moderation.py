"""The moderation hook: what may look at every prompt and answer, and say why one is not let through.

    {"kind": "words", "file": "PATH"}                one word or phrase a line; `#` begins a remark
    {"kind": "service", "url": "...", "key_file": "PATH"}   OpenAI's /v1/moderations at this address

What this does not cover: meaning that hides in other words. A list of words stops what is on it; a service is as good
as its model. An answer that streams is looked at every 200 characters, so a part that passes is seen before the rest
is stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from labkit.errors import ModelUnavailable, OperatorError
from labkit.strict import read_secret, strict


class Moderator(Protocol):
    async def refusal(self, text: str) -> str | None:
        """Why the text is not let through; None if it is."""
        ...

    async def close(self) -> None: ...


class Words:
    """Refuses texts that hold one of the listed words, in any case, as whole words."""

    def __init__(self, words: list[str]) -> None:
        known = (re.escape(" ".join(word.split())) for word in words)
        self._pattern = re.compile("|".join(rf"(?<!\w){word}(?!\w)" for word in known), re.IGNORECASE)
        self._empty = not words

    async def refusal(self, text: str) -> str | None:
        found = None if self._empty else self._pattern.search(" ".join(text.split()))
        return f"it holds “{found[0]}”" if found else None

    async def close(self) -> None:
        pass


class Service:
    """Asks a server that speaks OpenAI's moderations. One that does not answer lets nothing through."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url, self._client = url.rstrip("/"), client

    async def refusal(self, text: str) -> str | None:
        try:
            answer = await self._client.post(f"{self._url}/v1/moderations", json={"input": text})
            result = answer.raise_for_status().json()["results"][0]
            flagged, named = bool(result["flagged"]), [name for name, is_so in result["categories"].items() if is_so]
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise ModelUnavailable(
                "The moderation service does not answer.", instead="Try again in a minute; nothing was charged."
            ) from error
        return f"it was found to be {', '.join(sorted(named)) or 'harmful'}" if flagged else None

    async def close(self) -> None:
        await self._client.aclose()


@dataclass(frozen=True)
class _Words:
    file: str


@dataclass(frozen=True)
class _Service:
    url: str
    key_file: str = ""


def open_moderator(settings: Mapping[str, Any]) -> Moderator | None:
    """The moderator that these settings describe; None for none at all."""
    table = dict(settings)
    kind = table.pop("kind", None)
    if not settings:
        return None
    if kind == "words":
        return Words(_listed(Path(strict(_Words, table, "moderation words").file)))
    if kind == "service":
        known = strict(_Service, table, "moderation service")
        headers = {"Authorization": f"Bearer {read_secret(Path(known.key_file))}"} if known.key_file else {}
        return Service(known.url, httpx.AsyncClient(headers=headers, timeout=10))
    raise OperatorError(f"There is no moderation {kind!r}.", instead="Known kinds: words, service.")


def _listed(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"The words in {file} cannot be read.", instead="Give a UTF-8 text, one a line.") from error
    return [line for line in lines if line.strip() and not line.startswith("#")]
