"""Bad tokens, oversize bodies, broken UTF-8, slow clients, smuggled requests: bounded, refused, nothing is charged."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
import uvicorn

from labkit.gateway import front, serving, stream
from labkit.gateway.parameters import LARGEST_BODY

HELLO = json.dumps({"messages": [{"role": "user", "content": "good morning"}], "max_tokens": 2}).encode()


@pytest.fixture
def bounded(gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """The gateway's application behind the protocol it is really served with, with little patience."""
    monkeypatch.setattr(serving, "_HEAD_SECONDS", 0.5)
    monkeypatch.setattr(front, "_BODY_SECONDS", 0.5)
    server = uvicorn.Server(serving.settings(gateway.app, 0, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield "127.0.0.1", server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def path(gateway) -> str:
    return f"{urlsplit(gateway.url).path}/labs/prompting/triage/v1/chat/completions"


def head(gateway, length: int | str, *more: str) -> bytes:
    lines = [f"POST {path(gateway)} HTTP/1.1", "Host: x", f"Authorization: Bearer {gateway.key()}"]
    return "\r\n".join([*lines, f"Content-Length: {length}", *more, "", ""]).encode()


def answers(address: tuple[str, int], *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back until the server ends the connection or is silent for two seconds."""
    with socket.create_connection(address, timeout=2) as line:
        try:
            for part in parts:
                line.sendall(part)
                time.sleep(pause)
        except OSError:
            pass
        heard = b""
        try:
            while part := line.recv(65536):
                heard += part
        except OSError:
            pass
        return heard


def test_what_is_well_formed_is_answered(gateway, bounded) -> None:
    assert answers(bounded, head(gateway, len(HELLO), "Connection: close") + HELLO).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "more",
    [
        ("Transfer-Encoding: chunked",),
        ("Content-Length: 5",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("X: a\r\n Transfer-Encoding: chunked",),
    ],
)
def test_a_request_whose_length_is_said_twice_is_not_read_as_two(more: tuple[str, ...], gateway, bounded) -> None:
    inner = f"GET {path(gateway).replace('chat/completions', 'models')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    heard = answers(bounded, head(gateway, len(HELLO), *more) + HELLO + inner)
    # Refused as a whole, or the body is what the first length says; the smuggled one has no key and gets no answer
    # but a refusal.
    assert heard.count(b"HTTP/1.1 200") <= 1
    assert b'"object":"list"' not in heard
    assert gateway.settled().reserved == 0


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999", "0x10", ""])
def test_a_length_that_is_none_is_refused(length: str, gateway, bounded) -> None:
    heard = answers(bounded, head(gateway, length) + HELLO)
    assert not heard.startswith(b"HTTP/1.1 200")


def test_a_head_that_does_not_end_is_not_waited_for(gateway, bounded) -> None:
    began = time.monotonic()
    assert answers(bounded, b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n", pause=0.2) == b""
    assert time.monotonic() - began < 2


def test_a_connection_that_says_nothing_is_ended(bounded) -> None:
    began = time.monotonic()
    assert answers(bounded) == b""
    assert time.monotonic() - began < 2


def test_a_head_that_is_too_large_is_not_read_to_its_end(gateway, bounded) -> None:
    heard = answers(bounded, head(gateway, len(HELLO))[:-2] + b"X-Much: " + b"a" * 200_000 + b"\r\n\r\n" + HELLO)
    assert not heard.startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_come_is_not_waited_for(gateway, bounded) -> None:
    heard = answers(bounded, head(gateway, len(HELLO)) + HELLO[:10])
    assert heard.startswith(b"HTTP/1.1 400")
    assert b"did not arrive in time" in heard
    assert gateway.settled().used == 0


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(declared: bool, gateway) -> None:
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    body = b" " * (LARGEST_BODY + 1)
    answer = httpx.post(url, content=body if declared else iter([body]), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "RequestRefused")


def _forged() -> dict[str, str]:
    claims = {"aud": "labkit-gateway", "sub": "ana", "course": "prompting", "lab": "triage", "exp": 2**40}
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return {
        "no algorithm": f"{none}.{body}.",
        "another secret": jwt.encode(claims, "x" * 40, algorithm="HS256"),
        "another algorithm": jwt.encode(claims, "s" * 64, algorithm="HS512"),
        "another audience": jwt.encode({**claims, "aud": "hub"}, "s" * 32, algorithm="HS256"),
        "no end": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, "s" * 32, algorithm="HS256"),
        "a name that is none": jwt.encode({**claims, "sub": 7}, "s" * 32, algorithm="HS256"),
        "very long": "a" * 20_000,
        "not ascii": "clé",
    }


@pytest.mark.parametrize("forgery", _forged())
def test_a_forged_key_opens_nothing_and_is_not_written_into_the_log(
    forgery: str, gateway, caplog: pytest.LogCaptureFixture
) -> None:
    key = _forged()[forgery]
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    with caplog.at_level(logging.INFO):
        answer = httpx.post(url, content=HELLO, headers={b"Authorization": b"Bearer " + key.encode("latin-1")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "KeyRefused")
    assert key not in caplog.text
    assert gateway.balance().used == 0


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b'{"messages": "\xc3\x28"}', b'{"messages": [{"role": "user", "content": "\\udc00"}]}', b"\0"]
)
def test_broken_text_is_refused(body: bytes, gateway) -> None:
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    answer = httpx.post(url, content=body, headers={"Authorization": f"Bearer {gateway.key()}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "RequestRefused")


def test_a_client_that_reads_nothing_loses_its_place_and_pays_for_what_was_made(
    gateway, bounded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_READ_SECONDS", 0.5)
    wide = json.dumps(
        {"messages": [{"role": "user", "content": "w" * 20_000}], "max_tokens": 1000, "stream": True}
    ).encode()
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(bounded)
        line.sendall(head(gateway, len(wide)) + wide)
        until = time.monotonic() + 20
        while not (balance := gateway.balance()).used and time.monotonic() < until:
            time.sleep(0.05)
    assert (balance.used > 0, balance.reserved) == (True, 0)


def test_two_files_of_one_learner_are_read_at_once_and_no_third(gateway, bounded) -> None:
    url = path(gateway).replace("chat/completions", "ocr")
    start = f"POST {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key()}\r\nContent-Length: 900\r\n"
    begun = (start + "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n").encode()
    with socket.create_connection(bounded) as first, socket.create_connection(bounded) as second:
        for line in (first, second):
            line.sendall(begun)
        time.sleep(0.2)
        assert b"TooManyAtOnce" in answers(bounded, begun)


def test_a_client_that_reads_nothing_holds_up_nobody(gateway, bounded) -> None:
    slow = json.dumps({"messages": [{"role": "user", "content": "good"}], "max_tokens": 900, "stream": True}).encode()
    with socket.create_connection(bounded, timeout=5) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(head(gateway, len(slow)) + slow)
        for _ in range(3):
            heard = answers(bounded, head(gateway, len(HELLO), "Connection: close") + HELLO)
            assert heard.startswith(b"HTTP/1.1 200")
    assert gateway.settled().reserved == 0
