"""The namespaces tier: entered after a fork, with a root, processes, a network and ipc of its own.

Covers
  - files: the same things as bubblewrap.py binds are there and nothing else, read-only but what says otherwise; /tmp,
    /dev/shm and home are private, empty, bounded in size and number of files, and vanish with the last process.
  - processes: a pid namespace whose first process ends with the forked one: daemons die with it. No process outside is
    seen, signalled or traced. ipc and host name are private.
  - network: none at all, loopback included: no socket but unix ones is made, in a network namespace of its own.
  - privilege: as root no user namespace is made and the child becomes `uid` of the host, with no groups; as an
    ordinary account a user namespace maps uid 1000 to it. No capabilities, an empty bounding set, no_new_privs,
    rlimits.
  - the kernel's surface: an allow-list of system calls (seccomp.py), and Landlock as a second wall around files,
    signals and abstract sockets, where the kernel has it (landlock.py).

Does NOT cover
  - what the forking process held in memory: a fork reads it all. It must hold no secret. Its command line, too.
  - a kernel bug behind an allowed call; the processor's caches; time.
  - memory and wall clock of the whole tree, which `watch` samples; buffers of pipes and sockets are in no account.
  - what is bound writable: its size is the host's to bound.
  - as an ordinary account, files of that very account are kept out by mounts and Landlock, not by their owner.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NoReturn

from labkit.sandbox import account, ending, kernel, landlock, private_root, seccomp, system
from labkit.sandbox.tier import Entrance, Tier

_OURS = kernel.NEWNS | kernel.NEWPID | kernel.NEWNET | kernel.NEWIPC | kernel.NEWUTS | kernel.NEWCGROUP
_UID_INSIDE = 1000
_WRITABLE = ("/tmp", "/dev/shm", "/dev/null", "/dev/zero", "/dev/full")


def prepare() -> None:
    """What is made once, in the process that forks."""
    seccomp.program(seccomp.Filter())
    landlock.version()
    system.python()


def enter(entrance: Entrance) -> NoReturn:
    """In the forked child: runs the body two processes further in, and ends as that one ended."""
    root = os.geteuid() == 0
    account.yield_to_others(entrance.sandbox.limits)
    _unshare(root)
    me = ending.Watched()
    first = os.fork()
    if first == 0:
        me.end_with()
        _first(entrance, entrance.sandbox.uid if root else None, me)
    ending.close_all((2, entrance.forker.file))
    account.drop(entrance.sandbox.uid if root else None)
    ending.wait_outside(first, entrance.forker)


def _first(entrance: Entrance, uid: int | None, outer: ending.Watched) -> NoReturn:
    """Process 1. It is confined like the body itself, so that nothing is gained by turning on it."""
    sandbox = entrance.sandbox
    socket.sethostname("lab")
    private_root.enter(sandbox)
    account.drop(uid)
    outer.end_with()  # the change of account undid it
    os.chdir(sandbox.cwd or sandbox.home)
    if landlock.version():
        binds = [bind.at for bind in sandbox.binds if bind.writable]
        landlock.restrict([Path("/")], map(Path, (*_WRITABLE, sandbox.home, *binds)))
    account.limit(sandbox.limits)
    kernel.install_filter(seccomp.program(seccomp.Filter()))
    inner = os.fork()
    if inner == 0:
        ending.close_all((0, 1, 2, *entrance.keep))
        entrance.body()
    ending.close_all(())
    ending.reap_until(inner)


def _unshare(root: bool) -> None:
    if root:
        return kernel.unshare(_OURS)
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(_OURS | kernel.NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_UID_INSIDE} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_UID_INSIDE} {gid} 1")
    return None


TIER = Tier(
    "namespaces",
    covers=(
        "files: a root of its own with programs and what is bound; private places are bounded and vanish",
        "network: none, loopback included",
        "processes: none outside is seen, signalled or traced; daemons end with the child",
        "privilege: an account of its own under root, no capabilities, empty bounding set, no_new_privs, limits",
        "kernel: an allow-list of system calls, and Landlock where the kernel has it",
    ),
    does_not_cover=(
        "what the forking process holds in memory",
        "kernel bugs behind allowed calls, time, buffers of pipes and sockets",
        "what is bound writable is not bounded in size",
        "as an ordinary account there is no other account behind the walls",
    ),
    prepare=prepare,
    enter=enter,
)
