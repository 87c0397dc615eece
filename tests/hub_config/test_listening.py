"""A learner's server on the socket it inherits, spoken to as the proxy speaks."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from hub_config import listening


class Echo(RequestHandler):
    def put(self) -> None:
        self.finish(self.request.body)


@pytest.fixture
async def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        monkeypatch.setenv("JUPYTER_LISTEN_FD", str(os.dup(listener.fileno())))
    server = HTTPServer(Application([("/", Echo)]))
    await listening._start_jupyter_server_extension(SimpleNamespace(http_server=server))
    yield tmp_path / "s"
    server.stop()
    await asyncio.sleep(listening._LINGER_SECONDS + 0.1)


async def test_a_late_empty_write_finds_the_socket_still_open(path: Path):
    """What Node does at the end of a body, after the answer has come and the server has closed."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    raw = writer.get_extra_info("socket")
    writer.write(b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
    assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"hello")

    os.write(raw.fileno(), b"")
    writer.close()


async def test_the_inherited_descriptor_is_told_to_no_kernel(path: Path):
    assert "JUPYTER_LISTEN_FD" not in os.environ


async def test_without_one_nothing_is_done():
    await listening._start_jupyter_server_extension(SimpleNamespace(http_server=None))
