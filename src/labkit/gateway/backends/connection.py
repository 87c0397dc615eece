"""The way to the model process: kept connections that survive its ending them."""

from __future__ import annotations

import httpx

# llama.cpp's server ends a connection after five idle seconds, or after some hundred requests; ours goes first.
_KEPT_SECONDS = 2.0
_ENDED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class SteadyTransport(httpx.AsyncHTTPTransport):
    """Asks once more where a connection ended before any answer came.

    What this does not cover: a server that had begun to work on what it was asked works on it twice.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except _ENDED:
            return await super().handle_async_request(request)


def connect(key: str, timeout: httpx.Timeout) -> httpx.AsyncClient:
    """A client that carries the key."""
    transport = SteadyTransport(limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEPT_SECONDS))
    return httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=timeout, transport=transport)
