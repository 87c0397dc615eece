"""A server extension of learners' JupyterLab: accepts on the unix socket it was started with.

The server's own TCP port is on a loopback nobody else is on; the proxy comes in through this socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any

# The variable that names the inherited socket.
DESCRIPTOR = "JUPYTER_LISTEN_FD"
_LINGER_SECONDS = 2.0


class Lingering(socket.socket):
    """Says at once that nothing more comes, and closes a little later.

    Node ends a request's body with an empty write. On a unix socket whose other end is closed that is an error, and
    the proxy then answers 503 though the answer has arrived; TCP forgives it.
    """

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_WR)
        with contextlib.suppress(RuntimeError):  # without a loop everything is at its end
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, super().close)
            return
        super().close()


class Listener(socket.socket):
    def accept(self) -> tuple[Lingering, Any]:
        connection, address = super().accept()
        return Lingering(fileno=connection.detach()), address


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "hub_config.listening"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Nothing yet: there is no HTTP server before the extensions start."""


async def _start_jupyter_server_extension(server: Any) -> None:
    # Taken out of the environment, so that no kernel is told of it.
    inherited = os.environ.pop(DESCRIPTOR, "")
    if inherited:
        listener = Listener(fileno=int(inherited))
        listener.setblocking(False)
        listener.set_inheritable(False)
        server.http_server.add_socket(listener)
