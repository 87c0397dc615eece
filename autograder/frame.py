"""Messages over a socket: four bytes of length, then JSON. Both sides bound what they read; nothing is unpickled.

Bounded are the bytes and the number of lists and objects: two bytes of brackets take a hundred in memory.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LARGEST = 32 << 20
MOST_PARTS = 4_000_000
_LENGTH = struct.Struct(">I")


class FrameError(Exception):
    """What came is not a message."""


def pack(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    if len(data) > LARGEST:
        raise FrameError("the message is too large")
    return _LENGTH.pack(len(data)) + data


def send(to: socket.socket, message: dict[str, Any]) -> None:
    to.sendall(pack(message))


def receive(source: socket.socket) -> dict[str, Any]:
    """The next message; EOFError where the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(source, _LENGTH.size))
    if length > LARGEST:
        raise FrameError("the message is too large")
    return parse(_exactly(source, length))


def parse(data: bytes, most_parts: int = MOST_PARTS) -> dict[str, Any]:
    if data.count(b"[") + data.count(b"{") > most_parts:
        raise FrameError("the message has too many parts")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise FrameError("the message is not JSON") from None
    if not isinstance(message, dict):
        raise FrameError("the message is not an object")
    return message


def _exactly(source: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = source.recv(min(size - len(data), 1 << 20))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


class Inbox:
    """Collects what comes in pieces, so that a sender who stops half-way blocks nobody."""

    def __init__(self, largest: int = LARGEST, most_parts: int = MOST_PARTS) -> None:
        self._data = bytearray()
        self._largest, self._most_parts = largest, most_parts

    def feed(self, data: bytes) -> None:
        self._data += data

    def next(self) -> dict[str, Any] | None:
        if len(self._data) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._data)
        if length > self._largest:
            raise FrameError("the message is too large")
        if len(self._data) < _LENGTH.size + length:
            return None
        body = bytes(self._data[_LENGTH.size : _LENGTH.size + length])
        del self._data[: _LENGTH.size + length]
        return parse(body, self._most_parts)
