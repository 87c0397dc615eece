"""The grader's end of its zygotes: one for each profile, started when first needed, renewed before it grows old.

A zygote that does not answer is ended, its children with it, and a new one is started; the grading that met it fails
as ours and is tried again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from autograder.steady import ENVIRONMENT
from autograder.zygote import to_json
from labkit.errors import PlatformFault, SandboxUnavailable
from labkit.sandbox import Running, Sandbox
from labkit.sandbox.process import Forked
from labkit.sandbox.running import watch

_log = logging.getLogger(__name__)
MOST_FORKS = 2_000
MOST_GROWTH_MB = 256.0
_BOOT_SECONDS, _ANSWER_SECONDS = 120.0, 30.0
_LOOK_EVERY = 100


class NotWarm(PlatformFault):
    """The zygote did not start or did not answer."""


@dataclass
class _Zygote:
    process: subprocess.Popen[bytes]
    line: socket.socket
    errors: IO[bytes]
    grew_from: float
    forks: int = 0


@dataclass
class Warm:
    """Zygotes by profile. Safe to use from several threads. `tier` forces one; by default the best there is."""

    most_forks: int = MOST_FORKS
    most_growth_mb: float = MOST_GROWTH_MB
    tier: str | None = None
    _zygotes: dict[str, _Zygote] = field(default_factory=dict)
    _retired: list[_Zygote] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fork(self, profile: str, role: str, sandbox: Sandbox, files: tuple[int, int, int]) -> Running:
        """A sandboxed child with the control line, peer and stderr of `files`. Raises NotWarm, SandboxUnavailable."""
        scratch = Path(tempfile.gettempdir(), f"labkit-child-{secrets.token_hex(8)}")
        told_to = {"role": role, "sandbox": to_json(sandbox), "tier": self.tier, "scratch": str(scratch)}
        request = {"op": "fork", **told_to}
        with self._lock:
            zygote = self._healthy(profile)
            zygote.forks += 1
            try:
                socket.send_fds(zygote.line, [json.dumps(request).encode()], list(files))
                told, pidfds = _receive(zygote.line)
            except OSError as error:
                raise self._lost(profile, str(error)) from error
        if "unavailable" in told:
            raise SandboxUnavailable(told["unavailable"])
        if "error" in told:
            raise NotWarm(f"The zygote could not fork: {told['error']}.", instead="It is tried again.")
        # Where disk is a folder of the host and no mount of the child's own, somebody has to look at it.
        folder = scratch if told["tier"] == "landlock" else None
        return watch(Forked(told["pid"], pidfds[0]), sandbox.limits, folder=folder)

    def boot(self, profile: str) -> None:
        """Starts the profile's zygote now, so that nobody waits for it later."""
        with self._lock:
            self._healthy(profile)

    def pids(self) -> dict[str, int]:
        return {profile: zygote.process.pid for profile, zygote in self._zygotes.items()}

    def cpu_seconds(self) -> float:
        """CPU time of the zygotes that live and of all their children that have ended, with those of their own."""
        with self._lock:
            return sum(_cpu_seconds(zygote.process.pid) for zygote in (*self._zygotes.values(), *self._retired))

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every zygote and every child of theirs."""
        with self._lock:
            for zygote in (*self._zygotes.values(), *self._retired):
                _end(zygote)
            self._zygotes.clear()
            self._retired.clear()

    def _healthy(self, profile: str) -> _Zygote:
        zygote = self._zygotes.get(profile)
        if zygote is not None and zygote.process.poll() is not None:
            self._lost(profile, f"it ended with {zygote.process.returncode}")
            zygote = None
        if zygote is not None and self._is_old(zygote):
            self._retire(profile)
            zygote = None
        if zygote is None:
            zygote = self._zygotes[profile] = _start(profile)
        return zygote

    def _is_old(self, zygote: _Zygote) -> bool:
        if zygote.forks >= self.most_forks:
            return True
        if zygote.forks == 0 or zygote.forks % _LOOK_EVERY:
            return False
        grown: float = _ping(zygote.line)["memory_mb"] - zygote.grew_from
        return grown > self.most_growth_mb

    def _retire(self, profile: str) -> None:
        """Its children finish; it takes no more."""
        zygote = self._zygotes.pop(profile)
        with contextlib.suppress(OSError):
            zygote.line.send(b'{"op": "retire"}')
            zygote.line.shutdown(socket.SHUT_WR)
        self._retired.append(zygote)
        for old in [one for one in self._retired if one.process.poll() is not None]:
            self._retired.remove(old)
            _end(old)

    def _lost(self, profile: str, why: str) -> NotWarm:
        zygote = self._zygotes.pop(profile)
        said = _said(zygote.errors)
        _end(zygote)
        _log.error("The %s zygote was lost (%s): %s", profile, why, said)
        return NotWarm(f"The {profile} zygote was lost ({why}).", instead="Another is started.")


def _start(profile: str) -> _Zygote:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - kept as long as the zygote
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    process = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "autograder.zygote", profile, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env={**ENVIRONMENT, "PATH": path, "HOME": "/nonexistent", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        cwd="/",
        start_new_session=True,
    )
    theirs.close()
    ours.settimeout(_BOOT_SECONDS)
    zygote = _Zygote(process, ours, errors, 0)
    try:
        _receive(ours)
        ours.settimeout(_ANSWER_SECONDS)
        zygote.grew_from = _ping(ours)["memory_mb"]
    except OSError as error:
        said = _said(errors)
        _end(zygote)
        raise NotWarm(f"The {profile} zygote did not start: {said}", instead="Its last line says why.") from error
    return zygote


def _cpu_seconds(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5), of which the first two were cut off.
    return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")


def _receive(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    data, files, _, _ = socket.recv_fds(line, 1 << 16, 4)
    if not data:
        raise OSError("it closed its line")
    return json.loads(data), list(files)


def _ping(line: socket.socket) -> dict[str, Any]:
    line.send(b'{"op": "ping"}')
    return _receive(line)[0]


def _end(zygote: _Zygote) -> None:
    zygote.line.close()
    zygote.process.kill()
    zygote.process.wait()
    zygote.errors.close()


def _said(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 2000))
    return errors.read().decode("utf-8", "replace").strip()
