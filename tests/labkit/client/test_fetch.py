"""A file that is fetched is there whole or not at all; tried against a real server, which may break off."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from labkit import errors
from labkit.client.transport import HttpTransport, Place

PATH = "/v1/fine_tuning/jobs/ftjob-1/adapter?format=peft"
CONTENT = bytes(range(256)) * 4096  # a MiB, so that it comes in pieces


class Server(ThreadingHTTPServer):
    """Gives out keys; what else is asked for, `answer` says, after `refusals` refused keys."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: Callable[[Handler], None] = lambda handler: handler.give(200, CONTENT)
        self.keys, self.refusals = 0, 0
        self.asked: list[tuple[str, dict[str, str]]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is what some of these tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert self.path.endswith("/labs/prompting/triage/key")
        self.server.keys += 1
        key = {"key": f"key-{self.server.keys}", "expires_at": "2999-01-01T00:00:00+00:00"}
        self.give(200, json.dumps(key).encode())

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.server.refusals:
            self.server.refusals -= 1
            self.refuse(401, "KeyRefused", "Expired.")
        else:
            self.server.answer(self)

    def give(self, status: int, content: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.give(status, json.dumps({"error": {"code": code, "message": message}}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def transport(server: Server, tmp_path: Path) -> Iterator[HttpTransport]:
    with httpx.Client(trust_env=False) as client:
        place = Place("prompting", "triage", tmp_path)
        yield HttpTransport(f"http://127.0.0.1:{server.server_port}", "hub-token", place, client)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder / "model.zip"


def broken(handler: Handler) -> None:
    """Promises more than it sends."""
    handler.give(200, CONTENT[:70_000], length=len(CONTENT))
    handler.close_connection = True


def broken_in_pieces(handler: Handler) -> None:
    """Says of no piece that it is the last, as a gateway whose own source breaks."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n" % (70_000, CONTENT[:70_000]))
    handler.close_connection = True


def silent(handler: Handler) -> None:
    handler.close_connection = True


def in_pieces(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for at in range(0, len(CONTENT), 100_000):
        piece = CONTENT[at : at + 100_000]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def refused(status: int, code: str, message: str) -> Callable[[Handler], None]:
    return lambda handler: handler.refuse(status, code, message)


@pytest.mark.parametrize("answer", [lambda handler: handler.give(200, CONTENT), in_pieces], ids=["whole", "in pieces"])
def test_what_lies_there_becomes_the_file_to_the_byte_and_nothing_else(server, transport, target, answer):
    server.answer = answer
    transport.fetch(PATH, target)

    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]
    ((path, headers),) = server.asked
    assert path == f"/services/gateway/labs/prompting/triage{PATH}"
    assert (headers["authorization"], headers["x-labkit-strict"]) == ("Bearer key-1", "1")


def test_it_is_written_as_it_comes(server, transport, target):
    """Larger than memory, if it is: the first piece lies on the disk before the last one is sent."""
    seen: list[bool] = []

    def slowly(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:-1])
        for _ in range(3000):  # until it is there, or never will be
            if any(path.stat().st_size for path in target.parent.iterdir()):
                break
            time.sleep(0.01)
        else:
            return
        seen.append(target.exists())
        handler.wfile.write(CONTENT[-1:])

    server.answer = slowly
    transport.fetch(PATH, target)

    assert seen == [False]
    assert target.read_bytes() == CONTENT


BROKEN: dict[str, tuple[Callable[[Handler], None], type[errors.LabkitError], str]] = {
    "the line breaks": (broken, errors.ModelUnavailable, "did not answer"),
    "the line breaks between pieces": (broken_in_pieces, errors.ModelUnavailable, "did not answer"),
    "nothing comes": (silent, errors.ModelUnavailable, "did not answer"),
    "her mistake": (
        refused(400, "RequestRefused", "This training has no model yet."),
        errors.RequestRefused,
        "no model yet",
    ),
    "our fault": (
        refused(503, "PlatformFault", "Your model's files are not there."),
        errors.PlatformFault,
        "files are not there",
    ),
    "a proxy's page": (lambda handler: handler.give(502, b"<html>Bad gateway"), errors.PlatformFault, "answered 502"),
}


@pytest.mark.parametrize("before", [None, b"an older one"], ids=["no file", "an older file"])
@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_off_leaves_the_folder_as_it_was_and_has_a_name(
    server: Server, transport: HttpTransport, target: Path, case: str, before: bytes | None
):
    server.answer, kind, said = BROKEN[case]
    if before is not None:
        target.write_bytes(before)

    with pytest.raises(kind, match=said) as told:
        transport.fetch(PATH, target)
    assert type(told.value) is kind
    assert [path.read_bytes() for path in target.parent.iterdir()] == ([] if before is None else [before])


def test_a_platform_that_is_not_there_is_named(transport, server, target):
    server.shutdown()
    server.server_close()

    with pytest.raises(errors.ModelUnavailable, match="did not answer"):
        transport.fetch(PATH, target)
    assert list(target.parent.iterdir()) == []


def test_a_key_that_has_expired_is_renewed_once(server, transport, target):
    server.refusals = 1
    transport.fetch(PATH, target)

    assert target.read_bytes() == CONTENT
    assert [headers["authorization"] for _, headers in server.asked] == ["Bearer key-1", "Bearer key-2"]


def test_a_key_that_is_refused_again_is_refused(server, transport, target):
    server.refusals = 3
    with pytest.raises(errors.KeyRefused):
        transport.fetch(PATH, target)

    assert len(server.asked) == 2
    assert list(target.parent.iterdir()) == []


def test_who_interrupts_it_keeps_no_half_file(server, transport, target, monkeypatch):
    class Interrupted(type(target)):  # type: ignore[misc]
        """A file on which the third piece is met by Ctrl-C."""

        def open(self, *given: Any, **more: Any) -> Any:
            file = super().open(*given, **more)
            pieces, write = iter(range(3)), file.write

            class Pieces:
                def __enter__(self) -> Pieces:
                    return self

                def __exit__(self, *_: object) -> None:
                    file.close()

                def write(self, piece: bytes) -> int:
                    if next(pieces) == 2:
                        raise KeyboardInterrupt
                    return int(write(piece))

            return Pieces()

    with pytest.raises(KeyboardInterrupt):
        transport.fetch(PATH, Interrupted(target))
    assert list(target.parent.iterdir()) == []


def test_a_folder_that_is_not_there_is_her_computers_word_and_nothing_is_written(server, transport, tmp_path):
    with pytest.raises(FileNotFoundError):
        transport.fetch(PATH, tmp_path / "nowhere" / "model.zip")
    assert list(tmp_path.iterdir()) == []
