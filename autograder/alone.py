"""One at a time with a folder, among threads and processes of this machine; a process that dies lets go."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until nobody else is in here for `folder`. Not covered: shared disks without locks."""
    with (folder / ".alone").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
