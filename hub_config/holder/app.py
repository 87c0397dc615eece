"""The holder's process: keeps what is running, opens the doors, answers the spawner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from aiohttp import web

from hub_config.holder import held as holding
from hub_config.holder.door import Door
from hub_config.holder.held import Held, Places
from hub_config.holder.watch import Watch
from labkit.errors import LabkitError
from labkit.sandbox import Bind, Limits, Sandbox

_EVERY = 0.2
log = logging.getLogger(__name__)


class Holder:
    """`targets` is where a door leads; `unsandboxed` allows what LABKIT_SERVERS=unsandboxed says."""

    def __init__(self, places: Places, targets: dict[str, str], *, unsandboxed: bool = False) -> None:
        self._places, self._targets, self._unsandboxed = places, targets, unsandboxed
        self._held: dict[str, Held] = {}
        self._watches: dict[str, Watch] = {}
        self._doors: dict[str, Door] = {}
        self._turn = asyncio.Lock()

    async def take_over(self) -> None:
        """At the start: what an earlier holder left running goes on; what ended meanwhile is forgotten."""
        for held in self._places.known():
            if held.alive():
                self._keep(held)
                await self._open(held.name)
            else:
                self._places.forget(held, "")

    async def start(self, name: str, spec: dict[str, Any]) -> Held:
        async with self._turn:
            if name in self._held:
                self._let_go(name, "")
            await self._open(name)
            held = await asyncio.to_thread(self._start, name, spec)
            self._keep(held)
            return held

    def running(self, name: str) -> bool:
        held = self._held.get(name)
        return held is not None and held.alive()

    def ended_for(self, name: str) -> str:
        return self._places.ended_for(name)

    async def end(self, name: str) -> None:
        self._let_go(name, "asked")
        if door := self._doors.pop(name, None):
            await door.close()

    async def end_all(self) -> None:
        for name in list(self._held):
            self._let_go(name, "asked")
        await asyncio.gather(*(door.close() for door in self._doors.values()))

    async def watch(self) -> None:
        """Holds every server to its limits, for ever."""
        while True:
            await asyncio.sleep(_EVERY)
            await asyncio.gather(*(self._look(held, self._watches[name]) for name, held in self._held.items()))

    async def _look(self, held: Held, watch: Watch) -> None:
        try:
            reason = await asyncio.to_thread(watch.look) if held.alive() else "itself"
        except Exception:
            # Such as a full disk: whatever it is, the limits of everybody else are still held, and hers next time.
            log.exception("A look at %s's server failed", held.name)
            return
        if reason and self._held.get(held.name) is held:
            self._let_go(held.name, reason)

    def _start(self, name: str, spec: dict[str, Any]) -> Held:
        log, home = Path(spec["log"]), Path(spec["home"])
        command, sandbox = spec["command"], spec["sandbox"]
        if spec["unsandboxed"]:
            if not self._unsandboxed or os.geteuid() == 0:
                raise OSError("unsandboxed servers are not allowed here")
            memory_mb = sandbox["limits"]["memory_mb"]
            return holding.start_unsandboxed(
                self._places, name, sandbox["env"], command, log=log, home=home, memory_mb=memory_mb
            )
        inside = _sandbox(sandbox, self._places.door(name))
        return holding.start(self._places, name, inside, command, log=log, home=home, home_mb=spec["home_mb"])

    async def _open(self, name: str) -> None:
        if name not in self._doors:
            door = Door(self._places.door(name), self._targets)
            await door.open()
            self._doors[name] = door

    def _keep(self, held: Held) -> None:
        self._held[held.name], self._watches[held.name] = held, Watch(held)

    def _let_go(self, name: str, reason: str) -> None:
        held = self._held.pop(name, None)
        self._watches.pop(name, None)
        if held is not None:
            held.end()
            self._places.forget(held, reason)


def _sandbox(spec: dict[str, Any], door: Path) -> Sandbox:
    """What the spawner asks for, with the door's folder to be seen inside and nothing that dies with us."""
    known = {field.name for field in fields(Sandbox)}
    values = {name: value for name, value in spec.items() if name in known}
    binds = tuple(Bind(Path(bind["source"]), bind["target"], bind["writable"]) for bind in spec["binds"])
    port, inside = spec["door"]
    values |= {"binds": (*binds, Bind(door.parent, str(Path(inside).parent))), "limits": Limits(**spec["limits"])}
    return Sandbox(**{**values, "door": (port, inside), "die_with_parent": False})


def application(holder: Holder) -> web.Application:
    """PUT, GET, DELETE /servers/NAME, GET /health; only our own account can open the socket it is served on."""

    async def put(request: web.Request) -> web.Response:
        try:
            held = await holder.start(request.match_info["name"], await request.json())
        except (OSError, LabkitError) as error:
            return web.json_response({"error": str(error)}, status=500)
        return web.json_response({"socket": held.socket})

    async def get(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.json_response({"running": holder.running(name), "ended_for": holder.ended_for(name)})

    async def delete(request: web.Request) -> web.Response:
        await holder.end(request.match_info["name"])
        return web.json_response({})

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def watching(_app: web.Application):  # type: ignore[no-untyped-def]
        await holder.take_over()
        task = asyncio.create_task(holder.watch())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await holder.end_all()

    app = web.Application(client_max_size=2**20)
    app.cleanup_ctx.append(watching)
    app.router.add_routes(
        [
            web.put("/servers/{name}", put),
            web.get("/servers/{name}", get),
            web.delete("/servers/{name}", delete),
            web.get("/health", health),
        ]
    )
    return app
