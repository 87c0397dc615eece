"""Asks one address the same again and again, from so many connections at once, and writes down how long it took."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Load:
    """What one round found. Times are in seconds; `first` is until a stream's first piece of an answer."""

    times: list[float]
    seconds: float
    failed: int
    tokens: int = 0

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, percent: int) -> float:
        """In milliseconds."""
        if len(self.times) < 2:
            return 1000 * self.times[0] if self.times else float("nan")
        return 1000 * statistics.quantiles(self.times, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True)
class Target:
    """Where calls go: `url` of the chat completions, the key, and the model's name there."""

    name: str
    url: str
    key: str
    model: str

    def request(self, body: Mapping[str, Any]) -> bytes:
        parts = urlsplit(self.url)
        raw = json.dumps({**body, "model": self.model}).encode()
        head = (
            f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
        )
        return head.encode() + raw


class _Connection:
    """A connection that is kept; reads one answer after another."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def open(self) -> None:
        parts = urlsplit(self._target.url)
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**20)

    async def ask(self, request: bytes, *, first_only: bool) -> tuple[float, bytes]:
        """Seconds until the answer (or a stream's first piece) was there, and the answer's body."""
        began = time.perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise ConnectionError(head.decode(errors="replace").splitlines()[0])
        if b"transfer-encoding: chunked" not in head:
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            body = await self._reader.readexactly(length)
            return time.perf_counter() - began, body
        return await self._chunks(began, first_only=first_only)

    async def _chunks(self, began: float, *, first_only: bool) -> tuple[float, bytes]:
        taken, body = 0.0, b""
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
            if not taken and (b'"content": "' in body or b'"content":"' in body):
                taken = time.perf_counter() - began
        await self._reader.readline()
        return taken if first_only else time.perf_counter() - began, body

    def close(self) -> None:
        self._writer.close()


async def _round(target: Target, body: Mapping[str, Any], at_once: int, seconds: float, most: int, keep: bool) -> Load:
    request, first_only = target.request(body), bool(body.get("stream"))
    times: list[float] = []
    failed, tokens, asked = 0, 0, 0
    connections = [_Connection(target) for _ in range(at_once)]
    for connection in connections:
        await connection.open()
    began = time.perf_counter()

    async def again(connection: _Connection) -> None:
        nonlocal failed, tokens, asked
        while time.perf_counter() - began < seconds and asked < most:
            asked += 1
            try:
                taken, answer = await connection.ask(request, first_only=first_only)
            except (ConnectionError, asyncio.IncompleteReadError, ValueError):
                failed += 1
                await connection.open()
                continue
            times.append(taken)
            if keep:
                tokens += json.loads(answer)["usage"]["completion_tokens"]

    await asyncio.gather(*(again(one) for one in connections))
    taken = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return Load(times, taken, failed, tokens)


def load(
    target: Target, body: Mapping[str, Any], at_once: int, seconds: float, *, most: int = 10**9, tokens: bool = False
) -> Load:
    """One round of at most `seconds` and `most` calls; `tokens` counts those of the answers."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_round(target, body, at_once, seconds, most, tokens))
