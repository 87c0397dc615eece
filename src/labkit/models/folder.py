"""A model's folder: it appears under its name in one rename, after everything in it is on the disk.

    HOME/models/ID/               the files, and manifest.json with SHA-256 and size of each, written last
    HOME/models/.ID.partial/      what a run that was cut short has left

A whole folder is recognised by its manifest and the sizes in it; `labkit.models.verify` reads every byte. Neither
guards against someone who may write there and forges the manifest too.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"

Progress = Callable[[str], None]


def read_manifest(home: Path) -> dict[str, Any]:
    """What the manifest says. Raises OSError or ValueError where it cannot be read."""
    manifest: dict[str, Any] = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
    return manifest


def is_whole(home: Path, layout: int) -> bool:
    """Whether the folder has a manifest of this layout, and every file of it with its size."""
    try:
        manifest = read_manifest(home)
        return manifest["layout"] == layout and all(
            (home / name).stat().st_size == entry["size"] for name, entry in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def seal(partial: Path, about: Mapping[str, Any], hashes: Mapping[str, str] | None = None) -> None:
    """Puts every file of `partial` on the disk and writes its manifest: `about`, and hash and size of each file.

    `hashes` are SHA-256 by path that are known already; a file that is not among them is read. Names that begin with
    a dot are a run's own notes and are left out.
    """
    (partial / MANIFEST).unlink(missing_ok=True)
    files = {}
    for path in sorted(path for path in partial.rglob("*") if path.is_file() and not path.name.startswith(".")):
        path.chmod(0o644)
        name = path.relative_to(partial).as_posix()
        files[name] = {"sha256": (hashes or {}).get(name) or digest(path), "size": path.stat().st_size}
        sync(path)
    (partial / MANIFEST).write_text(json.dumps({**about, "files": files}, indent=1), encoding="utf-8")
    sync(partial / MANIFEST)
    for folder in (*sorted(path for path in partial.rglob("*") if path.is_dir()), partial):
        sync(folder)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """A file, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone(folder: Path, progress: Progress, name: str = ".lock", waits: str = "preparing the model") -> Iterator[None]:
    """Two processes that would do this to one folder wait for each other; the lock dies with its process."""
    with (folder / name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"Another process is {waits}; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
