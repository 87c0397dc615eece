"""Which system calls a warm child may make. seccomp.py says what follows from the list.

Chosen from what CPython, numpy, pandas, torch, sqlite and programs of /usr/bin were seen to ask for, and what they may
ask for on another kernel or architecture.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.sandbox import kernel

_NE, _EQ, _MASKED = 1, 4, 7
_WORD = 0xFFFF_FFFF


@dataclass(frozen=True)
class Argument:
    """One condition on the argument at `place`: libseccomp's comparison `how` with one or two numbers."""

    place: int
    how: int
    first: int
    second: int = 0


_FILES = """
access chdir close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64 fallocate
fchdir fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 getcwd getdents getdents64
getxattr fgetxattr lgetxattr listxattr flistxattr llistxattr link linkat lseek _llseek lstat lstat64 mkdir mkdirat mknod
mknodat newfstatat pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename
renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs statfs64 statx symlink symlinkat sync_file_range
tee umask unlink unlinkat write writev
"""
_TRUNCATING = "open openat openat2 truncate truncate64"
_MODES = "chmod fchmod fchmodat futimesat utime utimensat utimes"
_MEMORY = """
brk get_mempolicy madvise membarrier mincore mlock mlock2 mmap mmap2 mprotect mremap msync munlock munmap
"""
_PROCESSES = """
arch_prctl execve exit exit_group fork get_robust_list getcpu getegid getegid32 geteuid geteuid32 getgid getgid32
getgroups getgroups32 getpgid getpgrp getpid getppid getpriority getresgid getresgid32 getresuid getresuid32 getrlimit
getrusage getsid gettid getuid getuid32 pidfd_open restart_syscall rseq sched_get_priority_max sched_get_priority_min
sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_yield set_robust_list
set_tid_address setpgid setrlimit setsid sysinfo times ugetrlimit uname vfork wait4 waitid waitpid
"""
_WAITING = """
alarm clock_getres clock_gettime clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2
epoll_wait eventfd eventfd2 futex futex_waitv getitimer getrandom gettimeofday nanosleep pause pipe pipe2 poll ppoll
pselect6 rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait select _newselect
setitimer sigaltstack signalfd signalfd4 sigreturn time timer_create timer_delete timer_getoverrun timer_gettime
timer_settime timerfd_create timerfd_gettime timerfd_settime
"""
_SIGNALS = "kill pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo tgkill tkill"
_CONNECTED = "getpeername getsockname getsockopt recvfrom recvmmsg recvmsg sendmmsg sendmsg sendto setsockopt shutdown"
_NAMED = "accept accept4 bind connect listen"

_NAMESPACES = (
    kernel.NEWNS | kernel.NEWCGROUP | kernel.NEWUTS | kernel.NEWIPC | kernel.NEWUSER | kernel.NEWPID | kernel.NEWNET
)
_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET, _SOCK_FLAGS = 1, 1, 5, 0o2004000
_O_ACCMODE, _O_WRONLY, _O_RDWR, _O_TRUNC = 3, 1, 2, 0o1000
# Terminals asked how large they are, non-blocking, close-on-exec, how much is to be read, cloning a file's blocks.
_IOCTL = (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x4004_9409, 0x4020_940D, 0x8008_6601)
# Duplicating, flags, locks, the size of a pipe: nothing that makes the kernel signal somebody.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 9, 36, 37, 38, 1030, 1031, 1032)
# Death signal, dumpable, keep-capabilities asked, name, bounding set asked, timer slack, subreaper, no-new-privs,
# huge pages, and names of memory.
_PRCTL = (1, 2, 3, 4, 7, 15, 16, 21, 23, 29, 30, 36, 37, 38, 39, 41, 42, 0x5356_4D41)
# Ours and nobody else's: 0 is "this process" (for setpriority the second argument).
_OWN = "prlimit64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler"
_NEWEST_KNOWN, _LAST = 452, 547
_CLONE3 = 435


def allowed(sockets: bool, signals: bool, modes: bool, truncating: bool) -> Iterator[str]:
    """Allowed whatever the arguments."""
    groups = [_FILES, _MEMORY, _PROCESSES, _WAITING, _CONNECTED]
    groups += [_NAMED] if sockets else []
    groups += [_SIGNALS] if signals else []
    groups += [_MODES] if modes else []
    groups += [_TRUNCATING] if truncating else []
    for group in groups:
        yield from group.split()


def conditional(sockets: bool, truncating: bool) -> Iterator[tuple[str, tuple[Argument, ...]]]:
    """Allowed where every condition holds; a name may come more than once."""
    yield "clone", (Argument(0, _MASKED, _NAMESPACES, 0),)
    for name, place, values in (
        ("ioctl", 1, _IOCTL),
        ("fcntl", 1, _FCNTL),
        ("fcntl64", 1, _FCNTL),
        ("prctl", 0, _PRCTL),
    ):
        for value in values:
            yield name, (Argument(place, _MASKED, _WORD, value),)
    for name in _OWN.split():
        yield name, (Argument(0, _MASKED, _WORD, 0),)
    yield "setpriority", (Argument(0, _MASKED, _WORD, 0), Argument(1, _MASKED, _WORD, 0))
    yield from _sockets(sockets)
    if not truncating:
        yield from _opening()


def _sockets(named: bool) -> Iterator[tuple[str, tuple[Argument, ...]]]:
    family = Argument(0, _MASKED, _WORD, _AF_UNIX)
    if named:
        yield "socket", (family,)
        yield "socketpair", (family,)
        return
    # A pair of datagrams could still be sent to any address.
    for kind in (_SOCK_STREAM, _SOCK_SEQPACKET):
        yield "socketpair", (family, Argument(1, _MASKED, _WORD & ~_SOCK_FLAGS, kind))


def _opening() -> Iterator[tuple[str, tuple[Argument, ...]]]:
    for name, place in (("open", 1), ("openat", 2)):
        yield name, (Argument(place, _MASKED, _O_TRUNC, 0),)
        for how in (_O_WRONLY, _O_RDWR):
            yield name, (Argument(place, _MASKED, _O_ACCMODE | _O_TRUNC, how | _O_TRUNC),)


def answered(modes: bool, truncating: bool) -> Iterator[tuple[str | int, int]]:
    """What is refused with an error of its own, or (0) passed over in silence."""
    yield _CLONE3, errno.ENOSYS
    yield "memfd_create", errno.ENOSYS
    for number in range(_NEWEST_KNOWN, _LAST):
        yield number, errno.ENOSYS
    if not truncating:
        yield "openat2", errno.ENOSYS  # its flags are behind a pointer
    if not modes:
        yield from ((name, 0) for name in _MODES.split())
