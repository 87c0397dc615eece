"""`python -m labkit.sandbox.probe TIER`: a throwaway child enters a tier and tries to get out. 0 where it cannot.

What it tries is a sample, on this kernel, of what tests/labkit/sandbox attacks in full.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labkit.errors import LabkitError
from labkit.sandbox import kernel, tiers
from labkit.sandbox.forked import NOT_CONFINED, fork_into
from labkit.sandbox.sandbox import Sandbox
from labkit.sandbox.tier import Tier

_SIGNAL = signal.SIGWINCH  # ignored by who does not wait for it
_PTRACE_ATTACH = 16
Attack = Callable[[], object]


def main(argv: list[str]) -> int:
    try:
        why = trial(tiers.named(argv[0]))
    except LabkitError as error:
        why = str(error)
    print(why)
    return 1 if why else 0


def trial(tier: Tier) -> str:
    """What went wrong, or got out; empty where it held."""
    reader, writer = os.pipe()
    heard: list[int] = []
    signal.signal(_SIGNAL, lambda number, _frame: heard.append(number))
    with (
        tempfile.TemporaryFile() as said,
        tempfile.NamedTemporaryFile() as file,
        socket.create_server(("127.0.0.1", 0)) as door,
    ):
        os.chmod(file.name, 0o666)  # noqa: S103, PTH101 - so that nothing but the sandbox stands before it
        attacks = _attacks(file.name, door.getsockname()[1], os.getpid())
        silent = _seen_from_outside(file.name, os.getpid())
        body = functools.partial(_attack, attacks, silent, writer)
        pid = fork_into(Sandbox(), body, keep=(writer,), tier=tier, stderr=said.fileno())
        os.close(writer)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        got_out = json.loads(os.read(reader, 4096) or b"null")
        os.close(reader)
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
        if got_out is None or code == NOT_CONFINED:
            return (lines or [f"The trial's child ended with {code}."])[-1]
        # Inside, a private file of that name may be written and a process of that number signalled: look from here.
        got_out += ["wrote a file outside"] if file.read() else []
        got_out += ["signalled a process outside"] if heard else []
    return f"The trial's child got out: {'; '.join(got_out)}." if got_out else ""


def _attacks(file: str, port: int, outside: int) -> Mapping[str, Attack]:
    return {
        "read a file outside": lambda: Path(file).read_bytes(),
        "reached an address": lambda: socket.create_connection(("127.0.0.1", port), timeout=1),
        "read a process outside": lambda: _read_environment(outside),
        "made a user namespace": lambda: kernel.unshare(kernel.NEWUSER),
        "traced a process": lambda: _trace(outside),
    }


def _seen_from_outside(file: str, outside: int) -> tuple[Attack, ...]:
    return lambda: Path(file).write_text("x"), lambda: os.kill(outside, _SIGNAL)


def _attack(attacks: Mapping[str, Attack], silent: Sequence[Attack], line: int) -> None:
    got_out = []
    for name, attack in attacks.items():
        with contextlib.suppress(OSError):
            attack()
            got_out.append(name)
    for attack in silent:
        with contextlib.suppress(OSError):
            attack()
    os.write(line, json.dumps(got_out).encode())


def _read_environment(pid: int) -> None:
    if not Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0"):
        raise OSError("wiped: a process inside, which has the same number")


def _trace(pid: int) -> None:
    if ctypes.CDLL(None).ptrace(_PTRACE_ATTACH, pid, 0, 0) < 0:
        raise OSError("refused")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
