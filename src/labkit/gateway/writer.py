"""Many calls' ledger entries in one transaction: what arrives while one is being written goes together in the next.

Each entry is on the disk before its caller goes on, and all of them share one sync. A database that goes away for some
seconds is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.exc import InterfaceError, OperationalError

from labkit.allowance import Ledger
from labkit.allowance.ledger import Entry, Written
from labkit.allowance.transaction import Held
from labkit.errors import AllowanceSpent, PlatformFault

_log = logging.getLogger(__name__)
_MOST_AT_ONCE = 64
_QUICK = 0.003  # seconds
# A restarted PostgreSQL answers again after some seconds; a learner's client waits longer than all of these together.
_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)

_Future = asyncio.Future[Written]
_Batch = list[tuple[Entry, _Future]]


class Writer:
    """Writes to the ledger: SQLite on the loop's own thread as long as the disk is quick, else from one of its own.

    Changes of thread are a third of what a call costs in the gateway, and a quick sync is shorter than they are. A slow
    disk, another process that is writing, and a database that is a server are waited for where nobody else waits: by a
    thread with a queue, not an executor, since handing over and back takes longer than the ledger itself.
    """

    def __init__(self, ledger: Ledger, *, quick: float = _QUICK) -> None:
        """`quick`: seconds that the loop may stand still for a batch."""
        self._ledger, self._quick = ledger, quick
        self._waiting: _Batch = []
        self._busy = False
        self._seconds = 0.0  # of a batch, of late
        self._here = ledger.hold_impatiently()
        self._inbox: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, entry: Entry) -> Written:
        """What `Ledger.write` gives for this entry; PlatformFault where the database stays away."""
        loop = asyncio.get_running_loop()
        future: _Future = loop.create_future()
        self._waiting.append((entry, future))
        if not self._busy:
            # Not at once: whatever else arrives in this turn of the loop goes along.
            self._busy = True
            loop.call_soon(self._next, loop)
        return await future

    def close(self) -> None:
        """Ends the thread once it has written what it has."""
        self._inbox.put(None)
        if self._here:
            self._here.drop()
        if self._thread:
            self._thread.join(timeout=5)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
        if self._here is not None and self._seconds < self._quick:
            # What cannot be written here, and why, is the thread's to find out.
            with suppress(Exception):
                found = self._timed([entry for entry, _ in batch], self._here)
                loop.call_soon(self._done, loop, batch, found)
                return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, args=(loop,), name="ledger", daemon=True)
            self._thread.start()
        self._inbox.put(batch)

    def _timed(self, entries: list[Entry], held: Held) -> list[Written]:
        began = time.monotonic()
        found = self._ledger.write(entries, held)
        self._seconds += (time.monotonic() - began - self._seconds) / 8
        return found

    def _done(self, loop: asyncio.AbstractEventLoop, batch: _Batch, found: Sequence[Written | Exception]) -> None:
        for (_, future), written in zip(batch, found, strict=True):
            if future.done():
                continue
            # A refusal is an answer to its caller, not a failure of the write.
            if isinstance(written, Exception) and not isinstance(written, AllowanceSpent):
                future.set_exception(written)
            else:
                future.set_result(written)
        self._busy = bool(self._waiting)
        if self._waiting:
            self._next(loop)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        held = self._ledger.hold()
        try:
            while (batch := self._inbox.get()) is not None:
                found = self._write([entry for entry, _ in batch], held)
                loop.call_soon_threadsafe(self._done, loop, batch, found)
        except RuntimeError:
            _log.debug("The loop has ended; what was written stays written")
        finally:
            held.drop()

    def _write(self, entries: list[Entry], held: Held) -> Sequence[Written | Exception]:
        try:
            return self._surely(entries, held)
        except PlatformFault as fault:
            return [fault] * len(entries)
        except Exception as error:
            if len(entries) == 1:
                return [error]
            # One entry that cannot be written holds nobody else up.
            return [one for entry in entries for one in self._write([entry], held)]

    def _surely(self, entries: list[Entry], held: Held) -> list[Written]:
        """Asks the ledger until it answers, for some seconds."""
        for pause in (*_PAUSES, None):
            try:
                return self._timed(entries, held)
            except (OperationalError, InterfaceError) as error:
                if pause is None:
                    _log.exception("The ledger does not answer")
                    message = "The platform could not write down what this call uses."
                    raise PlatformFault(message, instead="Ask again in a minute; nothing was charged.") from error
                time.sleep(pause)
        raise AssertionError("the last pause is None")
