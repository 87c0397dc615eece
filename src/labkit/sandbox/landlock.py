"""Landlock's rules by path, for every version (ABI) the kernel may have.

Covers, from version 1: opening files to read, write or execute; listing, making and removing. Reading or tracing a
process outside. 2: renaming and linking from one folder to another inside a writable one. 3: truncating. 4: no TCP port
is bound or connected to. 5: ioctl on devices. 6: no signal and no abstract unix socket reaches a process outside.

Does NOT cover: that a path exists, its size, owner and times; changing mode, owner, times and attributes; unix sockets
with a path; inotify; UDP. Below version 2 nothing is renamed or linked from one folder to another. What a lower version
leaves open is closed by the seccomp filter, which needs to be asked for it (`seccomp.Filter`).
"""

from __future__ import annotations

import contextlib
import functools
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from labkit.sandbox import kernel

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# How many rights on files each version knows.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_MOST_RIGHTS = 16
_TCP = 0b11
_SCOPES = 0b11
_ASK_VERSION, _PATH_BENEATH = 1, 1
REFER, TRUNCATE, TCP, SCOPES = 2, 3, 4, 6


@functools.cache
def version() -> int:
    """The kernel's ABI; 0 where there is no Landlock, or it is not switched on."""
    with contextlib.suppress(OSError):
        return kernel.syscall(kernel.LANDLOCK_CREATE, None, 0, _ASK_VERSION, what="ask for Landlock")
    return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """From now on this process and what it starts open nothing else. A path that does not exist is passed over.

    no_new_privs must have been set; raises OSError where the kernel refuses.
    """
    abi = version()
    rights = (1 << _RIGHTS.get(abi, _MOST_RIGHTS)) - 1
    attributes = struct.pack("=Q", rights)
    attributes += struct.pack("=Q", _TCP) if abi >= TCP else b""
    attributes += struct.pack("=Q", _SCOPES) if abi >= SCOPES else b""
    rules = kernel.syscall(kernel.LANDLOCK_CREATE, attributes, len(attributes), 0, what="make Landlock's rules")
    try:
        for path in readable:
            _allow(rules, path, _READ)
        for path in writable:
            _allow(rules, path, rights)
        kernel.syscall(kernel.LANDLOCK_RESTRICT, rules, 0, what="enter Landlock's rules")
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        known = (1 << _RIGHTS.get(version(), _MOST_RIGHTS)) - 1
        rights &= known if path.is_dir() else known & _OF_A_FILE
        rule = struct.pack("=Qi", rights, file)
        kernel.syscall(kernel.LANDLOCK_ADD, rules, _PATH_BENEATH, rule, 0, what=f"Landlock's rule for {path}")
    finally:
        os.close(file)
