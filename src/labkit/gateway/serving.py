"""How the gateway listens: one process, bounded in what a client may hold open without saying anything.

A client has fifteen seconds and 32 kB for a request's head; its body is bounded where it is read. What this does not
cover: a client that reads its answer a byte at a time holds one connection, of `_MOST_CONNECTIONS`.
"""

from __future__ import annotations

import asyncio
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


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head is too slow or too large."""

    _unread = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
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
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn raises the signal again once it has stopped; without this we would die of it instead of returning.
        signal.signal(number, lambda *_: None)
    uvicorn.Server(settings(app, port)).run()
