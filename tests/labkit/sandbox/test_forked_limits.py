"""Limits of a forked child, attacked: memory, disk, processes, time, files."""

import time

import pytest

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize("place", ["os.environ['TMPDIR']", "os.environ['HOME']", "'.'"])
def test_private_places_are_writable_and_bounded(forked, place):
    fill = f"import os, time\nfor i in range(40):\n    open({place} + f'/big{{i}}', 'wb').write(bytes(1 << 20))\n"
    ran = forked(fill + "time.sleep(30)", tmp_mb=8)

    assert not ran.left_a_folder
    assert ran.ended_for == "disk" if forked.tier == "landlock" else "No space left" in ran.err, ran


BOMBS = {
    "deleted but open": "held = []\n"
    "while True: held.append(open('x', 'wb')); os.unlink('x'); held[-1].write(bytes(1 << 20))",
    "a million empty files": "for i in range(1_000_000): open(str(i), 'w').close()",
    "in folders nobody may list": "os.mkdir('d', 0o300)\n"
    "while True: open(f'd/{time.time()}', 'wb').write(bytes(1 << 20))",
    "below many folders": "while True: os.mkdir('d'); os.chdir('d'); open('x', 'wb').write(bytes(1 << 20))",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_disk_bomb_is_bounded_however_it_hides(forked, bomb):
    ran = forked(f"import os, time\n{BOMBS[bomb]}", tmp_mb=8, files=200)

    assert not ran.left_a_folder
    assert ran.ended_for == "disk" if forked.tier == "landlock" else ran.code == 70, ran


def test_a_folder_without_permissions_is_removed_all_the_same(forked):
    code = "import os\nos.makedirs('a/b'); open('a/b/c', 'w').close(); os.mkdir('d', 0); os.symlink('/etc', 'a/b/etc')"

    assert not forked(code).left_a_folder


def test_a_file_beyond_the_limit_is_not_written(forked):
    assert forked("open('big', 'wb').write(bytes(3 << 20))", file_mb=1).code == 70


def test_a_fork_bomb_is_bounded_and_ended(forked):
    bomb = (
        "import os, time\nn = 0\n"
        "try:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n        n += 1\n"
        "except OSError:\n    print(n)\n"
    )
    begun = time.monotonic()
    ran = forked(bomb, processes=20)

    assert 0 < int(ran.out) <= 20 and time.monotonic() - begun < 20, ran


def test_a_memory_hog_is_ended(forked):
    hog = "import time\nhold = []\nwhile True:\n    hold.append(bytearray(b'x' * (8 << 20))); time.sleep(0.01)"

    assert forked(hog, memory_mb=150).ended_for == "memory"


def test_many_small_processes_together_are_a_memory_hog_too(forked):
    hog = "import os, time\nfor _ in range(8):\n    if os.fork() == 0: hold = bytearray(b'x' * (40 << 20)); break\n"

    assert forked(hog + "time.sleep(60)", memory_mb=200).ended_for == "memory"


def test_what_the_forking_process_holds_is_not_counted_once_for_each_process(forked):
    """Three processes share it; summed as if each had its own it would be three times the limit."""
    ran = forked("import time; time.sleep(0.5)", before="held = bytearray(b'x' * (300 << 20))", memory_mb=400)

    assert (ran.code, ran.ended_for) == (0, ""), ran


def test_one_process_cannot_take_more_than_its_data_limit(forked):
    assert "MemoryError" in forked("bytearray(600 << 20)", data_mb=400).err


def test_sleeping_for_ever_is_ended(forked):
    begun = time.monotonic()

    assert forked("import time; time.sleep(60)", seconds=1).ended_for == "time"
    assert time.monotonic() - begun < 20


def test_ignoring_every_signal_does_not_help(forked):
    code = "import signal, time\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)"

    assert forked(code, seconds=1).ended_for == "time"


def test_a_child_that_stops_itself_is_ended(forked):
    assert forked("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", seconds=1).ended_for == "time"


def test_burning_cpu_is_ended(forked):
    assert forked("while True: pass", cpu_seconds=1).code == 128 + 9


def test_a_crash_leaves_no_core(forked):
    code = (
        "import os, resource\nprint(resource.getrlimit(resource.RLIMIT_CORE))\n"
        "pid = os.fork()\nif pid == 0: os.abort()\n"
        "print(os.WCOREDUMP(os.waitpid(pid, 0)[1]), [n for n in os.listdir('.') if 'core' in n])"
    )

    assert forked(code).out == "(0, 0)\nFalse []\n"


def test_limits_are_not_raised_again(forked):
    code = "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (4000, 4000)); print('got out')"

    assert forked(code).code == 70


def test_who_yields_has_a_lower_rank(forked):
    code = "import os; print(os.getpriority(os.PRIO_PROCESS, 0), open('/proc/self/oom_score_adj').read())"

    assert forked(code, nice=10, yields_memory=True).out.split() == ["10", "500"]
