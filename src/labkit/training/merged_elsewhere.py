"""Asks the adapters' process, which has the base, for a whole model, and passes on what it packs as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import httpx

from labkit.errors import ModelUnavailable, PlatformFault, RequestRefused

# Merging reads and writes the whole base.
_PATIENCE = httpx.Timeout(300.0, connect=5.0)


@dataclass(frozen=True)
class MergedElsewhere:
    url: str
    key: str

    async def __call__(self, digest: str, form: str, beside: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Raises RequestRefused or PlatformFault before the first piece."""
        asked = {"adapter": digest, "form": form, "beside": dict(beside)}
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            async with (
                httpx.AsyncClient(timeout=_PATIENCE, headers=headers, trust_env=False) as client,
                client.stream("POST", f"{self.url.rstrip('/')}/merge", json=asked) as answer,
            ):
                if answer.status_code != 200:
                    raise _refusal(answer.status_code, await answer.aread())
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx.HTTPError as error:
            raise ModelUnavailable("Your model could not be merged now.", instead="Try again in a minute.") from error


def _refusal(status: int, content: bytes) -> Exception:
    if status == 400:
        return RequestRefused("This model is not merged in this form.", instead="Take another format, such as peft.")
    return PlatformFault("Your model's files are not there.", instead="Tell your instructor.")
