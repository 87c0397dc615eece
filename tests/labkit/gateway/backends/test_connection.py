"""A server that ends kept connections costs nobody an answer."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from labkit.gateway.backends.connection import connect

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Ending:
    """Answers the first request of every connection; at the second it ends the connection without a word."""

    def __init__(self, answered: int = 1) -> None:
        self.answered, self.connections = answered, 0
        self.tasks: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.append(asyncio.current_task())
        for _ in range(self.answered):
            await reader.readuntil(b"body")
            writer.write(_ANSWER)
            await writer.drain()
        await reader.read(1)
        writer.transport.abort()


async def _asked(ending: Ending, times: int) -> list[str]:
    server = await asyncio.start_server(ending.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server:
        try:
            async with connect("k", httpx.Timeout(5)) as client:
                return [(await client.post(url, content=b"body")).text for _ in range(times)]
        finally:
            await asyncio.gather(*ending.tasks, return_exceptions=True)


async def test_a_kept_connection_that_was_ended_is_asked_again_on_a_fresh_one() -> None:
    ending = Ending()
    assert await _asked(ending, 4) == ["ok"] * 4
    assert ending.connections == 4


async def test_a_server_that_never_answers_is_asked_twice_and_no_more() -> None:
    ending = Ending(answered=0)
    with pytest.raises(httpx.HTTPError):
        await _asked(ending, 1)
    assert ending.connections == 2
