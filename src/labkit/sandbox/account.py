"""Gives up what a process may do beyond an ordinary one: groups, uid, capabilities, privileges by exec; sets limits."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from labkit.sandbox import kernel
from labkit.sandbox.sandbox import Limits

_MB = 1 << 20


def drop(uid: int | None, *, bounding: bool = True) -> None:
    """Becomes `uid` with no groups (root only), without capabilities, for good. `bounding`: insist that the bounding
    set is emptied; an ordinary account outside a user namespace may not, and no_new_privs holds there alone."""
    try:
        kernel.empty_bounding_set()
    except PermissionError:
        if bounding:
            raise
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        # As an exec would have left it: without, the child may not look at its own /proc/self.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="look at oneself")
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no_new_privs")


def limit(limits: Limits, *, already: int = 0) -> None:
    """`already`: processes of this account that are not the sandbox's, where the kernel counts them with it."""
    wanted = {
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_DATA: limits.data_mb * _MB,
        resource.RLIMIT_FSIZE: limits.file_mb * _MB,
        resource.RLIMIT_NPROC: limits.processes and limits.processes + already,
        resource.RLIMIT_NOFILE: limits.files,
    }
    for kind, value in wanted.items():
        if value:
            _lower(kind, value)
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_MSGQUEUE, resource.RLIMIT_RTPRIO):
        _lower(kind, 0)


def yield_to_others(limits: Limits) -> None:
    """Before `drop`: others go first, for the processor and when memory runs out."""
    if limits.nice:
        os.nice(limits.nice)
    if limits.yields_memory:
        Path("/proc/self/oom_score_adj").write_text("500")


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))
