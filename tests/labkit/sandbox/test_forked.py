"""What fork_into promises: how a child ends, that nothing outlives it, and that it runs confined or not at all."""

import os
import signal
import threading
import time
import uuid
from pathlib import Path

import pytest

from labkit.sandbox import Sandbox, fork_into, tiers

pytestmark = pytest.mark.sandbox

# Forks a child that runs argv[2], prints its pid and sleeps.
FORKER = """
import os, sys, time
from pathlib import Path
from labkit.sandbox import Sandbox, fork_into, tiers
reader, writer = os.pipe()
def body():
    exec(sys.argv[2], {"__name__": "body"})
    os.write(writer, b"x")
    time.sleep(60)
pid = fork_into(Sandbox(), body, keep=[writer], tier=tiers.named(sys.argv[1]), scratch=Path(sys.argv[3]))
os.read(reader, 1)
print(pid, flush=True)
time.sleep(60)
"""


def gone(found, *arguments) -> bool:
    deadline = time.monotonic() + 10
    while found(*arguments) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not found(*arguments)


@pytest.mark.parametrize(
    ("code", "ends_with", "says"),
    [
        ("pass", 0, ""),
        ("1 / 0", 70, "ZeroDivisionError"),
        ("raise SystemExit(3)", 70, "SystemExit"),
        ("import os; os._exit(5)", 5, ""),
        ("import os; os.abort()", 128 + signal.SIGABRT, ""),
        ("import os; os.kill(os.getpid(), 9)", 128 + signal.SIGKILL, ""),
        ("import os; os.kill(os.getpid(), 15)", 128 + signal.SIGTERM, ""),
    ],
)
def test_it_ends_as_the_body_did(forked, code, ends_with, says):
    ran = forked(code)

    assert ran.code == ends_with and says in ran.err and not ran.left_a_folder, ran


def test_what_learners_use_works(forked):
    code = (
        "import multiprocessing, os, sqlite3, subprocess, tempfile, threading\nimport numpy, pandas\n"
        "connection = sqlite3.connect('x.db'); connection.execute('create table a (b)'); connection.commit()\n"
        "pandas.DataFrame({'a': [1, 2]}).to_csv('x.csv'); print(pandas.read_csv('x.csv').a.sum())\n"
        "print(subprocess.run('/usr/bin/wc -l < x.csv', shell=True, capture_output=True, text=True).stdout.strip())\n"
        "with tempfile.TemporaryDirectory() as folder: open(folder + '/y', 'w').write('y')\n"
        "thread = threading.Thread(target=print, args=['thread']); thread.start(); thread.join()\n"
        "import shutil; shutil.copy('x.csv', 'y.csv'); os.rename('y.csv', 'z.csv')\n"
        "print((numpy.ones((300, 300)) @ numpy.ones((300, 300))).sum(), os.getcwd() == os.environ['HOME'])\n"
    )
    ran = forked(code, files=64)

    assert ran.out.split() == ["3", "3", "thread", "27000000.0", "True"], ran


@pytest.mark.model
def test_a_warm_torch_trains_with_one_thread_and_with_two(forked):
    code = (
        "import torch\n"
        "for threads in (1, 2):\n"
        "    torch.set_num_threads(threads); torch.manual_seed(0)\n"
        "    model = torch.nn.Linear(64, 1); optimizer = torch.optim.SGD(model.parameters(), 0.05)\n"
        "    x = torch.randn(2000, 64); y = x.sum(1, keepdim=True)\n"
        "    losses = []\n"
        "    for step in range(40):\n"
        "        loss = ((model(x) - y) ** 2).mean(); optimizer.zero_grad(); loss.backward(); optimizer.step()\n"
        "        losses.append(loss.item())\n"
        "    torch.save(model.state_dict(), 'model.pt'); torch.load('model.pt')\n"
        "    print(losses[-1] < losses[0] / 10)\n"
    )
    ran = forked(code, before="import torch; torch.set_num_threads(1)", seconds=100)

    assert ran.out.split() == ["True", "True"], ran


def test_a_daemon_does_not_outlive_the_body(forked):
    name = f"daemon-{uuid.uuid4().hex}"
    ran = forked(forked.daemon(name) + "import subprocess; print('left')")

    assert (ran.code, ran.out) == (0, "left\n"), ran
    assert forked.alive(name) == []


@pytest.mark.parametrize("victim", ["the child", "the forking process", "what the child is watched by"])
def test_whoever_is_killed_everything_ends(forked, victim):
    name = f"daemon-{uuid.uuid4().hex}"
    scratch = Path(f"/tmp/labkit-test-{name}")
    forker = forked.start(FORKER, forked.daemon(name), str(scratch))
    pid = int(forker.stdout.readline())
    assert len(forked.alive(name)) == 1 and scratch.exists() == (forked.tier == "landlock")
    between = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    os.kill({"the child": pid, "the forking process": forker.pid}.get(victim, between), signal.SIGKILL)

    assert gone(forked.alive, name)
    # Before the forking process ends too: two are killed at once in no claim of ours.
    assert gone(scratch.exists)
    forker.kill()
    forker.wait()
    forker.stdout.close()


def test_a_chain_of_forks_that_never_stands_still_is_ended(forked):
    chain = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    end = time.monotonic() + 60\n"
        "    while time.monotonic() < end:\n"
        "        if os.fork(): os._exit(0)\n"
        "    os._exit(0)\n"
        "time.sleep(0.2)\n"
    )
    begun = time.monotonic()
    ran = forked(chain)

    assert ran.code == 0 and ran.ended_for == "" and time.monotonic() - begun < 20, ran


FAILING = {
    "the root": "labkit.sandbox.private_root.enter = refuse; labkit.sandbox.landlocked._furnish = refuse",
    "privileges": "labkit.sandbox.account.drop = refuse",
    "Landlock": "labkit.sandbox.landlock.restrict = refuse",
    "limits": "labkit.sandbox.account.limit = refuse",
    "the filter": "labkit.sandbox.kernel.install_filter = refuse",
    "capabilities": "labkit.sandbox.kernel.drop_capabilities = refuse",
    "the environment": "labkit.sandbox.forked._environment = refuse",
}


@pytest.mark.parametrize("part", FAILING)
def test_where_a_part_of_the_confinement_fails_nothing_is_run(forked, part):
    before = (
        f"import labkit.sandbox.forked\ndef refuse(*_, **__): raise OSError(1, 'refused by the test')\n{FAILING[part]}"
    )
    ran = forked("print('ran')", before=before)

    assert (ran.code, ran.out) == (71, ""), ran
    assert ran.err.count("\n") >= 1 and "nothing was run in it" in ran.err and "refused by the test" in ran.err
    assert not ran.left_a_folder


def test_where_a_bind_has_no_source_nothing_is_run(forked):
    ran = forked("print('ran')", binds=[("/nowhere/at/all", "/home/learner/data", False)])

    assert (ran.code, ran.out, ran.err.count("\n")) == (71, "", 1), ran
    assert "/nowhere" in ran.err


def test_the_landlock_tier_refuses_a_bind_inside_a_bind(forked, outside):
    (outside / "data").mkdir()
    binds = [(str(outside), "/home/learner/a", False), (str(outside / "data"), "/home/learner/a/data", False)]
    ran = forked("print('ran')", binds=binds)

    assert ran.code == (71 if forked.tier == "landlock" else 0), ran
    assert [path.name for path in outside.iterdir()] == ["data"] and not list((outside / "data").iterdir())


def test_a_caller_with_threads_is_refused():
    held = threading.Event()
    thread = threading.Thread(target=held.wait)
    thread.start()
    try:
        with pytest.raises(ValueError, match="threads"):
            fork_into(Sandbox(), lambda: None, tier=tiers.named("namespaces"))
    finally:
        held.set()
        thread.join()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("Sandbox(network=True), print", "no network"),
        ("Sandbox(door=(1, '/x')), print", "no network"),
        ("Sandbox(), print, keep=[1]", "always the child's own"),
        ("Sandbox(), print, keep=[77]", "Bad file descriptor"),
        ("Sandbox(), print, tier=tiers.named('bubblewrap')", "execs"),
        ("Sandbox(), print, tier=tiers.named('chroot')", "no sandbox tier named 'chroot'"),
    ],
)
def test_what_cannot_be_given_is_refused_before_the_fork(forked, words, says):
    ran = forked.start(
        "from labkit.sandbox import Sandbox, fork_into, tiers\n"
        f"try: fork_into({words})\nexcept Exception as error: print(error)"
    )
    said, _ = ran.communicate()

    assert says in said


def test_a_descriptor_that_is_kept_has_its_number_and_no_copy_elsewhere(forked):
    """Closed by the body, its other end reads to the end though the child goes on."""
    code = (
        "import os, socket, sys, time\nfrom labkit.sandbox import Sandbox, fork_into, tiers\n"
        "ours, theirs = socket.socketpair()\n"
        "def body():\n    os.write(theirs.fileno(), b'here'); theirs.close(); time.sleep(30)\n"
        "pid = fork_into(Sandbox(), body, keep=[theirs.fileno()], tier=tiers.named(sys.argv[1]))\n"
        "theirs.close(); ours.settimeout(10)\nprint(ours.recv(9), ours.recv(9))\nos.kill(pid, 9)"
    )
    said, _ = forked.start(code).communicate()

    assert said == "b'here' b''\n"
