"""Server-sent events of one generation, paid for token by token until it ends or nobody listens any more."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import anyio
import orjson
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from labkit.errors import LabkitError, LearnerError, PlatformFault
from labkit.gateway.answers import error_body
from labkit.gateway.backends import Piece
from labkit.gateway.call import Call
from labkit.gateway.queue import Standing

Step = Piece | Standing
_log = logging.getLogger(__name__)
_READ_SECONDS = 10.0


class PaidStream(StreamingResponse):
    """Closes its call however the response ends.

    Not in the generator's `finally`: a client who is gone before the first event means a generator that never began,
    and one that never began never reaches its `finally`.
    """

    def __init__(
        self, events: AsyncIterator[str], close: Callable[[], Awaitable[None]], headers: Mapping[str, str]
    ) -> None:
        # No proxy on the way may wait for more than there is.
        plain = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers={**plain, **headers})
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            # A client that stops reading must not keep a place in a lane: other people wait for it.
            with anyio.fail_after(_READ_SECONDS):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            _log.warning("A stream was ended: its client read nothing for %s seconds", _READ_SECONDS)
        finally:
            await self._close()


async def events(
    steps: AsyncIterator[Step],
    first: Step | None,
    call: Call,
    close: Callable[[], Awaitable[None]],
    *,
    include_usage: bool,
) -> AsyncIterator[str]:
    """The events of `first` and the rest of `steps`; a fault becomes an event, since the status is already sent.

    `[DONE]` comes only once `close` has put what the call used on the disk. Comments (lines that begin with a colon,
    which every client passes over) tell the place in the queue, and before the end the call's line in the ledger.
    """
    call.outcome = "cancelled"  # until it has come to its end
    try:
        if first:
            yield _event(first, include_usage)
        async for step in steps:
            yield _event(step, include_usage)
        call.outcome = "complete"
        await close()
    except LabkitError as error:
        # What came before a pause or a refusal was hers to read, and is paid for; what failed through us is not.
        call.broken(error, paid=(LearnerError,))
        yield f"data: {json.dumps(error_body(error))}\n\n"
    except Exception as error:
        call.broken(error)
        fault = PlatformFault("The gateway failed.", instead="Try again; nothing was charged.")
        yield f"data: {json.dumps(error_body(fault))}\n\n"
        raise
    else:
        if call.charge:
            yield f": labkit-charge {call.charge}\n\n"
        yield "data: [DONE]\n\n"


def _event(step: Step, include_usage: bool) -> str:
    if isinstance(step, Standing):
        return f": labkit-queue {json.dumps({'place': step.place, 'seconds': round(step.seconds, 1)})}\n\n"
    chunk = step.chunk
    if not include_usage and chunk.get("usage"):
        chunk = {name: value for name, value in chunk.items() if name != "usage"}
        if not chunk["choices"]:
            return ""
    return f"data: {orjson.dumps(chunk).decode()}\n\n"
