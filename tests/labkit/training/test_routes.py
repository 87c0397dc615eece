"""A download that nobody waits for any more ends where it is made, and says nothing of a fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect

from labkit.training.routes import TrainingRoutes

JOB = SimpleNamespace(id="ftjob-" + "0a" * 12, course="c", lab="l")
SCOPE = {
    **{"type": "http", "asgi": {"spec_version": "2.3"}, "method": "GET", "query_string": b"format=safetensors"},
    **{"path": f"/labs/c/l/v1/fine_tuning/jobs/{JOB.id}/adapter", "headers": []},
}


class Makes:
    """In place of what makes a download: its first piece is long in coming."""

    def __init__(self) -> None:
        self.begun, self.ready, self.closed = asyncio.Event(), asyncio.Event(), 0

    async def pieces(self, job: Any, form: str) -> AsyncGenerator[bytes, None]:
        self.begun.set()
        try:
            await self.ready.wait()
            yield b"one"
            yield b"two"
        finally:
            self.closed += 1


@pytest.fixture
def makes() -> Makes:
    return Makes()


@pytest.fixture
def app(makes: Makes) -> Starlette:
    async def admit(_request: Any) -> Any:
        return SimpleNamespace(username="ana", lab=SimpleNamespace(course="c", id="l"))

    service: Any = SimpleNamespace(jobs=SimpleNamespace(get=lambda _id, _username: JOB))
    takeaway: Any = makes
    body: Any = None
    return Starlette(routes=TrainingRoutes(service, takeaway, admit, body).routes())


async def asks(app: Starlette, gone: asyncio.Event) -> list[dict[str, Any]]:
    """What is sent to one who leaves once `gone` is set."""
    sent: list[dict[str, Any]] = []
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(dict(SCOPE), receive, send)
    return sent


async def test_who_leaves_before_the_first_piece_ends_what_is_made_for_her(app, makes):
    gone = asyncio.Event()
    task = asyncio.create_task(asks(app, gone))
    await makes.begun.wait()
    gone.set()

    with pytest.raises(ClientDisconnect):  # the gateway answers it with nothing
        await asyncio.wait_for(task, 20)
    assert makes.closed == 1


async def test_who_stays_gets_every_piece(app, makes):
    makes.ready.set()
    sent = await asyncio.wait_for(asks(app, asyncio.Event()), 20)

    assert b"".join(one.get("body", b"") for one in sent) == b"onetwo"
    assert makes.closed == 1
