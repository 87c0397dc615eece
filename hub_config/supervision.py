"""Starts every process at once, restarts what dies, and ends them all: Supervisor does the work, we write its file."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hub_config.processes import Process, answers, clean_environment
from hub_config.state import State
from labkit.errors import OperatorError

# Ctrl-C ends everything within 10 seconds: this long for a polite end, then SIGKILL.
_POLITE_SECONDS = 6
# So often in so many seconds a killed supervisor is started again.
_REVIVALS, _REVIVAL_SECONDS = 5, 300


class Supervision:
    def __init__(self, state: State) -> None:
        self._state = state
        self._processes: Sequence[Process] = ()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._revived: list[float] = []

    def claim(self) -> None:
        """Makes this the only run of its LABKIT_HOME; the kernel gives the claim up however we end."""
        self._lock = (self._state.run / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            raise OperatorError(
                f"labkit already runs on {self._state.home} (process {self._lock.read().strip()}).",
                instead="Use it, end it with Ctrl-C where it runs, or set LABKIT_HOME and LABKIT_PORT for another.",
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def start(self, processes: Sequence[Process]) -> None:
        self._processes = processes
        self._state.write_config("ready", {process.name: process.ready for process in processes})
        config = self._state.run / "supervisord.conf"
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self._config())
        argv = [
            *_ends_with_us("TERM"),
            sys.executable,
            "-m",
            "supervisor.supervisord",
            "--nodaemon",
            "--configuration",
            str(config),
        ]
        # A session of its own: Ctrl-C in the terminal reaches us only, and we end the rest in order.
        with (self._state.log / "supervisor.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def wait_until_ready(
        self, tell: Callable[[str], None], stop: threading.Event, *, warm: bool, seconds: float = 180
    ) -> None:
        """Returns once the processes people sign in with answer (with `warm`, the others), or `stop` is set.

        `tell` hears of each as it answers. Raises OperatorError for one that does not.
        """
        waiting = {process.name: process for process in self._processes if process.warms is warm}
        end = time.monotonic() + seconds
        while waiting and not stop.wait(0.1):
            for name, process in list(waiting.items()):
                if answers(process.ready, host=process.host):
                    del waiting[name]
                    tell(name)
            if waiting and (time.monotonic() > end or not self.alive()):
                self._explain(waiting)

    def revive(self) -> None:
        """Starts the supervisor again where it was killed; its processes died with it, learners' servers did not.

        Raises OperatorError where it dies again and again.
        """
        now = time.monotonic()
        self._revived = [*(at for at in self._revived if now - at < _REVIVAL_SECONDS), now]
        if len(self._revived) > _REVIVALS:
            log = self._state.log / "supervisord.log"
            raise OperatorError("The supervisor ends again and again.", instead=f"Its log is {log}.")
        self.start(self._processes)

    def alive(self) -> bool:
        return self._daemon is not None and self._daemon.poll() is None

    def stop(self) -> None:
        """Ends every process of this run; returns once they are gone, within 10 seconds."""
        if self._daemon is None:
            return
        if self.alive():
            self._daemon.send_signal(signal.SIGTERM)
        try:
            self._daemon.wait(_POLITE_SECONDS + 2.5)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()

    def _explain(self, waiting: dict[str, Process]) -> None:
        name = sorted(waiting)[0]
        log = self._state.log / f"{name}.log"
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
        said = f" Its last words: {last[0]}" if last else ""
        raise OperatorError(
            f"{', '.join(sorted(waiting))} did not start.{said}", instead=f"The whole story is in {log}."
        )

    def _config(self) -> str:
        run, log = self._state.run, self._state.log
        names = ",".join(process.name for process in self._processes)
        head = (
            f"[supervisord]\nlogfile={log}/supervisord.log\npidfile={run}/supervisord.pid\nloglevel=warn\n"
            f"childlogdir={log}\nnocleanup=true\n\n"
            f"[unix_http_server]\nfile={run}/supervisor.sock\nchmod=0700\n\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n"
            f"[supervisorctl]\nserverurl=unix://{run}/supervisor.sock\n\n"
            # One group: Supervisor ends a group's programs together, but groups one after another.
            f"[group:labkit]\nprograms={names}\n\n"
        )
        return head + "\n".join(self._program(process) for process in self._processes)

    def _program(self, process: Process) -> str:
        command = " ".join(_quoted(word) for word in (*_ends_with_us("KILL"), *process.argv))
        environment = ",".join(f"{key}={_quoted(value)}" for key, value in clean_environment(process).items())
        return (
            f"[program:{process.name}]\ncommand={command}\nenvironment={environment}\n"
            # Never given up: a database that is away for an hour comes back, and nobody should have to help.
            f"directory={Path(self._state.home)}\nautorestart=true\nstartsecs=2\nstartretries=1000000\n"
            f"stopasgroup=false\nkillasgroup=true\nstopwaitsecs={_POLITE_SECONDS}\n"
            f"redirect_stderr=true\nstdout_logfile={self._state.log}/{process.name}.log\n"
            "stdout_logfile_maxbytes=5MB\nstdout_logfile_backups=2\n"
        )


def _ends_with_us(sign: str) -> tuple[str, ...]:
    """A killed parent must leave nobody behind that holds a port or a file: the kernel tells the child."""
    return ("setpriv", "--pdeathsig", sign, "--")


def _quoted(text: str) -> str:
    """For Supervisor's file: quoted, with its own % doubled."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
