"""Files kept by the SHA-256 of their bytes: written once, never changed."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


class Blobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        """Keeps `content`, on the disk before this returns; gives its SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(exist_ok=True)
        fresh = path.parent / f".{secrets.token_hex(8)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        for folder in (path.parent, self._folder):
            _sync(folder)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes; raises FileNotFoundError, or ValueError if the disk changed them."""
        content = self._path(digest).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"the kept file {digest} is damaged")
        return content

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
