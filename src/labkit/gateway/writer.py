"""Many calls' ledger entries in one transaction: what arrives while one is being written goes together in the next.

Each entry is on the disk before its caller goes on, and all of them share one sync. A database that goes away for some
seconds is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import InterfaceError, OperationalError

from labkit.allowance import Ledger
from labkit.allowance.ledger import Entry, Written
from labkit.errors import PlatformFault

_log = logging.getLogger(__name__)
_MOST_AT_ONCE = 64
# A restarted PostgreSQL answers again after some seconds; a learner's client waits longer than all of these together.
_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)


class Writer:
    """Writes to the ledger from one thread of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[Entry, asyncio.Future[Written]]] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def write(self, entry: Entry) -> Written:
        """What `Ledger.write` gives for this entry; PlatformFault where the database stays away."""
        future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await future

    def close(self) -> None:
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
            try:
                await self._write(batch)
            except BaseException as error:
                _fail(batch, error)
                raise

    async def _write(self, batch: Sequence[tuple[Entry, asyncio.Future[Written]]]) -> None:
        try:
            found = await self._surely([entry for entry, _ in batch])
        except Exception as error:
            if len(batch) == 1 or isinstance(error, PlatformFault):
                _fail(batch, error)
                return
            for one in batch:  # one entry that cannot be written holds nobody else up
                await self._write([one])
            return
        for (_, future), written in zip(batch, found, strict=True):
            if not future.done():
                future.set_result(written)

    async def _surely(self, entries: list[Entry]) -> list[Written]:
        """Asks the ledger until it answers, for some seconds."""
        loop = asyncio.get_running_loop()
        for pause in (*_PAUSES, None):
            try:
                return await loop.run_in_executor(self._thread, self._ledger.write, entries)
            except (OperationalError, InterfaceError) as error:
                if pause is None:
                    _log.exception("The ledger does not answer")
                    message = "The platform could not write down what this call uses."
                    raise PlatformFault(message, instead="Ask again in a minute; nothing was charged.") from error
                await asyncio.sleep(pause)
        raise AssertionError("the last pause is None")


def _fail(batch: Sequence[tuple[Entry, asyncio.Future[Written]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
