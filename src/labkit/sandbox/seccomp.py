"""The allow-list of system calls, compiled by libseccomp (which apt itself needs, so Debian and Ubuntu have it).

Covers: what is not on the list answers EPERM: new namespaces, mounts, ptrace and reading another process's memory,
keyrings, bpf, perf, userfaultfd, io_uring, kernel modules, handles of files, quotas, swap, clocks, accounting,
personalities, inotify, System V and POSIX message queues and shared memory (they outlive a process), memory that is in
no process's account (memfd), typing into a terminal, limits and ranks of other processes. Of sockets there are unix
ones only, and with `sockets=False` only connected stream pairs: no call that names an address is left. Calls of another
architecture (x32 and 32-bit included) end the process. What is newer than this list answers ENOSYS, clone3 too, so that
the C library takes the older way.

Does NOT cover: what the allowed calls themselves do. A filter sees numbers, never paths or what a pointer points to.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from dataclasses import dataclass

from labkit.errors import SandboxUnavailable
from labkit.sandbox import calls
from labkit.sandbox.calls import Argument

_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_ON_OTHER_ARCHITECTURE, _OPTIMIZE = 2, 8
_UNKNOWN = -1


@dataclass(frozen=True)
class Filter:
    """`sockets`: unix sockets by name. `signals`: sending any. `modes`: changing modes and times of files (where not,
    the calls answer that they did and do nothing). `truncating`: truncating by path, or a file opened to read."""

    sockets: bool = True
    signals: bool = True
    modes: bool = True
    truncating: bool = True


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("how", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


@functools.cache
def program(asked: Filter) -> bytes:
    """The filter's instructions. Made once, by the process that forks: installing them is then one call."""
    library = _library()
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | errno.EPERM))
    if not context.value:
        raise SandboxUnavailable("libseccomp makes no filter here.", instead="Nothing untrusted is run.")
    try:
        _must(library.seccomp_attr_set(context, _ON_OTHER_ARCHITECTURE, _KILL_PROCESS), "other architectures")
        library.seccomp_attr_set(context, _OPTIMIZE, 2)  # a tree instead of a list; an old libseccomp has the list
        for name in calls.allowed(asked.sockets, asked.signals, asked.modes, asked.truncating):
            _rule(library, context, _ALLOW, name)
        for name, conditions in calls.conditional(asked.sockets, asked.truncating):
            _rule(library, context, _ALLOW, name, conditions)
        for call, answer in calls.answered(asked.modes, asked.truncating):
            _rule(library, context, _ERRNO | answer, call)
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


@functools.cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as missing:
        raise SandboxUnavailable(
            "libseccomp is not installed, and no warm child runs without its filter.",
            instead="apt-get install libseccomp2",
        ) from missing
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    library.seccomp_release.restype = None
    return library


def _rule(
    library: ctypes.CDLL, context: ctypes.c_void_p, action: int, name: str | int, conditions: tuple[Argument, ...] = ()
) -> None:
    number = name if isinstance(name, int) else library.seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN:
        return  # newer than this libseccomp, so not allowed
    compared = [_Comparison(one.place, one.how, one.first, one.second) for one in conditions]
    array = (_Comparison * len(compared))(*compared)
    code = library.seccomp_rule_add_array(context, action, number, len(compared), array)
    # A call this architecture never had cannot be made: nothing is missing from the filter.
    if code and number >= 0:
        _must(code, str(name))


def _exported(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    file = os.memfd_create("filter", os.MFD_CLOEXEC)
    try:
        _must(library.seccomp_export_bpf(context, file), "export")
        return os.pread(file, os.fstat(file).st_size, 0)
    finally:
        os.close(file)


def _must(code: int, what: str) -> None:
    if code:
        raise SandboxUnavailable(
            f"libseccomp refuses a rule ({what}): {os.strerror(-code)}.", instead="Nothing untrusted is run."
        )
