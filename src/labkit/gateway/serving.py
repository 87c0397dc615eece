"""How the gateway listens: one process, bounded in what a client may hold open without saying anything.

A client has fifteen seconds and 32 kB for a request's head; its body is bounded where it is read. What this does not
cover: a client that reads its answer a byte at a time holds one connection, of `_MOST_CONNECTIONS`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_log = logging.getLogger(__name__)
_HEAD_SECONDS = 15.0
_LARGEST_HEAD = 32_768
_MOST_CONNECTIONS = 2_000


class _Together:
    """A transport that writes at the end of the loop's step, so that an answer's head and body leave as one packet."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pending: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data, self._pending = b"".join(self._pending), []
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head is too slow or too large."""

    _unread = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Together(transport, self.loop))  # type: ignore[arg-type]
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._patience is not None:
            self._unread += len(data)
        super().data_received(data)
        if self._patience is not None and self._unread > _LARGEST_HEAD:
            self._give_up("its head is too large")

    def on_message_begin(self) -> None:
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(_HEAD_SECONDS, self._give_up, "its head did not arrive in time")

    def _stop_waiting(self) -> None:
        self._unread = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self, why: str) -> None:
        self._stop_waiting()
        _log.warning("A request was not read: %s", why)
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


def settings(app: Starlette, port: int, **more: Any) -> uvicorn.Config:
    """Uvicorn's settings for the gateway on 127.0.0.1; port 0 takes a free one."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        log_level="warning",
        access_log=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=3,
        server_header=False,
        proxy_headers=False,
        **more,
    )


def serve(app: Starlette, port: int) -> None:
    """Serves until SIGTERM or SIGINT."""
    # What is there now stays: without this the collector looks through every module again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn raises the signal again once it has stopped; without this we would die of it instead of returning.
        signal.signal(number, lambda *_: None)
    uvicorn.Server(settings(app, port)).run()
