"""The door, attacked with bytes no client library would send."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from hub_config.holder import door as module
from hub_config.holder.door import Door


class Service:
    """What a door leads to; `open` counts the requests it is still answering."""

    def __init__(self) -> None:
        self.seen: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self.left = asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        if request.path.endswith("/slow"):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.left.set()
                raise
        if request.path.endswith("/stream"):
            response = web.StreamResponse()
            await response.prepare(request)
            for number in range(3):
                await response.write(b"data: %d\n\n" % number)
                await asyncio.sleep(0.05)
            await response.write_eof()
            return response
        if request.path.endswith("/torn"):
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
            request.transport.abort()
            return response
        self.bodies.append(await request.read())
        return web.json_response({"path": request.raw_path}, headers={"Set-Cookie": "a=b", "X-Kept": "1"})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    made.server = web.Server(made.answer, handler_cancellation=True)
    made.listener = await asyncio.get_running_loop().create_server(made.server, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{made.listener.sockets[0].getsockname()[1]}"
    yield made
    made.listener.close()
    await made.server.shutdown(1)


@pytest.fixture
async def door(service: Service) -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="labkit-door-") as folder:
        path = Path(folder) / "ana.d" / "door"
        targets = {"/hub/api/": service.url, "/hub/api/authorizations/": "", "/services/gateway/labs/": service.url}
        made = Door(path, targets)
        await made.open()
        yield path
        await made.close()


async def send(door: Path, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(door))
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def get(path: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *more, "", ""]).encode("latin-1")


def status(answer: bytes) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize("path", ["/hub/api/user", "/hub/api", "/hub/api/users/ana/activity?x=/../y", "/hub/api/a%20b"])
async def test_what_a_notebook_needs_passes_to_the_letter(door: Path, service: Service, path: str):
    answer = await send(door, get(path))

    assert status(answer) == 200
    assert service.seen[0].raw_path == path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hub/",
        "/hub/apis",
        "/hub/api/../login",
        "/hub/api/./x",
        "/hub/api/..",
        "/hub/api/%2e%2e/login",
        "/hub/api/%2E%2E%2Flogin",
        "/hub/api/..%2flogin",
        "/hub/api/%252e%252e/login",
        "/hub/api//x",
        "//hub/api/x",
        "/hub/api/\\..\\x",
        "/hub/api/%5c..%5cx",
        "/hub/api/authorizations/token/abc",
        "/hub/api/authorizations",
        "/hub/api/\x80x",
        "/services/gateway/grading/score",
        "/services/gateway/labs/../grading/score",
        "/HUB/API/user",
        "http://127.0.0.1:1/hub/api/user",
        "*",
        "/services/submissions",
    ],
)
async def test_any_other_path_and_any_that_means_two_things_is_refused(door: Path, service: Service, path: str):
    answer = await send(door, get(path))

    assert status(answer) in (400, 403)
    assert not service.seen


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: labs.example.org",
        "Forwarded: for=1.1.1.1",
        "X-Real-Ip: 1.1.1.1",
        "Cookie: jupyterhub-hub-login=stolen",
        "Proxy-Authorization: Basic eDp5",
        "Upgrade: websocket",
        "TE: trailers",
    ],
)
async def test_what_she_says_of_hosts_proxies_and_cookies_is_dropped(door: Path, service: Service, header: str):
    answer = await send(door, get("/hub/api/user", header, "Authorization: token hers"))

    assert status(answer) == 200
    name = header.partition(":")[0]
    assert name not in service.seen[0].headers
    assert service.seen[0].headers["Authorization"] == "token hers"
    assert b"Set-Cookie" not in answer and b"X-Kept" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /hub/api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /hub/login HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /hub/api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
        b"POST /hub/api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
        b"0\r\n\r\n",
        b"GET /hub/api/x HTTP/1.1\r\nHost: x\r\nX: a\nGET /hub/login HTTP/1.1\r\n\r\n",
        b"GET /hub/api/x HTTP/1.1\r\nHost : x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["length and chunks", "two lengths", "two encodings", "a bare line end", "a space in a name", "tls", "http2"],
)
async def test_no_request_is_smuggled_behind_another(door: Path, service: Service, request_bytes: bytes):
    try:
        await send(door, request_bytes + get("/hub/api/y"))
    except TimeoutError:
        pass
    assert all(seen.path in ("/hub/api/x", "/hub/api/y") for seen in service.seen)
    assert not any("login" in seen.raw_path for seen in service.seen)
    assert len(service.seen) <= 1


async def test_a_body_too_large_is_refused_however_it_is_sent(door: Path, service: Service, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    head = b"POST /hub/api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

    assert status(await send(door, head + b"Content-Length: 1001\r\n\r\n")) == 413
    chunks = b"".join(b"1f4\r\n" + b"x" * 500 + b"\r\n" for _ in range(3)) + b"0\r\n\r\n"
    assert status(await send(door, head + b"Transfer-Encoding: chunked\r\n\r\n", chunks)) == 413
    assert service.bodies == []
    assert status(await send(door, head + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000)) == 200


async def test_headers_without_end_are_refused(door: Path, service: Service):
    assert status(await send(door, get("/hub/api/x", f"X-Long: {'y' * 20000}"))) == 400
    assert status(await send(door, get("/hub/api/" + "x" * 20000))) == 400
    assert not service.seen


async def test_whoever_holds_every_connection_open_shuts_out_only_herself(service: Service, monkeypatch):
    monkeypatch.setattr(module, "_CONNECTIONS", 5)
    with tempfile.TemporaryDirectory(prefix="labkit-door-") as folder:
        doors = [Door(Path(folder) / name / "door", {"/hub/api/": service.url}) for name in ("ana", "ben")]
        for one in doors:
            await one.open()
        ana, ben = (Path(folder) / name / "door" for name in ("ana", "ben"))
        # Slow on purpose: each has begun a request and goes no further.
        held = [await asyncio.open_unix_connection(str(ana)) for _ in range(5)]
        for _reader, writer in held:
            writer.write(b"GET /hub/api/x HTTP/1.1\r\n")
        await asyncio.sleep(0.1)

        with pytest.raises((IndexError, ConnectionError)):
            status(await send(ana, get("/hub/api/x")))
        assert status(await send(ben, get("/hub/api/x"))) == 200

        for _reader, writer in held:
            writer.close()
        await asyncio.sleep(0.1)
        assert status(await send(ana, get("/hub/api/x"))) == 200
        for one in doors:
            await one.close()


async def test_an_answer_comes_as_it_is_made(door: Path):
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(get("/services/gateway/labs/a/b/stream"))
    await reader.readuntil(b"data: 0")
    assert b"data: 2" in await asyncio.wait_for(reader.read(), 10)
    writer.close()


async def test_a_torn_answer_is_not_taken_for_a_whole_one(door: Path):
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(get("/services/gateway/labs/a/b/torn"))
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        answer = b""
    body = answer.partition(b"\r\n\r\n")[2]
    assert body in (b"", b"half")
    writer.close()


async def test_who_leaves_stops_what_was_begun_for_her(door: Path, service: Service):
    _reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(get("/services/gateway/labs/a/b/slow"))
    while not service.seen:
        await asyncio.sleep(0.01)
    writer.close()

    await asyncio.wait_for(service.left.wait(), 10)


async def test_a_service_that_is_away_is_told_as_our_fault(service: Service):
    with tempfile.TemporaryDirectory(prefix="labkit-door-") as folder:
        made = Door(Path(folder) / "d" / "door", {"/hub/api/": "http://127.0.0.1:1"})
        await made.open()
        answer = await send(Path(folder) / "d" / "door", get("/hub/api/x"))
        await made.close()

    assert status(answer) == 503
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "PlatformFault"
