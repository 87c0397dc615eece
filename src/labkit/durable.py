"""Files that are on the disk, whole and under their name, before a function returns.

A file's own sync does not make its name survive a power cut: its folder must be synced too, and that folder's name in
its own folder. What this does not cover: a disk that says it has written and has not.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write(path: Path, content: bytes, mode: int = 0o644, owner: int | None = None) -> None:
    """Puts `content` at `path` in place of what was there, whole or not at all, with `mode` from its first moment.

    As root it may be given to another account, `owner`, before it has its name.
    """
    fresh = _beside(path, content, mode, owner)
    try:
        fresh.rename(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def create(path: Path, content: bytes, mode: int = 0o644) -> bool:
    """As `write`, but only where nothing is; False if somebody was first, and then it is theirs that stays."""
    fresh = _beside(path, content, mode)
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        return False
    finally:
        fresh.unlink()
        sync_folder(path.parent)
    return True


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Makes a folder and those above it that are missing; their names are on the disk."""
    if not path.parent.is_dir():
        make_folder(path.parent)
    path.mkdir(mode=mode, exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Every name in the folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path, content: bytes, mode: int, owner: int | None = None) -> Path:
    """The content, synced, under a name nobody knows."""
    fresh = path.parent / f".{secrets.token_hex(8)}"
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            if owner is not None:
                os.fchown(file.fileno(), owner, owner)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh
