import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

DRIVER = """
import json, subprocess, sys
from pathlib import Path
from labkit.sandbox import Bind, Limits, Sandbox, start
asked = json.load(sys.stdin)
binds = tuple(Bind(Path(source), target, writable) for source, target, writable in asked["binds"])
sandbox = Sandbox(limits=Limits(**asked["limits"]), env=asked["env"], binds=binds)
running = start(sandbox, [sys.executable, "-c", asked["code"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
out, err = running.process.communicate()
print(json.dumps([running.wait(), out.decode(), err.decode(), running.ended_for]))
"""
FORKING_DRIVER = """
import json, os, sys, tempfile, time
from pathlib import Path
from labkit.sandbox import Bind, Forked, Limits, Sandbox, fork_into, tiers, watch
asked = json.load(sys.stdin)
out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
inherited = os.open("/etc/passwd", os.O_RDONLY)
os.set_inheritable(inherited, True)
exec(asked["before"])
def body():
    os.dup2(out.fileno(), 1)
    exec(asked["code"], {"__name__": "body", "kept": out.fileno()})
binds = tuple(Bind(Path(source), target, writable) for source, target, writable in asked["binds"])
sandbox = Sandbox(limits=Limits(**asked["limits"]), env=asked["env"], binds=binds)
folder = Path(asked["scratch"])
tier = tiers.named(asked["tier"])
pid = fork_into(sandbox, body, keep=[out.fileno()], tier=tier, stderr=err.fileno(), scratch=folder)
running = watch(Forked(pid), sandbox.limits, folder=folder if tier.name == "landlock" else None)
running.wait()
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
out.seek(0), err.seek(0)
end = time.monotonic() + 10
while folder.exists() and time.monotonic() < end:
    time.sleep(0.02)  # killed from outside, the child is gone before its keeper has cleared up
print(json.dumps([code, out.read().decode(), err.read().decode(), running.ended_for, folder.exists()]))
"""
ROOT, ORDINARY = "started as root", "started as an ordinary account"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str
    ended_for: str


@pytest.fixture(params=[ROOT, ORDINARY] if os.geteuid() == 0 else [ORDINARY])
def launcher(request):
    return request.param


@pytest.fixture
def as_launcher(launcher):
    """The words that make a command run as the launcher under test."""
    drop = launcher == ORDINARY and os.geteuid() == 0
    return ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", "--"] if drop else []


@pytest.fixture
def inside(as_launcher):
    """Runs Python code in a sandbox and says how it went."""

    def _inside(code: str, binds=(), env=None, **limits) -> Ran:
        asked = {"code": code, "limits": {"seconds": 20, **limits}, "env": env or {}, "binds": list(binds)}
        ran = subprocess.run(
            [*as_launcher, sys.executable, "-c", DRIVER],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": os.environ["PATH"], "SECRET_TOKEN": "hush"},
        )
        assert ran.returncode == 0, ran.stderr
        return Ran(*json.loads(ran.stdout))

    return _inside


# What the code inside has at hand to make a call by its name.
CALLS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
number = ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name
def call(name, *words):
    if libc.syscall(ctypes.c_long(number(name.encode())), *(ctypes.c_long(word) for word in words)) < 0:
        raise OSError(ctypes.get_errno(), name)
"""


@dataclass(frozen=True)
class RanForked:
    code: int
    out: str
    err: str
    ended_for: str
    left_a_folder: bool


@dataclass(frozen=True)
class Forking:
    """`words` make a command run as the launcher under test."""

    tier: str
    words: tuple[str, ...]
    calls = CALLS

    def __call__(self, code, *, binds=(), env=None, before="", **limits) -> RanForked:
        asked = {"tier": self.tier, "code": code, "before": before, "binds": list(binds), "env": env or {}}
        asked |= {"limits": {"seconds": 20, **limits}, "scratch": f"/tmp/labkit-test-{uuid.uuid4().hex}"}
        ran = subprocess.run(
            [*self.words, sys.executable, "-c", FORKING_DRIVER],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment(),
        )
        assert ran.returncode == 0, ran.stderr
        return RanForked(*json.loads(ran.stdout))

    def start(self, code: str, *arguments: str) -> "subprocess.Popen[str]":
        """A forking process of the test's own making."""
        command = [*self.words, sys.executable, "-c", code, self.tier, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.environment())

    def environment(self) -> dict[str, str]:
        # One thread: OpenBLAS would start another at import.
        return {"PATH": os.environ["PATH"], "SECRET_TOKEN": "hush", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

    @staticmethod
    def alive(name: str) -> list[str]:
        """Command lines that begin with `name`."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            found += [line] if line.startswith(name) else []
        return found

    @staticmethod
    def daemon(name: str) -> str:
        """Code that leaves a process which wants to live: forked twice, in a session of its own, deaf to signals."""
        return f"""
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    for number in (1, 2, 3, 15): signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        os.execv(sys.executable, ["{name}", "-S", "-c", "import time; time.sleep(60)"])
    os._exit(0)
time.sleep(0.3)
"""


@pytest.fixture(params=["namespaces", "landlock"])
def tier(request):
    return request.param


@pytest.fixture
def forked(tier, as_launcher):
    """Runs Python code in a child forked into `tier`, by the launcher under test, and says how it went."""
    return Forking(tier, tuple(as_launcher))


@pytest.fixture
def outside():
    """A folder of the host that everybody may enter and write: nothing but the sandbox stands before it."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-outside-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)
