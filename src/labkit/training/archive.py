"""A zip file that is made while it is read: its files are stored as they are, and about a piece of it is in memory.

Each has one fixed time and is its owner's to read and write: the same files are the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO

PIECE = 2**20  # bytes


class _Written:
    """What `zipfile` has written and nobody has taken. It cannot be sought in, so sizes stand behind each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, content: bytes) -> int:
        self._pieces.append(bytes(content))
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return taken


def archive(files: Mapping[str, bytes | BinaryIO]) -> Iterator[bytes]:
    """Pieces of a zip file of these, by name; an open file is read from where it stands to its end."""
    written = _Written()
    with zipfile.ZipFile(written, "w") as whole:  # type: ignore[call-overload]  # it only writes and flushes
        for name, content in files.items():
            source = io.BytesIO(content) if isinstance(content, bytes) else content
            with whole.open(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), "w") as target:
                while piece := source.read(PIECE):
                    target.write(piece)
                    if written.size >= PIECE:
                        yield written.take()
    yield written.take()
