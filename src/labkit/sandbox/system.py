"""What of the machine every sandbox sees: programs, the libraries' settings, and the Python that runs this."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import labkit

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("ld.so.cache", "localtime", "mime.types", "alternatives", "nsswitch.conf", "fonts")
_ETC_NETWORK = ("resolv.conf", "hosts", "ssl")


def settings(network: bool = False) -> tuple[Path, ...]:
    """Single files of /etc: never all of it."""
    return tuple(Path("/etc") / name for name in (*_ETC, *(_ETC_NETWORK if network else ())))


def merged() -> tuple[Path, ...]:
    """/bin, /lib and their like: links into /usr on a merged system, folders on others."""
    return tuple(path for path in (Path("/") / name for name in MERGED) if path.is_symlink() or path.is_dir())


@functools.cache
def python() -> tuple[Path, ...]:
    """The prefix and virtual environment of this Python, and the package itself where it is not installed in them."""
    folders = [Path(sys.prefix), Path(sys.base_prefix), Path(labkit.__file__).parent]
    folders += [folder.resolve() for folder in folders]
    chosen: list[Path] = []
    for folder in sorted(set(folders)):
        if not any(folder.is_relative_to(other) for other in (Path("/usr"), *chosen)):
            chosen.append(folder)
    return tuple(chosen)
