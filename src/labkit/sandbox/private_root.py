"""A root of its own for a mount namespace: what bubblewrap.py binds, by the kernel's own calls.

Called as the first process of new mount and pid namespaces, with the capability to mount there. What is made is
read-only but for the private places (/tmp, /dev/shm, home: each empty and bounded in size and files) and the binds that
say so; nothing of the old root stays reachable.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from labkit.sandbox import kernel, system
from labkit.sandbox.sandbox import Bind, Sandbox

_OLD = "/.old"
_QUIET = kernel.MS_NOSUID | kernel.MS_NODEV
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
# One for this many bytes of a private place: a million empty files are memory as well.
_BYTES_A_FILE = 1 << 14


@dataclass(frozen=True)
class _Mount:
    source: str
    target: str
    attributes: int


def enter(sandbox: Sandbox) -> None:
    """Makes the root and changes into it; raises OSError where the kernel refuses any part."""
    # Sources are followed now: an absolute link would lead elsewhere once the old root is not at / any more.
    machine = [_mount(Bind(path)) for path in (Path("/usr"), *_folders(), *_settings())]
    given = [_mount(bind) for bind in (*map(Bind, system.python()), *sandbox.binds)]
    links = {path: path.readlink() for path in system.merged() if path.is_symlink()}
    os.umask(0o022)
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", "/tmp", "tmpfs", _QUIET, "size=1m,mode=755")
    Path(f"/tmp{_OLD}").mkdir()
    kernel.pivot_root("/tmp", f"/tmp{_OLD}")
    os.chdir("/")
    for path, leads_to in links.items():
        path.symlink_to(leads_to)
    for one in machine:
        _bind(one)
    _devices()
    _private(sandbox)
    for one in given:
        _bind(one)
    kernel.unmount(_OLD)
    Path(_OLD).rmdir()
    for place in ("/dev", "/"):
        kernel.mount("none", place, "", _QUIET | kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY)


def _folders() -> list[Path]:
    return [path for path in system.merged() if not path.is_symlink()]


def _settings() -> list[Path]:
    return [path for path in system.settings() if path.exists()]


def _mount(bind: Bind) -> _Mount:
    attributes = kernel.ATTR_NOSUID | kernel.ATTR_NODEV | (0 if bind.writable else kernel.ATTR_RDONLY)
    return _Mount(os.path.realpath(bind.source, strict=True), bind.at, attributes)


def _bind(one: _Mount) -> None:
    source, target = f"{_OLD}{one.source}", Path(one.target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    kernel.mount(source, one.target, "", kernel.MS_BIND | kernel.MS_REC)
    if one.attributes:
        kernel.restrict_mount(one.target, one.attributes)


def _devices() -> None:
    for place, kind, options in (("/proc", "proc", ""), ("/dev", "tmpfs", "size=64k,mode=755")):
        Path(place).mkdir()
        kernel.mount(kind, place, kind, _QUIET | kernel.MS_NOEXEC, options)
    kernel.mount("none", "/proc", "", _QUIET | kernel.MS_NOEXEC | kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY)
    for name in _DEVICES:
        _bind(_Mount(f"/dev/{name}", f"/dev/{name}", 0))
    for name, leads_to in _LINKS.items():
        Path(f"/dev/{name}").symlink_to(leads_to)


def _private(sandbox: Sandbox) -> None:
    size = sandbox.limits.tmp_mb << 20
    for place in ("/tmp", "/dev/shm", sandbox.home):
        Path(place).mkdir(parents=True, exist_ok=True)
        options = f"size={size},nr_inodes={max(1024, size // _BYTES_A_FILE)},mode=1777"
        kernel.mount("tmpfs", place, "tmpfs", _QUIET, options)
