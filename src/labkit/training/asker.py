"""Whoever asked for something long may leave before she has it: what is done for her then ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import anyio
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


async def while_there(request: Request, work: Awaitable[T]) -> T:
    """What `work` gives or raises; ClientDisconnect once whoever asked is gone, and `work` is cancelled.

    The request's body must have been read, where it has one that matters.
    """
    with anyio.CancelScope() as scope:  # unlike a task's own cancelling, it waits for a thread that is at work

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            scope.cancel()

        watching = asyncio.create_task(watch())
        try:
            return await work
        finally:
            watching.cancel()
    raise ClientDisconnect
