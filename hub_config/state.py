"""What lives in LABKIT_HOME, and where.

labkit.sqlite            people, allowances, submissions, scores (unless LABKIT_DATABASE names another)
hub.sqlite               JupyterHub's own tables
blobs/                   what learners handed in, by content
homes/NAME/              each learner's files
models/                  the prepared model and fetched ones; their lock; which terms who accepted
build/COURSE/            notebooks built from the courses' text
nbgrader/COURSE/         nbgrader's folders and gradebook.db
workshop/COURSE.git      each version of a course's text; workshop/previews what learners would see of it
training/                what learners train on, where a training goes on, and what came out
uploads/                 rosters between their plan and their application, for an hour
secrets/                 keys, each readable by its owner only
run/                     what one run writes for its processes; made anew at every start
log/                     one file a process
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import durable
from labkit.errors import OperatorError

# The secret that decides which hidden items each learner has.
DRAWS = "draws"


@dataclass(frozen=True)
class State:
    home: Path

    def folder(self, *parts: str, mode: int = 0o755) -> Path:
        path = self.home.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True, mode=mode)
        return path

    @property
    def run(self) -> Path:
        return self.folder("run", mode=0o711)

    @property
    def log(self) -> Path:
        return self.folder("log", mode=0o700)

    @property
    def build(self) -> Path:
        return self.folder("build")

    @property
    def workshop(self) -> Path:
        return self.folder("workshop", mode=0o700)

    @property
    def models(self) -> Path:
        return self.folder("models")

    @property
    def sockets(self) -> Path:
        """Where unix sockets are. Not in LABKIT_HOME: a socket's path has 107 bytes, and JupyterHub reads one in
        lower case."""
        name = f"labkit-{os.geteuid()}-{hashlib.sha256(str(self.home).encode()).hexdigest()[:12]}"
        return Path("/run" if os.geteuid() == 0 else "/tmp") / name

    def make_sockets(self) -> Path:
        """The folder for unix sockets, ours alone. Raises OperatorError where somebody else has made it."""
        path = self.sockets
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise OperatorError(f"{path} is not ours alone.", instead="Find out whose it is, and remove it.")
        return path

    @property
    def holder_socket(self) -> Path:
        return self.sockets / "holder"

    def secret_file(self, name: str) -> Path:
        """A file with a random secret, made at first use, readable by its owner only."""
        path = self.folder("secrets", mode=0o700) / name
        if not path.exists():
            durable.create(path, secrets.token_hex(32).encode(), 0o600)
        return path

    def private_file(self, name: str) -> Path:
        """A file that somebody else's program writes and only its owner may read; made empty if it is not there."""
        path = self.home / name
        path.touch(0o600)
        path.chmod(0o600)
        return path

    def secret(self, name: str) -> str:
        return self.secret_file(name).read_text()

    def ports(self) -> dict[str, int]:
        """The loopback ports of this run's processes, as `choose_ports` wrote them."""
        return json.loads((self.run / "ports.json").read_text())

    def choose_ports(self, names: tuple[str, ...]) -> dict[str, int]:
        """Free loopback ports, one for each name; the same ones as last time where they are still free."""
        path = self.run / "ports.json"
        try:
            last = {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
        except (OSError, ValueError, AttributeError):  # the first run, or a crash in the middle of writing
            last = {}
        chosen: dict[str, int] = {}
        for name in names:
            chosen[name] = last[name] if is_free(last.get(name, 0)) else free_port(set(chosen.values()))
        durable.write(path, json.dumps(chosen).encode())
        return chosen

    def write_config(self, name: str, values: dict[str, Any]) -> Path:
        """A process's settings, readable by its owner only."""
        path = self.run / f"{name}.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(values, file, indent=1)
        return path


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    if not port:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
