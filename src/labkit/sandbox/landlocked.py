"""The landlock tier: entered after a fork, where no namespace can be made (a pod with the default profile).

Covers
  - files: the same things as in the other tiers are opened to be read; nothing is written but in one private folder,
    made for this child and removed with it. What another tier shows at /a/b is at FOLDER/a/b: HOME and TMPDIR point
    into it, a bind with another target is a link there (so `data` beside the notebook is `data` here too), and a bind
    that says so is written through it. A bind inside a bind is refused.
  - network: no socket can be made but a connected pair, so no address and no socket of the host is reached.
  - processes: no signal and no trace reaches a process outside; below Landlock's version 6 no signal is sent at all,
    not even to a child. A keeper outside the rules ends every descendant, daemons too, when the body or the process the
    caller knows has ended; should the keeper be killed, that process does it.
  - privilege: as root the child becomes `uid`, with no groups. No capabilities, no_new_privs, rlimits.
  - the kernel's surface: an allow-list of system calls, stricter than in a namespace. Modes and times of files cannot
    be changed; those calls answer that they did and do nothing.

Does NOT cover
  - that a file or a process of the host exists: names, sizes, owners and times are seen, contents are not.
  - disk: a file is bounded by `file_mb`, the folder only where somebody watches it (`watch`); files that were deleted
    and are held by a mapping alone are not counted.
  - the keeper and the process the caller knows killed in the same moment: what they kept goes on until its limits.
  - as an ordinary account, `processes` is counted with all others of that account; what of them ends makes room.
  - shared memory with a name (multiprocessing's locks, torch's loader processes): there is none.
  - a bind the child's account itself cannot reach; what the forking process held in memory and its command line;
    a kernel bug behind an allowed call; the processor's caches; time; memory of the whole tree, which `watch` samples.
"""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path
from typing import NoReturn

from labkit.errors import SandboxUnavailable
from labkit.sandbox import account, ending, kernel, landlock, seccomp, system
from labkit.sandbox.sandbox import Bind, Sandbox
from labkit.sandbox.tier import Entrance, Tier

_DEVICES = tuple(Path("/dev") / name for name in ("null", "zero", "full"))
_READ = ("/usr", "/dev/random", "/dev/urandom", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")
_PROCESSORS = "/sys/devices/system/cpu"


def prepare() -> None:
    if not landlock.version():
        raise SandboxUnavailable(
            "This kernel has no Landlock, or it is switched off.",
            instead="Linux 5.13 or newer with `landlock` among its security modules (lsm=) is needed.",
        )
    seccomp.program(_filter())
    system.python()


def enter(entrance: Entrance) -> NoReturn:
    """In the forked child: gives up what it may before anything else, then runs the body two processes further in."""
    account.yield_to_others(entrance.sandbox.limits)
    uid = entrance.sandbox.uid if os.geteuid() == 0 else None
    already = _tasks_of(os.getuid()) if uid is None else 0
    folder = entrance.scratch
    folder.mkdir(mode=0o700)
    try:
        if uid is not None:
            os.chown(folder, uid, uid)
        account.drop(uid, bounding=False)
        entrance.forker.end_with()  # the change of account undid it
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1, what="keep orphans")
        outer = ending.Watched()
        keeper = os.fork()
    except BaseException:
        folder.rmdir()
        raise
    if keeper == 0:
        _keep(entrance, already, outer)
    ending.close_all((2, entrance.forker.file))
    _stand_for(keeper, entrance.forker, folder)


def _stand_for(keeper: int, forker: ending.Watched, folder: Path) -> NoReturn:
    """The process the caller knows: ends as the keeper did, and does its work where it was killed."""
    if forker.ended():
        os._exit(1)
    select.select([os.pidfd_open(keeper), forker.file], [], [])
    ended, status = os.waitpid(keeper, os.WNOHANG)
    if ended and not os.WIFEXITED(status):
        ending.end_all()
        ending.remove(folder)
    os._exit(ending.code(status) if ended else 1)


def _keep(entrance: Entrance, already: int, outer: ending.Watched) -> NoReturn:
    """Outside the rules its child lives by, so that the child cannot touch it."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1, what="keep orphans")
    me = ending.Watched()
    inner = os.fork()
    if inner == 0:
        me.end_with()
        _confine(entrance.sandbox, already, entrance.scratch)
        kernel.install_filter(seccomp.program(_filter()))
        ending.close_all((0, 1, 2, *entrance.keep))
        entrance.body()
    ending.close_all((outer.file,))
    select.select([os.pidfd_open(inner), outer.file], [], [])
    ended, status = os.waitpid(inner, os.WNOHANG)
    ending.end_all()
    ending.remove(entrance.scratch)
    os._exit(ending.code(status) if ended else 1)


def _confine(sandbox: Sandbox, already: int, folder: Path) -> None:
    binds = [Bind(bind.source.resolve(strict=True), bind.at, bind.writable) for bind in sandbox.binds]
    _furnish(sandbox, binds, folder)
    os.chdir(_inside(folder, sandbox.cwd or sandbox.home))
    read = [*map(Path, (*_READ, _PROCESSORS)), *system.merged(), *system.settings(), *system.python()]
    read += [bind.source for bind in binds]
    landlock.restrict(read, [folder, *_DEVICES, *(bind.source for bind in binds if bind.writable)])
    account.limit(sandbox.limits, already=already)


def _furnish(sandbox: Sandbox, binds: list[Bind], folder: Path) -> None:
    for bind in binds:
        place = Path(f"{folder}{bind.at}")
        if Path(bind.at) == bind.source:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.parent.resolve().is_relative_to(folder.resolve()):
            raise OSError(f"{bind.at} lies inside another bind, which this tier cannot show")
        place.symlink_to(bind.source)
    for name, given in (("HOME", sandbox.home), ("TMPDIR", "/tmp")):
        place = Path(f"{folder}{given}")
        place.mkdir(parents=True, exist_ok=True)
        if os.environ.get(name) == given:
            os.environ[name] = str(place)


def _inside(folder: Path, path: str) -> Path:
    place = Path(f"{folder}{path}")
    return place if place.exists() else Path(path)


def _filter() -> seccomp.Filter:
    abi = landlock.version()
    return seccomp.Filter(
        sockets=False, signals=abi >= landlock.SCOPES, modes=False, truncating=abi >= landlock.TRUNCATE
    )


def _tasks_of(uid: int) -> int:
    """The kernel's limit counts every thread of the account, not of the sandbox."""
    counted = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == uid:
                counted += len(os.listdir(process / "task"))  # noqa: PTH208 - names are all that is needed
    return counted


TIER = Tier(
    "landlock",
    covers=(
        "files: programs and what is bound are read; only one private folder is written, and removed afterwards",
        "network: no socket but a connected pair, so nothing of the machine or beyond is reached",
        "processes: none outside is signalled or traced; daemons end with the child",
        "privilege: an account of its own under root, no capabilities, no_new_privs, limits",
        "kernel: Landlock and an allow-list of system calls",
    ),
    does_not_cover=(
        "that files and processes of the machine exist is seen",
        "disk is sampled, not bounded by a mount",
        "named shared memory (multiprocessing's locks) does not work",
        "an ordinary account's process limit counts its other processes too",
        "what the forking process holds in memory, kernel bugs, time",
    ),
    prepare=prepare,
    enter=enter,
)
