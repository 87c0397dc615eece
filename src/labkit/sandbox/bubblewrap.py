"""The bubblewrap tier: a command line of `bwrap`, `setpriv`, `env` and `prlimit`.

Covers
  - mounts: only /usr, the Python that runs this (its prefix, its virtual environment, the `labkit` package), single
    files of /etc, and what the sandbox binds; everything read-only but the binds that say so. /tmp, /dev/shm and home
    are private, empty and bounded in size, and vanish with the last process.
  - processes: private pid, ipc, uts and (unless `network`) net namespaces: no other process is seen or signalled, no
    address is reached, loopback included. When the first process ends, every other one is killed.
  - privilege: started as root, no user namespace is made (a uid there would still be root outside); the child is
    dropped to `uid`, an unprivileged account of the host, with no groups. Started as an ordinary account, a user
    namespace maps uid 1000 to that account. Either way: no capabilities, empty bounding set, no_new_privs.
  - environment cleared; a new session, so that no terminal can be typed into; rlimits on cpu, data, file size,
    processes, open files; no core dumps; where asked, a lower rank for the processor and the first place in line
    when the machine runs out of memory.

Does NOT cover
  - the kernel's own surface: there is no seccomp filter and no Landlock here, and a child may make further user
    namespaces. A kernel bug is not held.
  - a launcher that dies in the milliseconds before bubblewrap has asked to die with it leaves the sandbox running.
  - memory and wall-clock time: rlimits hold one process at a time. `start` watches the whole tree; a command line
    started without it is not watched.
  - what is bound writable: its size is the host's to bound.
  - time itself: a child reads the clock and can be timed, and the CPU cache is shared.
  - started as an ordinary account, files of that very account are kept out only by not being mounted.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit.errors import SandboxUnavailable
from labkit.sandbox import system
from labkit.sandbox.sandbox import Bind, Limits, Sandbox
from labkit.sandbox.tier import Tier

_MB = 1 << 20
# What `setpriv` itself needs in order to drop the rest.
_DROPPING = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


def argv(
    sandbox: Sandbox, command: Sequence[str], *, root: bool | None = None, info_fd: int | None = None
) -> list[str]:
    """The whole command line. `root` says who will start it (by default: who asks)."""
    root = os.geteuid() == 0 if root is None else root
    return [
        _program("bwrap"),
        *(() if info_fd is None else ("--info-fd", str(info_fd))),
        *_namespaces(sandbox, root),
        *_system(sandbox.network),
        *_private(sandbox),
        *(word for folder in system.python() for word in _bound(Bind(folder))),
        *(word for bind in sandbox.binds for word in _bound(bind)),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/"),
        "--",
        *(_drop(sandbox.uid) if root else ()),
        # Only now: a root without its capabilities may not enter a folder that is another account's alone.
        *(_program("env"), "-C", sandbox.cwd or sandbox.home),
        *_yielding(sandbox.limits),
        *_rlimits(sandbox.limits),
        *_door(sandbox.door),
        *command,
    ]


def _namespaces(sandbox: Sandbox, root: bool) -> list[str]:
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "lab"]
    words += ["--new-session", "--cap-drop", "ALL"]
    words += [] if sandbox.network else ["--unshare-net"]
    words += ["--die-with-parent"] if sandbox.die_with_parent else []
    if root:
        return words + [word for name in _DROPPING for word in ("--cap-add", name)]
    return [*words, "--unshare-user", "--uid", "1000", "--gid", "1000"]


def _system(network: bool) -> list[str]:
    words = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    for path in system.merged():
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        else:
            words += ["--ro-bind", str(path), str(path)]
    words += ["--perms", "0755", "--dir", "/etc"]
    for path in system.settings(network):
        words += ["--ro-bind-try", str(path), str(path)]
    return words


def _private(sandbox: Sandbox) -> list[str]:
    size = str(sandbox.limits.tmp_mb * _MB)
    places = ("/tmp", "/dev/shm", sandbox.home)
    return [word for place in places for word in ("--perms", "1777", "--size", size, "--tmpfs", place)]


def _bound(bind: Bind) -> list[str]:
    """A bind, and before it the folders it stands in: bubblewrap would make those for root alone."""
    parents = [str(parent) for parent in reversed(Path(bind.at).parents)][1:]
    words = [word for parent in parents for word in ("--perms", "0755", "--dir", parent)]
    return [*words, "--bind" if bind.writable else "--ro-bind", str(bind.source), bind.at]


def environment(sandbox: Sandbox) -> dict[str, str]:
    """The whole environment of whoever starts the command line. Not words of it: every account of the host reads
    those, and tokens are among these."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    given = {"HOME": sandbox.home, "USER": "learner", "PATH": path, "LANG": "C.UTF-8", "TMPDIR": "/tmp"}
    return {**given, **sandbox.env}


def _drop(uid: int) -> list[str]:
    ids = ["--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
    return [_program("setpriv"), *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"]


def _rlimits(limits: Limits) -> list[str]:
    values = {
        "cpu": limits.cpu_seconds,
        "data": limits.data_mb * _MB,
        "fsize": limits.file_mb * _MB,
        "nproc": limits.processes,
        "nofile": limits.files,
    }
    return [_program("prlimit"), "--core=0", *(f"--{name}={value}" for name, value in values.items() if value), "--"]


def _yielding(limits: Limits) -> list[str]:
    """Never the other way: without capabilities a process may lower its own rank, not raise it."""
    words = [_program("nice"), "-n", str(limits.nice)] if limits.nice else []
    return [*words, _program("choom"), "-n", "500", "--"] if limits.yields_memory else words


def _door(door: tuple[int, str] | None) -> list[str]:
    """socat joins the port to the socket, and is started again should it end; then comes the command itself."""
    if door is None:
        return []
    port, socket = door
    join = f"socat TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,max-children=64 UNIX-CONNECT:{socket}"
    _program("socat")
    return [_program("sh"), "-c", f'while :; do {join} 2>/dev/null; sleep 1; done & exec "$@"', "sh"]


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    if found is None:
        package = {"bwrap": "bubblewrap", "env": "coreutils", "nice": "coreutils", "socat": "socat"}.get(
            name, "util-linux"
        )
        raise SandboxUnavailable(
            f"{name} is not installed, and untrusted code runs in no other way.", instead=f"apt-get install {package}"
        )
    return found


@functools.cache
def probe() -> None:
    """Runs a throwaway child; refuses, with bubblewrap's own words, where it cannot."""
    tried = subprocess.run(
        argv(Sandbox(), [sys.executable, "-S", "-c", ""]),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=environment(Sandbox()),
    )
    if tried.returncode:
        reason = tried.stderr.strip().splitlines()[-1:] or [f"it ended with {tried.returncode}"]
        raise SandboxUnavailable(
            f"bubblewrap cannot make a sandbox here: {reason[0]}.",
            instead="Nothing untrusted is run. Allow unprivileged user namespaces, or start as root.",
        )


TIER = Tier(
    "bubblewrap",
    covers=(
        "files: a root of its own with programs and what is bound; private places are bounded and vanish",
        "network: none but one door, unless the host's was asked for",
        "processes: none outside is seen or signalled; daemons end with the first process",
        "privilege: an account of its own under root, no capabilities, empty bounding set, no_new_privs, limits",
    ),
    does_not_cover=(
        "the kernel's surface: no filter of system calls, no Landlock, further user namespaces can be made",
        "what is bound writable is not bounded in size",
        "as an ordinary account there is no other account behind the walls",
        "kernel bugs, time",
    ),
)
