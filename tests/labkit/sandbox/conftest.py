import json
import os
import subprocess
import sys
from dataclasses import dataclass

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
