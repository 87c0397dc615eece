"""Downloads that go on, against a server that answers as the worst do."""

from pathlib import Path

import httpx
import pytest

from labkit.errors import OperatorError
from labkit.models.sources import Entry, ranged

CONTENT = bytes(range(256)) * 8
URL = "https://hub.example/A/M/file"
ENTRY = Entry("file", len(CONTENT))


class Server:
    """Answers with the next of `steps`, each given the request; keeps the Range of every one."""

    def __init__(self, *steps) -> None:
        self.steps, self.ranges = list(steps), []

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.ranges.append(request.headers.get("Range", ""))
        return self.steps.pop(0)(request)


def whole(_request) -> httpx.Response:
    return httpx.Response(200, content=CONTENT)


def rest(request) -> httpx.Response:
    begin = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
    return httpx.Response(206, content=CONTENT[begin:])


def first_half(_request) -> httpx.Response:
    return httpx.Response(200, content=CONTENT[: len(CONTENT) // 2])


def refuse_range(_request) -> httpx.Response:
    return httpx.Response(416)


def broken(request) -> httpx.Response:
    raise httpx.ReadError("cut", request=request)


def status(code: int):
    return lambda _request: httpx.Response(code)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(ranged, "PAUSE", 0.0)


@pytest.mark.parametrize(
    ("there", "steps", "ranges"),
    [
        (b"", [whole], [""]),
        (CONTENT[:100], [rest], ["bytes=100-"]),
        (b"", [first_half, rest], ["", f"bytes={len(CONTENT) // 2}-"]),
        (CONTENT[:100], [broken, broken, rest], ["bytes=100-"] * 3),
        (b"", [broken] * 4 + [whole], [""] * 5),
        # A server that knows no ranges sends all of it again: what was there must not stay before it.
        (CONTENT[:100], [whole], ["bytes=100-"]),
        (CONTENT[:100], [refuse_range, whole], ["bytes=100-", ""]),
        # What is there is longer than the file: it was another.
        (CONTENT + b"x", [whole], [""]),
        (CONTENT, [], []),
    ],
)
def test_what_is_there_is_gone_on_with(there, steps, ranges, tmp_path: Path):
    target = tmp_path / "file"
    if there:
        target.write_bytes(there)
    server, moved = Server(*steps), []
    with server.client() as http:
        ranged.download(http, URL, ENTRY, target, moved.append)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ranges and moved[-1] == len(CONTENT)


def test_an_empty_file_is_made_without_asking(tmp_path: Path):
    server = Server()
    with server.client() as http:
        ranged.download(http, URL, Entry("file", 0), tmp_path / "file", lambda done: None)
    assert (tmp_path / "file").read_bytes() == b""


def test_a_file_whose_size_is_not_told_is_taken_whole(tmp_path: Path):
    server = Server(whole)
    with server.client() as http:
        ranged.download(http, URL, Entry("file"), tmp_path / "file", lambda done: None)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_file_longer_than_its_hub_says_does_not_fill_the_disk(tmp_path: Path):
    server = Server(whole)
    with server.client() as http, pytest.raises(OperatorError, match="longer than its hub says"):
        ranged.download(http, URL, Entry("file", 10), tmp_path / "file", lambda done: None)


def test_five_tries_without_a_byte_are_enough(tmp_path: Path):
    server = Server(*[broken] * 9)
    with server.client() as http, pytest.raises(OperatorError, match=r"hub\.example does not answer \(cut\)"):
        ranged.download(http, URL, ENTRY, tmp_path / "file", lambda done: None)
    assert len(server.ranges) == 5


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (401, "private or gated"),
        (403, "private or gated"),
        (404, "has no file"),
        (429, "too many requests"),
        (500, "answered 500"),
    ],
)
def test_a_refusal_says_what_to_do_and_is_not_tried_again(code, complaint, tmp_path: Path):
    server = Server(status(code))
    with server.client() as http, pytest.raises(OperatorError, match=complaint) as refused:
        ranged.download(http, URL, ENTRY, tmp_path / "file", lambda done: None)
    assert refused.value.instead


def test_a_credential_does_not_follow_to_another_host():
    seen = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.url.host] = request.headers.get("Authorization")
        if request.url.host == "hub.example":
            return httpx.Response(302, headers={"Location": "https://storage.example/file"})
        return httpx.Response(200, content=CONTENT)

    with ranged.client({"Authorization": "Bearer secret"}) as http:
        http._transport = httpx.MockTransport(answer)
        http._mounts = {}
        http.get(URL)
    assert seen == {"hub.example": "Bearer secret", "storage.example": None}
