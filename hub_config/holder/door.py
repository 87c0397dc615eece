"""A learner's server's one way out: HTTP to the hub's API, the gateway's labs and the submissions service.

Covers: no other path of these three and no other address is reached; a path is refused where it could mean two things
(dots, doubled or escaped slashes); connections and body sizes are bounded, for each learner apart, so that hers cost
nobody else; what she says of other hosts or proxies in headers is dropped.
Does NOT cover: what she may do with a token she has: each service behind judges that. Websockets do not pass.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, TCPConnector, web

_CONNECTIONS = 64
_MOST_BYTES = 64 * 2**20
# The gateway gives up before we do.
_TIMEOUT = ClientTimeout(total=None, sock_connect=10, sock_read=330)
_DROPPED = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"),
    *("upgrade", "host", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"),
    *("cookie", "set-cookie", "x-forwarded-port", "expect"),
}
_TWO_MEANINGS = re.compile(r"//|/\.|%2e|%2f|%5c|%25|\\|[^!-~]", re.IGNORECASE)


class Door:
    """`targets` maps a path's beginning to where it leads: `{"/hub/api/": "http://127.0.0.1:8081"}`.

    A beginning that leads to "" is closed, though a shorter one is open.
    """

    def __init__(self, path: Path, targets: Mapping[str, str]) -> None:
        self._path, self._targets = path, dict(sorted(targets.items(), key=lambda one: -len(one[0])))

    async def open(self) -> None:
        """Listens. The socket's folder is what a sandbox sees, so a new door in it is found by an old sandbox."""
        self._path.parent.mkdir(mode=0o755, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._session = ClientSession(
            timeout=_TIMEOUT, connector=TCPConnector(limit=_CONNECTIONS), auto_decompress=False, trust_env=False
        )
        # She leaves, the call behind is dropped: nothing goes on computing for nobody.
        self._web = web.Server(self._pass_on, keepalive_timeout=60, lingering_time=1, handler_cancellation=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._protocol, str(self._path))
        # Her account, unprivileged, must be able to connect; nobody else sees the folder.
        self._path.chmod(0o666)

    async def close(self) -> None:
        self._server.close()
        await self._web.shutdown(1)
        await self._session.close()
        self._path.unlink(missing_ok=True)

    def _protocol(self) -> asyncio.BaseProtocol:
        return _Refusing() if len(self._web.connections) >= _CONNECTIONS else self._web()

    def _target(self, request: web.BaseRequest) -> str | None:
        path = request.raw_path.partition("?")[0]
        if _TWO_MEANINGS.search(path):
            return None
        for beginning, target in self._targets.items():
            if f"{path.rstrip('/')}/".startswith(beginning):
                return target or None
        return None

    async def _pass_on(self, request: web.BaseRequest) -> web.StreamResponse:
        target = self._target(request)
        if target is None:
            return _told(403, "This address is not for notebooks.")
        if (request.content_length or 0) > _MOST_BYTES:
            return _told(413, f"More than {_MOST_BYTES} bytes.")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
        body = _Body(request)
        data = body.chunks() if request.body_exists else None
        try:
            async with self._session.request(
                request.method, f"{target}{request.raw_path}", headers=headers, data=data, allow_redirects=False
            ) as answer:
                return await _stream(request, answer)
        except (ClientError, TimeoutError, _TooLarge):
            if body.too_large:
                return _told(413, f"More than {_MOST_BYTES} bytes.")
            return _told(503, "The platform did not answer.")


class _TooLarge(Exception):
    """Ends a request in the middle of its body; aiohttp may wrap it in an error of its own."""


class _Body:
    """A body counted as it passes, whatever its header said of its length."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self.too_large = False

    async def chunks(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._request.content.iter_any():
            seen += len(chunk)
            self.too_large = seen > _MOST_BYTES
            if self.too_large:
                raise _TooLarge
            yield chunk


async def _stream(request: web.BaseRequest, answer: ClientResponse) -> web.StreamResponse:
    passed = web.StreamResponse(status=answer.status)
    for name, value in answer.headers.items():
        if name.lower() not in _DROPPED:
            passed.headers.add(name, value)
    await passed.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await passed.write(chunk)
        await passed.write_eof()
    except (ClientError, ConnectionResetError):
        # One side left in the middle: hers must not take what came so far for the whole.
        if request.transport is not None:
            request.transport.abort()
    return passed


class _Refusing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _told(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": "PlatformFault"}}, status=status)
