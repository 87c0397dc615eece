"""What an older Landlock leaves open is closed by the filter: the kernel's version is played down, one after another.

The rules are made as that version would; what it would not have known is then not asked of the kernel.
"""

import os
import socket
import subprocess
import time

import pytest

from labkit.sandbox import landlock

pytestmark = pytest.mark.sandbox
VERSIONS = [1, 2, 3, 4, 5, 6]


@pytest.fixture
def tier():
    return "landlock"


@pytest.fixture(params=VERSIONS)
def older(request, forked):
    before = f"import labkit.sandbox.landlock\nlabkit.sandbox.landlock.version = lambda: {request.param}"
    return lambda code, **words: forked(code, before=before, **words)


def test_this_kernel_has_landlock():
    assert landlock.version() >= 1


def test_a_process_outside_is_not_signalled(older, forked):
    process = subprocess.Popen([*forked.words, "/usr/bin/sleep", "60"])
    time.sleep(0.2)
    code = (
        "import fcntl, os, signal\n"
        f"pid = {process.pid}\n"
        "def owned():\n"
        "    reader, writer = os.pipe(); fcntl.fcntl(reader, 8, pid); fcntl.fcntl(reader, 10, 9)\n"
        "    fcntl.fcntl(reader, 4, 0o20000); os.write(writer, b'x')\n"
        "for attempt in (lambda: os.kill(pid, 9), lambda: os.kill(-1, 9), owned,\n"
        "                lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9)):\n"
        "    try: attempt()\n"
        "    except OSError: pass\n"
    )
    older(code)
    ended = process.poll()
    process.kill()
    process.wait()

    assert ended is None


def test_what_is_read_is_not_cut_short(older, outside):
    (outside / "given.txt").write_text("given")
    (outside / "given.txt").chmod(0o666)
    code = (
        "import os\n"
        "for attempt in (lambda: os.open('data/given.txt', os.O_RDONLY | os.O_TRUNC),\n"
        "                lambda: os.truncate('data/given.txt', 0)):\n"
        "    try: attempt(); print('got out')\n"
        "    except OSError: pass\n"
        "open('mine', 'w').write('mine'); open('mine', 'w').write('x'); os.rename('mine', 'yours')\n"
        "print(open('yours').read())"
    )
    ran = older(code, binds=[(str(outside), "/home/learner/data", False)])

    assert (ran.code, ran.out) == (0, "x\n"), ran
    assert (outside / "given.txt").read_text() == "given"


def test_no_address_and_no_abstract_socket_is_reached(older):
    name = f"labkit-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0{name}")
        abstract.listen()
        code = (
            "import socket\n"
            f"for attempt in (lambda: socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), timeout=2),\n"
            f"                lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + {name!r})):\n"
            "    try: attempt(); print('got out')\n"
            "    except OSError: pass\n"
        )
        assert older(code).out == ""


def test_subprocesses_and_a_crash_still_end(older):
    ran = older("import os, subprocess\nprint(subprocess.run(['/bin/true']).returncode, flush=True)\nos.abort()")

    assert ran.out == "0\n" and ran.code > 128, ran
