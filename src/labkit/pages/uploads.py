"""Files between their upload and what is done with them: an officer reads a roster's plan before she applies it.

Each is its uploader's alone and gone after an hour; they hold people's data, so nobody else's account reads them.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

SECONDS = 3600
_ID = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True)
class Upload:
    name: str
    content: bytes


class Uploads:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, owner: str, name: str, content: bytes) -> str:
        """Keeps the file for its owner; gives the id she finds it by."""
        self.sweep()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        upload = secrets.token_urlsafe(24)
        with os.fdopen(os.open(self._path(owner, upload), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(name.encode("utf-8", "replace").replace(b"\n", b" ")[:200] + b"\n" + content)
        return upload

    def find(self, owner: str, upload: str) -> Upload | None:
        """Her file, if it is hers and not too old."""
        if not _ID.fullmatch(upload):
            return None
        try:
            path = self._path(owner, upload)
            if path.stat().st_mtime < time.time() - SECONDS:
                return None
            name, _, content = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        return Upload(name.decode("utf-8", "ignore"), content)

    def drop(self, owner: str, upload: str) -> None:
        if _ID.fullmatch(upload):
            self._path(owner, upload).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Deletes what is too old."""
        for path in self._folder.glob("*.upload"):
            try:
                if path.stat().st_mtime < time.time() - SECONDS:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _path(self, owner: str, upload: str) -> Path:
        return self._folder / f"{owner}.{upload}.upload"
