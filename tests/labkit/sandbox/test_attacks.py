"""Each property the sandbox claims, attacked; once started as root and once as an ordinary account."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.sandbox.running import tree

pytestmark = pytest.mark.sandbox


def test_it_runs_python_with_what_is_installed(inside):
    ran = inside("import labkit.errors, numpy; print(numpy.arange(3).sum())")

    assert (ran.code, ran.out, ran.ended_for) == (0, "3\n", ""), ran.err


def test_no_address_is_reached_loopback_included(inside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = inside(f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=2)")

    assert ran.code != 0
    assert "OSError" in ran.err or "ConnectionRefused" in ran.err


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/etc/passwd", "/root", "/var", "/proc/1/root/etc/shadow", "/home/someone", "/boot"]
)
def test_nothing_of_the_machine_is_read(inside, path):
    ran = inside(f"import os; print(os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read())")

    assert ran.code != 0
    assert "FileNotFoundError" in ran.err or "PermissionError" in ran.err


def test_another_persons_file_is_not_there(inside, tmp_path):
    other = tmp_path / "another.ipynb"
    other.write_text("her work")

    assert "FileNotFoundError" in inside(f"open({str(other)!r})").err


@pytest.mark.parametrize("place", ["/usr/x", "/etc/x", "/x", "/dev/x", "/proc/sys/kernel/hostname"])
def test_nothing_of_the_system_is_written(inside, place):
    assert inside(f"open({place!r}, 'w').write('x')").code != 0


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm", "."])
def test_private_places_are_writable_and_bounded(inside, place):
    fill = f"import os\nfor i in range(12):\n    with open(f'{place}/big{{i}}', 'wb') as f: f.write(bytes(1 << 20))\n"
    ran = inside(fill, tmp_mb=8)

    assert "No space left" in ran.err


def test_a_file_beyond_the_limit_is_not_written(inside):
    assert inside("open('/tmp/big', 'wb').write(bytes(3 << 20))", file_mb=1, tmp_mb=16).code != 0


def test_the_environment_is_cleared(inside):
    ran = inside("import os; print(sorted(os.environ))", env={"GIVEN": "1"})

    assert "SECRET_TOKEN" not in ran.out
    assert "GIVEN" in ran.out


def test_it_is_never_root_outside(inside, tmp_path):
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:-2]:
        parent.chmod(0o755)
    inside("open('/shared/mark', 'w')", binds=[(str(tmp_path), "/shared", True)])

    assert (tmp_path / "mark").stat().st_uid != 0


def test_it_holds_no_privilege(inside):
    code = "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNewPrivs'))])"
    ran = inside(code)

    assert ran.out.strip() == str(["0" * 16] * 5 + ["1"]), ran.err


@pytest.mark.parametrize("attempt", ["os.setuid(0)", "os.chroot('/tmp')", "os.setgroups([0])", "os.nice(-5)"])
def test_privileged_calls_are_refused(inside, attempt):
    ran = inside(f"import os; {attempt}; print('done')")

    assert "done" not in ran.out
    assert "PermissionError" in ran.err or "OSError" in ran.err


def test_no_other_process_is_seen(inside):
    ran = inside("import os; print(len([n for n in os.listdir('/proc') if n.isdigit()]))")

    assert int(ran.out) <= 4


def test_a_fork_bomb_is_bounded_and_ended(inside):
    bomb = """
import os, time
n = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        n += 1
except OSError:
    print(n)
"""
    ran = inside(bomb, processes=20)

    assert 0 < int(ran.out) <= 20


def test_a_memory_hog_is_ended(inside):
    hog = "import time\nhold = []\nwhile True:\n    hold.append(bytearray(8 << 20)); time.sleep(0.01)"

    assert inside(hog, memory_mb=150).ended_for == "memory"


def test_many_small_processes_together_are_a_memory_hog_too(inside):
    hog = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        hold = bytearray(b'x' * (40 << 20))
        time.sleep(60)
time.sleep(60)
"""
    assert inside(hog, memory_mb=200).ended_for == "memory"


def test_one_process_cannot_take_more_than_its_data_limit(inside):
    assert "MemoryError" in inside("bytearray(300 << 20)", data_mb=100).err


def test_sleeping_for_ever_is_ended(inside):
    begun = time.monotonic()

    assert inside("import time; time.sleep(60)", seconds=1).ended_for == "time"
    assert time.monotonic() - begun < 10


def test_ignoring_every_signal_does_not_help(inside):
    code = "import signal, time\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)"

    assert inside(code, seconds=1).ended_for == "time"


def test_burning_cpu_is_ended(inside):
    assert inside("while True: pass", cpu_seconds=1).code != 0


def test_a_daemon_left_behind_is_ended(inside):
    name = f"daemon-{time.time_ns()}"
    daemon = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        os.execv(sys.executable, ['{name}', '-c', 'import time; time.sleep(60)'])\n"
        "    os._exit(0)\n"
        "time.sleep(0.3)\n"
    )
    assert inside(daemon).code == 0
    time.sleep(0.2)
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)]

    assert not [line for line in running if line.startswith(name.encode())]


def test_binds_are_read_only_unless_said_otherwise(inside, tmp_path):
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        parent.chmod(0o777)
    (tmp_path / "given.txt").write_text("given")
    ran = inside("print(open('/data/given.txt').read()); open('/data/x', 'w')", binds=[(str(tmp_path), "/data", False)])

    assert ran.out == "given\n"
    assert "Read-only file system" in ran.err


def test_the_launchers_end_is_the_sandboxs_end(as_launcher):
    code = (
        "import subprocess, sys, time\nfrom labkit.sandbox import Sandbox, start\n"
        "running = start(Sandbox(), [sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(running.process.pid, flush=True)\ntime.sleep(60)\n"
    )
    launcher = subprocess.Popen([*as_launcher, sys.executable, "-c", code], stdout=subprocess.PIPE)
    pid = int(launcher.stdout.readline())
    # bubblewrap asks for the signal just after it has started a child; a launcher that dies before is not covered.
    started = time.monotonic() + 30
    while not any("python" in _name(one) for one in tree(pid)) and time.monotonic() < started:
        time.sleep(0.01)
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not _alive(pid)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    """A zombie is dead: where nobody collects orphans, its entry stays."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
