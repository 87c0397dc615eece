"""The process between the model and a quarantined opener: imports, forks, watches (quarantine.py says the rest).

    python -m labkit.models.opening OPENER TIER ARGUMENTS BOUNDS SOURCE

OPENER is a module; ARGUMENTS and BOUNDS are JSON objects; SOURCE is the number of an open file. The answer goes to
standard output.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import secrets
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.models.quarantine import ENDED, ENVIRONMENT, NOT_CONFINED, Bounds, Refused, answer
from labkit.sandbox import Forked, Limits, Sandbox, fork_into, kernel, watch
from labkit.sandbox.tiers import named

# Accounts nobody has, above those of the grader's sandboxes; one for each opening that runs.
_FIRST_UID, _UIDS = 1_950_000_000, 4_194_304


def main(argv: list[str]) -> int:
    """Ends as the child did, or with the code of ENDED that says why it was ended."""
    # With the thread that started this, which waits for it: an opening does not outlive the model process.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL, what="die with the parent")
    opener, tier_name, source = argv[0], argv[1], int(argv[4])
    arguments, bounds = json.loads(argv[2]), Bounds(**json.loads(argv[3]))
    sink = os.dup(1)
    scratch = Path(tempfile.gettempdir(), f"labkit-opening-{secrets.token_hex(8)}")
    sandbox = Sandbox(env=ENVIRONMENT, limits=_limits(bounds), uid=_FIRST_UID + os.getpid() % _UIDS)
    try:
        module = importlib.import_module(opener)
        module.warm()
        body = functools.partial(_body, module.open_untrusted, source, sink, arguments)
        pid = fork_into(sandbox, body, keep=(source, sink), tier=named(tier_name), stderr=2, scratch=scratch)
    except Exception:
        traceback.print_exc()
        return NOT_CONFINED
    process = Forked(pid)
    for file in (source, sink, 1):
        os.close(file)
    running = watch(process, sandbox.limits, folder=scratch if tier_name == "landlock" else None)
    running.wait()
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    codes = {why: code for code, why in ENDED.items()}
    return codes.get(running.ended_for, ended)


def _limits(bounds: Bounds) -> Limits:
    return Limits(
        seconds=bounds.seconds,
        memory_mb=bounds.memory_mb,
        cpu_seconds=int(bounds.seconds) + 1,
        data_mb=2 * bounds.memory_mb,
        file_mb=64,
        processes=8,
        files=64,
        tmp_mb=128,
        nice=5,
        yields_memory=True,
    )


def _body(open_untrusted: Callable[[int, int, Any], None], source: int, sink: int, arguments: Any) -> None:
    try:
        open_untrusted(source, sink, arguments)
    except Refused as refused:
        answer(sink, {"refused": str(refused)})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
