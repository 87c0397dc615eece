"""What a sandbox has put into a folder of the host, by looking: what comes and goes between two looks is not seen."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator, Iterator
from pathlib import Path

_LEAST = 4096  # an empty file is not free


def disk_mb(folder: Path, pid: int | None = None, *, most_mb: float = float("inf")) -> float:
    """Files below `folder`, and files of its disk that were deleted while a process of the tree under `pid` has them
    open. Stops counting beyond `most_mb`. A folder that cannot be looked into counts as beyond any limit.

    Not counted: a deleted file that is only mapped, or on its way between two processes.
    """
    total = 0.0
    with contextlib.closing(_sizes(folder, pid)) as sizes:
        for size in sizes:
            total += size / (1 << 20)
            if total > most_mb:
                break
    return total


def _sizes(folder: Path, pid: int | None) -> Generator[float]:
    try:
        disk = folder.stat().st_dev
    except FileNotFoundError:
        return
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(Path(entry.path))
                    with contextlib.suppress(FileNotFoundError):
                        yield max(entry.stat(follow_symlinks=False).st_blocks * 512, _LEAST)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            yield float("inf")
    if pid is not None:
        yield from _deleted(pid, disk)


def _deleted(pid: int, disk: int) -> Iterator[float]:
    from labkit.sandbox.running import tree

    seen: set[int] = set()
    for one in tree(pid):
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{one}/fd").iterdir():
                with contextlib.suppress(OSError):
                    found = file.stat()
                    gone = not found.st_nlink and stat.S_ISREG(found.st_mode) and found.st_dev == disk
                    if gone and found.st_ino not in seen:
                        seen.add(found.st_ino)
                        yield found.st_blocks * 512
