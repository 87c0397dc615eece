"""Calls a warm child has no business with, and processes outside that it may not touch."""

import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox

# Each with arguments that do nothing where it is allowed.
CALLS = {
    "unshare": (0,), "setns": (-1, 0), "mount": (0, 0, 0, 0, 0), "umount2": (0, 0), "pivot_root": (0, 0),
    "open_tree": (-1, 0, 0), "move_mount": (-1, 0, -1, 0, 0), "fsopen": (0, 0), "fsmount": (-1, 0, 0),
    "mount_setattr": (-1, 0, 0, 0, 0), "chroot": (0,), "ptrace": (16, 1, 0, 0),
    "process_vm_readv": (1, 0, 0, 0, 0, 0), "process_vm_writev": (1, 0, 0, 0, 0, 0), "kcmp": (1, 1, 0, 0, 0),
    "pidfd_getfd": (-1, 0, 0), "keyctl": (0, -3, 0), "add_key": (0, 0, 0, 0, 0), "request_key": (0, 0, 0, 0),
    "bpf": (99, 0, 0), "perf_event_open": (0, 0, -1, -1, 0), "userfaultfd": (1,), "io_uring_setup": (1, 0),
    "io_uring_enter": (-1, 0, 0, 0, 0), "io_uring_register": (-1, 0, 0, 0), "kexec_load": (0, 99, 0, 0),
    "kexec_file_load": (-1, -1, 0, 0, 0), "init_module": (0, 0, 0), "finit_module": (-1, 0, 0),
    "delete_module": (0, 0), "open_by_handle_at": (-1, 0, 0), "name_to_handle_at": (-1, 0, 0, 0, 0),
    "quotactl": (0, 0, 0, 0), "swapon": (0, 0), "swapoff": (0,), "reboot": (0, 0, 0, 0), "clock_settime": (0, 0),
    "settimeofday": (1, 0), "adjtimex": (0,), "acct": (1,), "personality": (0xFFFFFFFF,), "syslog": (99, 0, 0),
    "memfd_create": (0, 0), "memfd_secret": (0,), "shmget": (0, 4096, 0o1600), "msgget": (0, 0o1600),
    "semget": (0, 1, 0o1600), "mq_open": (0, 0, 0, 0), "inotify_init1": (0,), "fanotify_init": (0, 0),
    "clone3": (0, 0), "seccomp": (99, 0, 0), "landlock_create_ruleset": (0, 0, 1), "migrate_pages": (1, 0, 0, 0),
    "move_pages": (1, 0, 0, 0, 0, 0), "vmsplice": (-1, 0, 0, 0), "sethostname": (0, 0), "ioprio_set": (1, 1, 0),
}  # fmt: skip


def test_calls_that_are_not_on_the_list_are_refused(forked):
    code = forked.calls + (
        f"for name, words in {CALLS!r}.items():\n"
        "    try: call(name, *words); print(name)\n"
        "    except OSError as error:\n"
        "        if error.errno not in (errno.EPERM, errno.ENOSYS): print(name, error)\n"
    )
    ran = forked(code)

    assert (ran.code, ran.out) == (0, ""), ran


def test_the_same_calls_are_known_to_this_kernel_without_the_filter():
    """Else the test above could not fail."""
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "number = ctypes.CDLL('libseccomp.so.2').seccomp_syscall_resolve_name\n"
        "for name, words in {'unshare': (0,), 'inotify_init1': (0,), 'personality': (0xffffffff,), "
        "'shmget': (0, 4096, 0o1600), 'memfd_create': (id(b'x'), 0)}.items():\n"
        "    got = libc.syscall(ctypes.c_long(number(name.encode())), *map(ctypes.c_long, words))\n"
        "    if name == 'shmget': libc.shmctl(got, 0, None)\n"
        "    print(got >= 0)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["True"] * 5


@pytest.mark.parametrize("flag", [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000])
def test_no_namespace_is_made_by_a_clone_either(forked, flag):
    child = "if libc.syscall(ctypes.c_long(number(b'clone')), ctypes.c_long(FLAG | 17), 0, 0, 0, 0) >= 0: print('made')"
    ran = forked(forked.calls + child.replace("FLAG", str(flag)) + "\nprint(ctypes.get_errno())")

    assert ran.out == "1\n", ran


def test_nothing_is_typed_into_a_terminal(forked):
    ran = forked("import fcntl\ntry: fcntl.ioctl(0, 0x5412, b'x')\nexcept OSError as error: print(error.errno)")

    assert ran.out == "1\n", ran


def test_calls_of_another_architecture_end_the_process(forked):
    """x32 on x86_64; elsewhere such a number is just not on the list."""
    ran = forked(forked.calls + "call_number = 0x40000000 | 39\nprint(libc.syscall(ctypes.c_long(call_number)))")

    assert (ran.code, ran.out) == ((128 + 31, "") if platform.machine() == "x86_64" else (0, "-1\n")), ran


@pytest.fixture
def bystander(forked):
    """A process of the launcher's own account, outside."""
    process = subprocess.Popen([*forked.words, "/usr/bin/sleep", "60"])
    time.sleep(0.2)
    yield process.pid
    assert process.poll() is None, "it was ended"
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "attempt",
    [
        "os.kill(pid, 9)",
        "os.kill(-1, 9)",
        "os.kill(os.getppid() or pid, 15)",
        "signal.pidfd_send_signal(os.pidfd_open(pid), 9)",
        "resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0))",
        "os.setpriority(os.PRIO_PROCESS, pid, 19)",
        "os.setpriority(os.PRIO_USER, 0, 19)",
        "os.sched_setaffinity(pid, {0})",
        "open(f'/proc/{pid}/environ', 'rb').read()[:1].decode()[0]",
        "open(f'/proc/{pid}/mem', 'rb')",
        "open(f'/proc/{pid}/cmdline', 'rb').read()[:1].decode()[0]",
        "os.readlink(f'/proc/{pid}/cwd')",
        "fcntl.fcntl(os.pipe()[0], 8, pid)",
    ],
)
def test_a_process_outside_is_not_touched(forked, bystander, attempt):
    ran = forked(f"import fcntl, os, resource, signal; pid = {bystander}\n{attempt}\nprint('got out')")
    status = Path(f"/proc/{bystander}/stat").read_text().rpartition(")")[2].split()
    limits = Path(f"/proc/{bystander}/limits").read_text()

    # A signal to everybody is sent without an error, to nobody; one to its own parent has no effect on that.
    assert "got out" not in ran.out or "getppid" in attempt or "-1, 9" in attempt, ran
    assert status[16] == "0" and limits.split("Max cpu time")[1].split()[0] == "unlimited"


def test_no_other_process_is_listed(forked):
    ran = forked("import os; print(len([n for n in os.listdir('/proc') if n.isdigit()]))")

    assert ran.code == 70 if forked.tier == "landlock" else int(ran.out) <= 2, ran


def test_a_group_signal_does_not_reach_those_that_watch(forked):
    ran = forked("import os, signal\nsignal.signal(15, signal.SIG_IGN)\nos.killpg(0, 15)\nprint('lives')")

    assert (ran.code, ran.out) == (0, "lives\n"), ran
