"""One learner's server: started in a sandbox, known by files, so that any later holder can take it over.

    FOLDER/NAME.json     what is known of a running server
    FOLDER/NAME.ended    why the last one was ended, where we ended it
    SOCKETS/KEY          the unix socket its JupyterLab accepts on (a TCP socket of the host's network would be a way
                         out: a listening one can be closed and connected again; a unix one cannot)
    SOCKETS/KEY.d/door   the unix socket through which it reaches hub, gateway and submissions

A server is recognised by its first process's pid and start time, so a pid used again is never taken for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hub_config.listening import DESCRIPTOR
from labkit.sandbox import Sandbox

_FALSE_START_SECONDS = 0.2


@dataclass(frozen=True)
class Held:
    """`pid` is the launcher outside, `child` the first process inside, `began` its start time in clock ticks."""

    name: str
    pid: int
    child: int
    began: int
    socket: str
    door: str
    home: str
    log: str
    memory_mb: int
    home_mb: int

    def alive(self) -> bool:
        return start_time(self.child) == self.began

    def end(self) -> None:
        """Ends every process of it: its pid namespace dies with its first process (without one, its group does).

        The group is ended after its first process is gone too, unless somebody else's process has that number now.
        Not covered: somebody else's group of that number whose own first process is gone as well.
        """
        if start_time(self.child) in (0, self.began):
            with contextlib.suppress(ProcessLookupError):
                if self.pid == self.child:
                    os.killpg(self.pid, signal.SIGKILL)
                elif self.alive():
                    os.kill(self.child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


@dataclass(frozen=True)
class Places:
    """Where what is held is written down. `sockets` must be short: a unix socket's path has 107 bytes."""

    folder: Path
    sockets: Path

    def socket(self, name: str) -> Path:
        return self.sockets / hashlib.sha256(name.encode()).hexdigest()[:16]

    def door(self, name: str) -> Path:
        return self.socket(name).with_suffix(".d") / "door"

    def ended_for(self, name: str) -> str:
        try:
            return (self.folder / f"{name}.ended").read_text()
        except OSError:
            return ""

    def fresh_socket(self, name: str) -> Path:
        """Where the next server's socket goes. JupyterHub adds a port even to a socket's address, which the hub leaves
        out again and the proxy does not: the proxy finds it by a second name."""
        path = self.socket(name)
        path.unlink(missing_ok=True)
        by_proxy = path.with_name(f"{path.name}:80")
        by_proxy.unlink(missing_ok=True)
        by_proxy.symlink_to(path.name)
        return path

    def forget(self, held: Held, reason: str) -> None:
        (self.folder / f"{held.name}.ended").write_text(reason)
        (self.folder / f"{held.name}.json").unlink(missing_ok=True)
        Path(held.socket).unlink(missing_ok=True)

    def known(self) -> list[Held]:
        """What an earlier holder wrote down, alive or not."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            with contextlib.suppress(ValueError, TypeError):
                found.append(Held(**json.loads(path.read_text())))
        return found


def start(
    places: Places, name: str, sandbox: Sandbox, command: Sequence[str], *, log: Path, home: Path, home_mb: int
) -> Held:
    """Starts `command` inside; it inherits the socket it accepts on. Raises OSError where it cannot be started."""
    (places.folder / f"{name}.ended").unlink(missing_ok=True)
    path = places.fresh_socket(name)
    read, write = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener, os.fdopen(read) as info:
        listener.bind(str(path))
        listener.listen(128)
        inside = replace(sandbox, env={**sandbox.env, DESCRIPTOR: str(listener.fileno())})
        argv = inside.argv(command, info_fd=write)
        # O_APPEND: the log can be cut from outside while it is written.
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
            process = subprocess.Popen(
                argv,
                pass_fds=(listener.fileno(), write),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=inside.environment(),
                cwd="/",
            )
        os.close(write)
        child = _child(info.read(), process)
    _refuse_a_false_start(process, log)
    held = Held(
        name=name,
        pid=process.pid,
        child=child,
        began=start_time(child),
        socket=str(path),
        door=str(places.door(name)),
        home=str(home),
        log=str(log),
        memory_mb=sandbox.limits.memory_mb,
        home_mb=home_mb,
    )
    _write(places.folder / f"{name}.json", held)
    return held


def start_unsandboxed(
    places: Places, name: str, env: dict[str, str], command: Sequence[str], *, log: Path, home: Path, memory_mb: int
) -> Held:
    """The fallback behind LABKIT_SERVERS=unsandboxed: only its memory is watched, nothing is kept from it."""
    (places.folder / f"{name}.ended").unlink(missing_ok=True)
    path = places.fresh_socket(name)
    with socket.socket(socket.AF_UNIX) as listener, log.open("ab") as output:
        listener.bind(str(path))
        listener.listen(128)
        fd = listener.fileno()
        process = subprocess.Popen(
            list(command),
            pass_fds=(fd,),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**env, DESCRIPTOR: str(fd)},
            cwd=home,
        )
    pid = process.pid
    held = Held(name, pid, pid, start_time(pid), str(path), "", str(home), str(log), memory_mb, 0)
    _write(places.folder / f"{name}.json", held)
    return held


def start_time(pid: int) -> int:
    """When `pid` started, in clock ticks since the machine did; 0 if it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def _child(said: str, process: subprocess.Popen[bytes]) -> int:
    try:
        return int(json.loads(said)["child-pid"])
    except (ValueError, KeyError):
        process.wait(10)
        raise OSError(f"the sandbox did not start; its launcher ended with {process.returncode}") from None


def _refuse_a_false_start(process: subprocess.Popen[bytes], log: Path) -> None:
    """The launcher names its child before it has mounted everything; what cannot be mounted ends both at once."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = process.wait(_FALSE_START_SECONDS)
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or [f"it ended with {code}"]
        raise OSError(f"the sandbox did not start: {last[0]}")


def _write(path: Path, held: Held) -> None:
    fresh = path.with_suffix(f".{time.monotonic_ns()}.new")
    fresh.write_text(json.dumps(asdict(held)))
    fresh.replace(path)
