"""The zygotes: what they hold, what their children hold, and what happens when one is lost."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from autograder.grade import grade, grader_notebook
from autograder.warm import NotWarm, Warm
from labkit.courses import load_course, load_text, notebook
from labkit.sandbox import Sandbox
from labkit.sandbox.process import children
from labkit.sandbox.running import tree

pytestmark = pytest.mark.sandbox


@pytest.fixture
def own():
    """Zygotes of this test's own, to be hurt."""
    with Warm() as kept:
        yield kept


def graded(make_lab, warm, answer="def clip(x, low, high):\n    return max(low, min(high, x))\n"):
    lab = make_lab()
    built = grader_notebook(lab)
    built["cells"][0]["source"] = answer
    return grade(lab, built, learner="ana", lane=None, warm=warm)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids) -> bool:
    until = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, pids))


def test_one_zygote_serves_a_profile(make_lab, own):
    assert graded(make_lab, own).score == 5
    first = own.pids()
    assert graded(make_lab, own).score == 5

    assert own.pids() == first
    assert set(first) == {"light"}


def test_a_zygote_has_one_thread_and_nobodys_environment(make_lab, own, monkeypatch):
    monkeypatch.setenv("LABKIT_SECRET", "hunter2")
    own.boot("light")
    (pid,) = own.pids().values()

    assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
    assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()
    files = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()]
    assert sum(name.startswith("socket:") for name in files) == 1


@pytest.fixture
def ends():
    """What a child is given: one end of its control line, one of its peer's, and somewhere for its stderr."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(one) for _ in range(2) for one in socket.socketpair()]
        errors = opened.enter_context(tempfile.TemporaryFile())
        yield sockets[1].fileno(), sockets[3].fileno(), errors.fileno()


@pytest.mark.parametrize("role", ["learner", "tests"])
def test_a_child_holds_its_streams_and_two_lines_and_nothing_else(own, role, ends):
    running = own.fork("light", role, Sandbox(), ends)
    inner = tree(running.process.pid)[-1]
    until = time.monotonic() + 10
    while len(held := sorted(int(one.name) for one in Path(f"/proc/{inner}/fd").iterdir())) != 5:
        assert time.monotonic() < until, held
        inner = tree(running.process.pid)[-1]
    running.end()

    assert held[:3] == [0, 1, 2]


def test_a_zygote_that_is_killed_is_our_fault_once_and_then_another_serves(make_lab, own):
    graded(make_lab, own)
    (pid,) = own.pids().values()
    os.kill(pid, signal.SIGKILL)

    assert gone([pid])
    report = graded(make_lab, own)
    assert report.fault is None
    assert report.score == 5
    assert list(own.pids().values()) != [pid]


def test_a_zygote_that_stands_still_is_given_up(make_lab, own, monkeypatch):
    from autograder import warm as module

    monkeypatch.setattr(module, "_ANSWER_SECONDS", 1.0)
    graded(make_lab, own)
    (pid,) = own.pids().values()
    os.kill(pid, signal.SIGSTOP)

    assert "not your work's fault" in graded(make_lab, own).fault
    assert gone([pid])
    assert graded(make_lab, own).score == 5


def test_children_end_with_their_zygote(make_lab, own):
    outcome = []
    endless = "while True: pass"
    grading = threading.Thread(target=lambda: outcome.append(graded(make_lab, own, endless)))
    own.boot("light")
    (pid,) = own.pids().values()
    grading.start()
    until = time.monotonic() + 10
    while len(tree(pid)) < 7 and time.monotonic() < until:
        time.sleep(0.02)
    below = [one for one in tree(pid) if one != pid]
    os.kill(pid, signal.SIGKILL)
    grading.join()

    assert len(below) >= 6
    assert gone(below)
    assert outcome[0].fault or outcome[0].score == 0


def test_a_zygote_is_renewed_after_so_many_forks_and_its_last_children_finish(make_lab):
    with Warm(most_forks=4) as own:
        seen = set()
        for _ in range(5):
            assert graded(make_lab, own).score == 5
            seen |= set(own.pids().values())
        old = seen - set(own.pids().values())

        assert len(seen) >= 2
        assert gone(old)


def test_one_that_grew_is_renewed(make_lab):
    from autograder import warm as module

    with Warm(most_growth_mb=-1_000) as own:
        graded(make_lab, own)
        first = own.pids()
        own._zygotes["light"].forks = module._LOOK_EVERY
        graded(make_lab, own)

        assert own.pids() != first


def test_closing_leaves_no_process(make_lab):
    own = Warm()
    graded(make_lab, own)
    pids = [one for pid in own.pids().values() for one in tree(pid)]
    own.close()

    assert gone(pids)


def test_many_gradings_keep_no_descriptor_and_no_zombie(make_lab, own):
    graded(make_lab, own)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        graded(make_lab, own)
    (pid,) = own.pids().values()
    until = time.monotonic() + 10
    while children(pid) and time.monotonic() < until:
        time.sleep(0.1)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert children(pid) == []


def test_two_at_once_share_a_zygote(make_lab, own):
    lab, found = make_lab(), []
    built = notebook(lab, load_text(lab), "reference")
    threads = [
        threading.Thread(target=lambda: found.append(grade(lab, built, learner="a", lane=None, warm=own).score))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [5] * 6
    assert len(own.pids()) == 1


@pytest.mark.parametrize("tier", ["namespaces", "landlock"])
def test_every_warm_tier_grades_alike_and_leaves_nothing_in_the_temporary_folder(make_lab, tier):
    before = {path.name for path in Path(tempfile.gettempdir()).glob("labkit-child-*")}
    with Warm(tier=tier) as own:
        report = graded(make_lab, own)
        hostile = graded(make_lab, own, "open('/tmp/left', 'w').write('x')\nimport os\nos._exit(0)")

    assert (report.score, report.fault) == (5, None), report
    assert (hostile.score, hostile.fault) == (0, None), hostile
    until = time.monotonic() + 5
    while {
        path.name for path in Path(tempfile.gettempdir()).glob("labkit-child-*")
    } - before and time.monotonic() < until:
        time.sleep(0.1)
    assert {path.name for path in Path(tempfile.gettempdir()).glob("labkit-child-*")} - before == set()


def test_a_tier_nobody_knows_is_said_to_be_so(ends):
    with Warm(tier="no-such-tier") as own, pytest.raises(NotWarm, match="no-such-tier"):
        own.fork("light", "learner", Sandbox(), ends)


@pytest.mark.model
@pytest.mark.parametrize("name", ["linear", "descent"])
def test_a_torch_lab_gives_the_same_numbers_every_time(pytestconfig, warm, name):
    lab = load_course(pytestconfig.rootpath / "courses", "testing").lab(name)
    built = notebook(lab, load_text(lab), "reference")
    first = grade(lab, built, learner="a", lane=None, warm=warm)

    assert first.score == first.max
    assert grade(lab, built, learner="a", lane=None, warm=warm) == first
