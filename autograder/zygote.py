"""The warm process: has imported what labs of one profile need, and forks a sandboxed child for each request.

    python -m autograder.zygote PROFILE SOCKET        (SOCKET: the number of an inherited SOCK_SEQPACKET descriptor)

One thread, no torch operation, no secret: whatever is in this process's memory is in every child's. Requests are JSON
objects, one a packet; with `fork` come three descriptors (the child's control line, its peer, its stderr), and the
answer carries a pidfd. When the socket closes, everything ends with it; `retire` lets the children finish first.

    {"op": "fork", "role": "learner"|"tests", "sandbox": {...}, "tier": NAME|null, "scratch": PATH}
                      ->  {"pid": N, "tier": NAME} + pidfd, or {"error": ...} or {"unavailable": ...}
    {"op": "ping"}    ->  {"forks": N, "memory_mb": X, "modules": N}
    {"op": "retire"}  ->  (nothing)
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit.errors import LabkitError, SandboxUnavailable
from labkit.sandbox import Bind, Limits, Sandbox
from labkit.sandbox.forked import fork_into
from labkit.sandbox.running import memory_mb
from labkit.sandbox.tiers import best, named

# What is imported before the first fork, by profile. A lab may import anything else; it then pays for it each time.
_COMMON = (
    *(
        "ast",
        "asyncio",
        "collections",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "fractions",
        "functools",
        "inspect",
    ),
    *(
        "itertools",
        "json",
        "linecache",
        "math",
        "operator",
        "random",
        "re",
        "statistics",
        "string",
        "textwrap",
        "typing",
    ),
    *("labkit.checks", "labkit.client", "autograder.learner_process", "autograder.test_process", "numpy", "pandas"),
)
PROFILES: dict[str, tuple[str, ...]] = {
    "light": _COMMON,
    "torch": (
        *_COMMON,
        *("torch", "torch.nn.functional", "torch.optim", "torch.utils.data", "torch._dynamo"),
        *("transformers", "transformers.models.auto", "transformers.loss.loss_utils", "safetensors.torch"),
        # What a language model's first use imports, 230 modules: both processes of a grading would pay for it.
        *("transformers.generation", "transformers.modeling_utils", "transformers.models.llama.modeling_llama"),
    ),
}
_LARGEST = 1 << 16


def main(argv: list[str]) -> int:
    profile, line = argv[0], socket.socket(fileno=int(argv[1]))
    for name in PROFILES[profile]:
        importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)  # a pool of threads would not survive the fork
    gc.collect()
    gc.freeze()  # what is shared stays shared: the collector would write into every page of it
    line.send(b'{"ready": true}')
    serve(line)
    return 0


def serve(line: socket.socket) -> None:
    forks, retired = 0, False
    while not (retired and _reap()):
        if not select.select([line], [], [], 0.5)[0]:
            _reap()
            continue
        data, files, _, _ = socket.recv_fds(line, _LARGEST, 4)
        if not data:
            if not retired:
                return
            retired = bool(_wait_for_children())
            continue
        request = json.loads(data)
        if request["op"] == "fork":
            forks += 1
            _fork(line, request, files)
        elif request["op"] == "ping":
            told = {"forks": forks, "memory_mb": memory_mb(os.getpid()), "modules": len(sys.modules)}
            line.send(json.dumps(told).encode())
        else:
            retired = True


def _fork(line: socket.socket, request: dict[str, Any], files: list[int]) -> None:
    control, peer, errors = files
    try:
        body = functools.partial(_body, request["role"], control, peer)
        tier = named(request["tier"]) if request["tier"] else best()
        scratch = Path(request["scratch"])
        sandbox = sandbox_of(request["sandbox"])
        pid = fork_into(sandbox, body, keep=(control, peer), stderr=errors, tier=tier, scratch=scratch)
        pidfd = os.pidfd_open(pid)
    except SandboxUnavailable as error:
        line.send(json.dumps({"unavailable": str(error)}).encode())
    except (OSError, ValueError, LabkitError) as error:
        line.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
    else:
        socket.send_fds(line, [json.dumps({"pid": pid, "tier": tier.name}).encode()], [pidfd])
        os.close(pidfd)
    finally:
        for file in files:
            os.close(file)


def _body(role: str, control: int, peer: int) -> None:
    gc.unfreeze()
    lines = socket.socket(fileno=control), socket.socket(fileno=peer)
    if role == "learner":
        from autograder.learner_process import serve as answer

        answer(*lines)
    else:
        from autograder.test_process import judge

        judge(*lines)


def _reap() -> bool:
    """Buries children that have ended; whether none is left."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return False
        except ChildProcessError:
            return True


def _wait_for_children() -> bool:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    return True


def to_json(sandbox: Sandbox) -> dict[str, Any]:
    """A sandbox as a request names it."""
    binds = [[str(one.source), one.target, one.writable] for one in sandbox.binds]
    limits = vars(sandbox.limits)
    return {"binds": binds, "limits": limits, "env": dict(sandbox.env), "uid": sandbox.uid, "home": sandbox.home}


def sandbox_of(told: dict[str, Any]) -> Sandbox:
    binds = tuple(Bind(Path(source), target, writable) for source, target, writable in told["binds"])
    sandbox = Sandbox(binds=binds, env=told["env"], limits=Limits(**told["limits"]), uid=told["uid"])
    return replace(sandbox, home=told["home"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
