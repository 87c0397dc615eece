"""Starts each learner's JupyterLab in a sandbox of its own on this machine; she needs no account of the system.

Covers: what `labkit.sandbox.bubblewrap` lists: she sees her home, the released courses and the programs, no other
learner's files or processes and nothing else of the platform's data; started as root, the host knows her server as an
unprivileged uid of her own. Does NOT cover: the network is the host's, so she reaches every loopback port (each of
them asks for a key); disk space of her home.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port
from traitlets import Integer, Unicode

import autograder
import hub_config
from hub_config import learner_server
from labkit.database import connect
from labkit.programme.enrolment import Enrolment
from labkit.sandbox import Bind, Limits, Running, Sandbox, start

_HOME = Sandbox.home
# Learners' host uids begin here: above what systems give people, below what container engines map.
_FIRST_UID = 1_800_000


class BubblewrapSpawner(Spawner):
    homes = Unicode(help="The folder that holds every learner's home.").tag(config=True)
    build = Unicode(help="The folder of built courses.").tag(config=True)
    config_folder = Unicode(help="What is bound as /etc/jupyter.").tag(config=True)
    log_folder = Unicode(help="Where servers' logs go.").tag(config=True)
    database_url = Unicode(help="Where enrolments are.").tag(config=True)
    memory_mb = Integer(2048, help="Memory of one server with its kernels.").tag(config=True)

    _running: Running | None = None

    async def start(self) -> tuple[str, int]:
        self.port = random_port()
        home = self._home()
        sandbox = await asyncio.to_thread(self._sandbox, home)
        log = Path(self.log_folder) / f"server-{self.user.name}.log"
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            # In the hub's main thread: the kernel ends the server with the thread that started it.
            self._running = start(sandbox, [*self.cmd, *self.get_args()], stdout=output, stderr=output)
        return "127.0.0.1", self.port

    async def poll(self) -> int | None:
        return 0 if self._running is None else self._running.process.poll()

    async def stop(self, now: bool = False) -> None:
        if self._running is not None:
            await asyncio.to_thread(self._running.end)
            self._running = None

    def _sandbox(self, home: Path) -> Sandbox:
        courses = self._courses()
        packages = [Path(str(package.__file__)).parent for package in (autograder, hub_config)]
        return Sandbox(
            binds=(
                Bind(home, _HOME, writable=True),
                Bind(Path(self.config_folder), learner_server.INSIDE),
                *(Bind(package) for package in packages),
                *(Bind(folder, f"/courses/{course}") for course, folder in courses.items()),
            ),
            env={**self.get_env(), "PYTHONDONTWRITEBYTECODE": "1"},
            limits=Limits(memory_mb=self.memory_mb, processes=256, files=4096, file_mb=1024, tmp_mb=256),
            uid=home.stat().st_uid,
            home=_HOME,
            network=True,
        )

    def _courses(self) -> dict[str, Path]:
        """The learners' side of each course she is in, as built."""
        engine = connect(self.database_url)
        try:
            mine = Enrolment(engine).courses(self.user.name)
        finally:
            engine.dispose()
        folders = {course: Path(self.build) / course / "learner" for course in mine}
        return {course: folder for course, folder in folders.items() if folder.is_dir()}

    def _home(self) -> Path:
        """Her home, made at her first start, owned by a host uid nobody else has."""
        home = Path(self.homes) / self.user.name
        if not home.is_dir():
            fresh = home.with_name(f".{home.name}.new")
            fresh.mkdir(mode=0o700, exist_ok=True)
            if os.geteuid() == 0:
                uid = self._free_uid()
                os.chown(fresh, uid, uid)
            fresh.rename(home)
        return home

    def _free_uid(self) -> int:
        taken = [folder.stat().st_uid for folder in Path(self.homes).iterdir()]
        return max([_FIRST_UID, *taken]) + 1

    def get_state(self) -> dict[str, Any]:
        # Nothing to remember: a server never outlives the hub's process.
        return {}
