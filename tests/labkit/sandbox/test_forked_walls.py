"""What a forked child reads, writes and reaches, attacked in every tier that is entered after a fork."""

import ast
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/passwd", "/root", "/var/log", "/home", "/boot", "/proc/1/root/etc/shadow", "/proc/1/fd"],
)
def test_nothing_of_the_machine_is_read(forked, path):
    ran = forked(
        f"import os; found = os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read()\n"
        "assert found not in ([], ['learner'], ['0', '1', '2']); print('got out', found)"
    )

    assert ran.code == 70 and not ran.out, ran


def test_another_learners_file_is_not_read_though_everybody_may(forked, outside):
    (outside / "hers.ipynb").write_text("her work")
    path = str(outside / "hers.ipynb")
    tries = [
        f"open({path!r}).read()",
        f"import os; os.listdir({str(outside)!r})",
        f"import os; os.link({path!r}, 'mine'); open('mine').read()",
        f"import os; os.symlink({path!r}, 'mine'); open('mine').read()",
        f"import os; os.rename({path!r}, 'mine'); open('mine').read()",
        f"import subprocess; subprocess.run(['/bin/cat', {path!r}], check=True, stdout=1)",
    ]
    for attempt in tries:
        ran = forked(f"{attempt}\nprint('got out')")
        assert ran.code == 70 and not ran.out, (attempt, ran)
    assert (outside / "hers.ipynb").read_text() == "her work"


@pytest.mark.parametrize("place", ["/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/hostname", "/var/tmp/x"])
def test_nothing_of_the_machine_is_written(forked, place):
    assert forked(f"open({place!r}, 'w').write('x')").code == 70
    assert not Path("/var/tmp/x").exists()


@pytest.mark.parametrize(
    "attempt",
    [
        "open(path, 'w').write('x')",
        "os.truncate(path, 0)",
        "os.open(path, os.O_RDONLY | os.O_TRUNC)",
        "os.chmod(path, 0)",
        "os.utime(path, (0, 0))",
        "os.chown(path, os.getuid(), -1)",
        "os.setxattr(path, 'user.mark', b'x')",
        "os.unlink(path)",
        "os.rename(path, path + 'x')",
        "open(path + '-new', 'w')",
        "os.mkdir(path + '-new')",
        "os.mkfifo(path + '-new')",
    ],
)
def test_a_file_outside_stays_as_it_was(forked, outside, attempt):
    owned = subprocess.run(
        [*forked.words, sys.executable, "-c", f"open({str(outside / 'kept')!r}, 'w').write('kept')"], check=True
    )
    before = (outside / "kept").stat()
    forked(f"import os; path = {str(outside / 'kept')!r}\n{attempt}")
    after = (outside / "kept").stat()

    assert owned.returncode == 0 and [path.name for path in outside.iterdir()] == ["kept"]
    assert (after.st_mode, after.st_mtime_ns, after.st_uid, after.st_size) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_uid,
        4,
    )
    assert os.listxattr(outside / "kept") == []


def test_a_file_that_is_read_but_not_written_keeps_its_mode_and_length(forked, outside):
    """Bound to be read, and the account's own: no call around the open changes it."""
    (outside / "given.txt").write_text("given")
    (outside / "given.txt").chmod(0o666)
    code = (
        "import os\n"
        "for attempt in (lambda: os.open('data/given.txt', os.O_RDONLY | os.O_TRUNC), lambda: os.truncate("
        "'data/given.txt', 0), lambda: os.fchmod(os.open('data/given.txt', os.O_RDONLY), 0)):\n"
        "    try: attempt()\n"
        "    except OSError: pass\n"
        "print(open('data/given.txt').read())"
    )
    ran = forked(code, binds=[(str(outside), "/home/learner/data", False)])

    assert ran.out == "given\n", ran
    assert stat.S_IMODE((outside / "given.txt").stat().st_mode) == 0o666


def test_data_beside_the_notebook_is_read_and_not_written(forked, outside):
    (outside / "given.txt").write_text("given")
    code = "print(open('data/given.txt').read())\nopen('data/x', 'w')"
    ran = forked(code, binds=[(str(outside), "/home/learner/data", False)])

    assert (ran.code, ran.out) == (70, "given\n"), ran
    assert [path.name for path in outside.iterdir()] == ["given.txt"]


def test_a_bind_that_says_so_is_written_by_an_unprivileged_account(forked, outside):
    ran = forked("open('shared/mark', 'w').write('x')", binds=[(str(outside), "/home/learner/shared", True)])

    assert ran.code == 0, ran
    assert (outside / "mark").stat().st_uid != 0


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', port), timeout=2)",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', port))",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(38)",
        "socket.socket(40)",
        "socket.socket(socket.AF_UNIX).connect(chr(0) + name)",
        "socket.socket(socket.AF_UNIX).connect(path)",
        "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.sendto(b'x', chr(0) + name + '-datagrams')",
        "a, b = socket.socketpair(); a.connect(chr(0) + name)",
    ],
)
def test_nothing_is_reached_by_a_socket(forked, outside, attempt):
    name = f"labkit-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams,
    ):
        abstract.bind(f"\0{name}")
        datagrams.bind(f"\0{name}-datagrams")
        named.bind(str(outside / "door"))
        (outside / "door").chmod(0o777)
        abstract.listen()
        named.listen()
        known = f"port, name, path = {server.getsockname()[1]}, {name!r}, {str(outside / 'door')!r}"
        ran = forked(f"import socket\n{known}\n{attempt}\nprint('got out')")
        datagrams.setblocking(False)
        with pytest.raises(BlockingIOError):
            datagrams.recv(1)

    assert ran.code == 70 and not ran.out, ran


def test_a_pair_of_connected_sockets_works(forked):
    ran = forked("import socket\na, b = socket.socketpair()\na.sendall(b'x')\nprint(b.recv(1))")

    assert ran.out == "b'x'\n", ran


def test_the_environment_is_the_sandboxs_and_the_first_one_is_wiped(forked):
    code = (
        "import glob, os\nprint(sorted(os.environ))\n"
        "for path in ['/proc/self/environ', *glob.glob('/proc/[0-9]*/environ')]:\n"
        "    try: print(open(path, 'rb').read().strip(bytes(1)))\n"
        "    except OSError: pass\n"
    )
    ran = forked(code, env={"GIVEN": "1"})

    assert "SECRET_TOKEN" not in ran.out and "hush" not in ran.out
    assert "'GIVEN'" in ran.out and "b''" in ran.out, ran


def test_only_the_descriptors_that_were_kept_are_open(forked):
    code = "import os\nopened = []\nfor file in range(256):\n    try: os.fstat(file); opened.append(file)\n"
    ran = forked(code + "    except OSError: pass\nprint(opened == [0, 1, 2, kept])")

    assert ran.out == "True\n", ran


def test_a_setuid_program_gives_nothing(forked, outside):
    """Owned by whoever started the test: root, where it can be."""
    program = outside / "id"
    shutil.copy("/usr/bin/id", program)
    program.chmod(0o4755)
    code = "import os, subprocess\nprint(os.getuid(), subprocess.run(['tools/id', '-u'], capture_output=True).stdout)"
    ran = forked(code, binds=[(str(outside), "/home/learner/tools", False)])
    uid = ran.out.split()[0]

    assert uid != "0" and ran.out == f"{uid} b'{uid}\\n'\n", ran


def test_it_holds_no_privilege(forked, launcher):
    code = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNewPrivs', 'Seccomp:'))])"
    inheritable, permitted, effective, bounding, ambient, *rest = ast.literal_eval(forked(code).out)

    assert {inheritable, permitted, effective, ambient} == {"0" * 16}
    assert rest == ["1", "2"]
    # Outside a user namespace an ordinary account may not empty the bounding set: no_new_privs holds there alone.
    assert bounding == "0" * 16 or (forked.tier == "landlock" and launcher == "started as an ordinary account")


@pytest.mark.parametrize("attempt", ["os.setuid(0)", "os.chroot('.')", "os.setgroups([0])", "os.nice(-5)"])
def test_privileged_calls_are_refused(forked, attempt):
    ran = forked(f"import os; {attempt}; print('got out')")

    assert ran.code == 70 and not ran.out, ran
