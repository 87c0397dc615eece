"""Server-sent events of one generation, paid for token by token until it ends or nobody listens any more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from labkit.errors import LabkitError, PlatformFault
from labkit.gateway.answers import error_body
from labkit.gateway.backends import Piece
from labkit.gateway.call import Call


class PaidStream(StreamingResponse):
    """Closes its call however the response ends.

    Not in the generator's `finally`: a client who is gone before the first event means a generator that never began,
    and one that never began never reaches its `finally`.
    """

    def __init__(self, events: AsyncIterator[str], close: Callable[[], Awaitable[None]]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._close()


async def events(
    pieces: AsyncIterator[Piece], first: Piece, call: Call, close: Callable[[], Awaitable[None]], *, include_usage: bool
) -> AsyncIterator[str]:
    """The events of `first` and the rest of `pieces`; a fault becomes an event, since the status is already sent.

    `[DONE]` comes only once `close` has put what the call used on the disk. The comment before it (a line that begins
    with a colon, which every client passes over) names the call's line in the ledger.
    """
    try:
        yield _event(first, call, include_usage)
        async for piece in pieces:
            yield _event(piece, call, include_usage)
        await close()
    except LabkitError as error:
        call.failed = True
        yield f"data: {json.dumps(error_body(error))}\n\n"
    except Exception:
        call.failed = True
        fault = PlatformFault("The gateway failed.", instead="Try again; nothing was charged.")
        yield f"data: {json.dumps(error_body(fault))}\n\n"
        raise
    else:
        if call.charge:
            yield f": labkit-charge {call.charge}\n\n"
        yield "data: [DONE]\n\n"


def _event(piece: Piece, call: Call, include_usage: bool) -> str:
    call.spent = max(call.spent, piece.tokens)
    chunk: dict[str, Any] = piece.chunk
    if not include_usage and chunk.get("usage"):
        chunk = {name: value for name, value in chunk.items() if name != "usage"}
        if not chunk["choices"]:
            return ""
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
