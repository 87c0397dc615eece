"""Starts each learner's JupyterLab in a sandbox of its own on this machine; she needs no account of the system.

Covers: what `labkit.sandbox.bubblewrap` lists: she sees her home, the released courses and the programs, no other
learner's files or processes and nothing else of the platform's data; started as root, the host knows her server as an
unprivileged uid of her own. It has a network of its own, from which `hub_config.holder.door` leads to the hub's API,
the gateway's labs and the submissions service. It lives in the holder, so the hub's end is not its end.
Does NOT cover: what the sandbox's tier does not; the size of a home between two looks at it (`holder/watch.py`). With
LABKIT_SERVERS=unsandboxed nothing of this holds.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port
from traitlets import Bool, Integer, Unicode

import autograder
import hub_config
from hub_config import learner_server
from labkit.database import connect
from labkit.programme.enrolment import Enrolment
from labkit.sandbox import Limits, Sandbox

_HOME = Sandbox.home
# Where her own loopback leads out, and the socket it is joined to, as she sees them.
_DOOR = (8000, "/run/labkit/door")
# Learners' host uids begin here: above what systems give people, below what container engines map.
_FIRST_UID = 1_800_000
_PATIENCE_SECONDS = 30
# Two first starts at once must not choose the same uid.
_choosing = threading.Lock()


class BubblewrapSpawner(Spawner):
    homes = Unicode(help="The folder that holds every learner's home.").tag(config=True)
    build = Unicode(help="The folder of built courses.").tag(config=True)
    config_folder = Unicode(help="What is bound as /etc/jupyter.").tag(config=True)
    log_folder = Unicode(help="Where servers' logs go.").tag(config=True)
    database_url = Unicode(help="Where enrolments are.").tag(config=True)
    holder = Unicode(help="The holder's unix socket.").tag(config=True)
    memory_mb = Integer(2048, help="Memory of one server with its kernels.").tag(config=True)
    home_mb = Integer(2048, help="Disk space of one home.").tag(config=True)
    unsandboxed = Bool(False, help="Start servers with no walls at all.").tag(config=True)
    outside_url = Unicode(help="The platform's loopback address, for servers that are not in a sandbox.").tag(
        config=True
    )

    async def start(self) -> str:
        # On a loopback of its own any port is free.
        self.ip, self.port = "127.0.0.1", random_port() if self.unsandboxed else 8888
        home = await asyncio.to_thread(self._home)
        spec = {
            "command": [*self.cmd, *self.get_args()],
            "log": str(Path(self.log_folder) / f"server-{self.user.name}.log"),
            "home": str(home),
            "home_mb": self.home_mb,
            "unsandboxed": self.unsandboxed,
            "sandbox": await asyncio.to_thread(self._sandbox, home),
        }
        answer = await self._ask("PUT", spec)
        return f"http+unix://{quote(answer['socket'], safe='')}"

    async def poll(self) -> int | None:
        """None while it runs. A holder that is just being started again is waited for, not taken for an end."""
        answer = await self._ask("GET")
        if answer["running"]:
            return None
        if answer["ended_for"] in ("memory", "disk"):
            self.log.warning("%s's server was ended: too much %s", self.user.name, answer["ended_for"])
        return 0

    async def stop(self, now: bool = False) -> None:
        await self._ask("DELETE")

    async def _ask(self, method: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        transport = httpx.AsyncHTTPTransport(uds=self.holder)
        async with httpx.AsyncClient(transport=transport, base_url="http://holder", timeout=60) as client:
            for left in reversed(range(_PATIENCE_SECONDS)):
                try:
                    answer = await client.request(method, f"/servers/{self.user.name}", json=body)
                    break
                except httpx.TransportError:
                    if not left:
                        raise
                    await asyncio.sleep(1)
        content: dict[str, Any] = answer.json()
        if answer.is_error:
            raise RuntimeError(f"the holder: {content.get('error')}")
        return content

    def _sandbox(self, home: Path) -> dict[str, Any]:
        packages = [Path(str(package.__file__)).parent for package in (autograder, hub_config)]
        binds = [
            _bind(home, _HOME, writable=True),
            _bind(Path(self.config_folder), learner_server.INSIDE),
            _bind(Path(self.config_folder), learner_server.INSIDE_IPYTHON),
            *(_bind(package) for package in packages),
            *(_bind(folder, f"/courses/{course}") for course, folder in self._courses().items()),
        ]
        limits = Limits(
            memory_mb=self.memory_mb,
            processes=256,
            files=4096,
            file_mb=min(1024, self.home_mb),
            tmp_mb=256,
            nice=10,
            yields_memory=True,
        )
        env = self._environment(home)
        return {"binds": binds, "env": env, "limits": asdict(limits), "uid": home.stat().st_uid, "door": _DOOR}

    def _environment(self, home: Path) -> dict[str, str]:
        env = {**self.get_env(), "PYTHONDONTWRITEBYTECODE": "1"}
        if self.unsandboxed:
            path = f"{Path(self.cmd[0]).parent}{os.pathsep}{os.defpath}"
            return {
                **env,
                **{"HOME": str(home), "PATH": path, "LABKIT_URL": self.outside_url},
                **{"JUPYTER_CONFIG_PATH": self.config_folder, "TMPDIR": "/tmp"},
            }
        api = f"http://127.0.0.1:{_DOOR[0]}/hub/api"
        return {
            **env,
            "LABKIT_URL": f"http://127.0.0.1:{_DOOR[0]}",
            "JUPYTERHUB_API_URL": api,
            "JUPYTERHUB_ACTIVITY_URL": f"{api}/users/{self.user.escaped_name}/activity",
        }

    def _courses(self) -> dict[str, Path]:
        """The learners' side of each course she is in, as built; not before her cohort begins."""
        engine = connect(self.database_url)
        try:
            enrolment = Enrolment(engine)
            seats = [enrolment.seat(self.user.name, course) for course in enrolment.courses(self.user.name)]
        finally:
            engine.dispose()
        mine = [
            seat.cohort.course for seat in seats if seat and (seat.role != "learner" or seat.cohort.state() != "coming")
        ]
        folders = {course: Path(self.build) / course / "learner" for course in mine}
        return {course: folder for course, folder in folders.items() if folder.is_dir()}

    def _home(self) -> Path:
        """Her home, made at her first start, owned by a host uid nobody else has."""
        home = Path(self.homes) / self.user.name
        with _choosing:
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


def _bind(source: Path, target: str = "", *, writable: bool = False) -> dict[str, Any]:
    return {"source": str(source), "target": target, "writable": writable}
