"""Files kept by the SHA-256 of their bytes: written once, never changed, deleted when nobody's any more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from labkit import durable


class Blobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        durable.make_folder(folder)

    def put(self, content: bytes) -> str:
        """Keeps `content`, on the disk before this returns; gives its SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        durable.make_folder(path.parent)
        if path.exists():
            # Whoever wrote it may have died, or be about to, before its name was on the disk.
            durable.sync_folder(path.parent)
        else:
            durable.write(path, content, 0o400)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes; raises FileNotFoundError, or ValueError if the disk changed them."""
        content = self._path(digest).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"the kept file {digest} is damaged")
        return content

    def has(self, digest: str) -> bool:
        return self._path(digest).exists()

    def all(self) -> Iterator[str]:
        """The SHA-256 of every kept file."""
        for path in self._folder.glob("??/*"):
            if not path.name.startswith("."):
                yield path.name

    def delete(self, digest: str) -> bool:
        """Whether there was one. Only for `labkit.submissions.unused`, which knows that nobody refers to it."""
        path = self._path(digest)
        if not path.exists():
            return False
        path.unlink()
        durable.sync_folder(path.parent)
        return True

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest
