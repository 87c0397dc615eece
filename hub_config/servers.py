"""Starts learners' notebook servers through the hub's API, for the pages."""

from __future__ import annotations

import httpx

from hub_config.hosts import Hosts
from labkit.errors import PlatformFault


class HubServers:
    """Implements `labkit.pages.site.Servers` with the pages' own service token."""

    def __init__(self, api_url: str, token: str, hosts: Hosts) -> None:
        self._hosts = hosts
        self._client = httpx.AsyncClient(
            base_url=api_url, headers={"Authorization": f"token {token}"}, timeout=httpx.Timeout(20)
        )

    def url(self, username: str) -> str:
        return self._hosts.user(username)

    def formgrader_url(self, course: str) -> str:
        return self._hosts.formgrader(course)

    async def state(self, username: str) -> str:
        user = (await self._ask("GET", f"/users/{username}")).json()
        server = user.get("servers", {}).get("")
        if server is None:
            return "stopped"
        return "ready" if server.get("ready") else "starting"

    async def start(self, username: str) -> None:
        # 201: started; 202: starting; 400: it runs or is starting already
        await self._ask("POST", f"/users/{username}/server", good=(201, 202, 400))

    async def _ask(self, method: str, path: str, good: tuple[int, ...] = (200,)) -> httpx.Response:
        try:
            answer = await self._client.request(method, path)
        except httpx.HTTPError as error:
            raise PlatformFault("The hub does not answer.", instead="Reload this page in a minute.") from error
        if answer.status_code not in good:
            raise PlatformFault(f"The hub answered {answer.status_code}.", instead="Reload this page in a minute.")
        return answer
