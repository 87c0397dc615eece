"""Who holds a hub token: the hub is asked, the answer is kept for half a minute.

A revoked token is therefore still good for up to `KEPT_SECONDS`.
"""

from __future__ import annotations

import hashlib
import time

import httpx

from labkit.errors import PlatformFault

KEPT_SECONDS = 30.0


class HubTokens:
    """`api_url` is the hub's API, such as `http://127.0.0.1:8081/hub/api`."""

    def __init__(self, api_url: str, client: httpx.AsyncClient | None = None) -> None:
        self._url = api_url.rstrip("/") + "/user"
        self._client = client or httpx.AsyncClient(timeout=10)
        self._known: dict[str, tuple[float, str | None]] = {}

    async def username(self, token: str) -> str | None:
        """Her username, or None for a token the hub does not know. Raises PlatformFault if the hub is silent."""
        digest = hashlib.sha256(token.encode()).hexdigest()  # no token is kept in memory longer than its request
        now = time.monotonic()
        at, name = self._known.get(digest, (-KEPT_SECONDS, None))
        if now - at < KEPT_SECONDS:
            return name
        name = await self._ask(token)
        self._known = {key: kept for key, kept in self._known.items() if now - kept[0] < KEPT_SECONDS}
        if name is not None:
            self._known[digest] = (now, name)
        return name

    async def _ask(self, token: str) -> str | None:
        try:
            answer = await self._client.get(self._url, headers={"Authorization": f"token {token}"})
        except (httpx.HTTPError, ValueError) as error:
            raise PlatformFault(
                "The platform could not check who you are.", instead="Try again in a minute."
            ) from error
        if answer.status_code >= 500:
            raise PlatformFault("The platform could not check who you are.", instead="Try again in a minute.")
        if answer.status_code != 200:
            return None
        body = answer.json()
        return body["name"] if body.get("kind") == "user" else None

    async def close(self) -> None:
        await self._client.aclose()
