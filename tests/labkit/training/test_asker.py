"""What is done for whoever asked ends when she is gone, and otherwise gives what it gives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from labkit.errors import RequestRefused
from labkit.training.asker import while_there


def request(*messages: str) -> Request:
    """These come at once; then nothing does."""
    coming = list(messages)

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        return {"type": coming.pop(0)}

    return Request({"type": "http", "method": "GET", "path": "/", "headers": []}, receive)


async def test_who_stays_gets_what_was_made():
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await while_there(request("http.request"), work()) == 7


async def test_what_goes_wrong_is_told_as_it_is():
    async def work() -> int:
        raise RequestRefused("No.", instead="Yes.")

    with pytest.raises(RequestRefused):
        await while_there(request(), work())


async def test_who_goes_ends_the_work():
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    with pytest.raises(ClientDisconnect):
        await asyncio.wait_for(while_there(request("http.request", "http.disconnect"), work()), 20)
    assert ended == ["work"]


async def test_a_task_that_is_cancelled_is_cancelled_and_nobody_is_said_to_have_gone():
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(while_there(request("http.request"), work()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
