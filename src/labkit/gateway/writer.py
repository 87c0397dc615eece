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
# A restarted PostgreSQL answers again after some seconds; a learner's client waits longer than all of these together.
_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)

_Future = asyncio.Future[Written]
_Batch = list[tuple[Entry, _Future]]


class Writer:
    """Writes to the ledger from one thread of its own, which starts with the first entry.

    A thread with a queue, not an executor: handing over and back is a tenth of a call's time in the gateway.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: _Batch = []
        self._busy = False
        self._here = ledger.hold_impatiently()
        self._inbox: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, entry: Entry, *, alone: bool = False) -> Written:
        """What `Ledger.write` gives for this entry; PlatformFault where the database stays away.

        `alone`: no other call runs, so nobody waits while the loop's own thread writes, and two changes of thread are
        saved. Where another process is writing just then, the ledger's thread waits for it as always.
        """
        if alone and self._here is not None and not self._busy:
            with suppress(OperationalError, InterfaceError):
                return self._ledger.write([entry], self._here)[0]
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, args=(loop,), name="ledger", daemon=True)
            self._thread.start()
        future: _Future = loop.create_future()
        self._waiting.append((entry, future))
        if not self._busy:
            self._send()
        return await future

    def close(self) -> None:
        """Ends the thread once it has written what it has."""
        self._inbox.put(None)
        if self._here:
            self._here.drop()
        if self._thread:
            self._thread.join(timeout=5)

    def _send(self) -> None:
        batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
        self._busy = True
        self._inbox.put(batch)

    def _done(self, batch: _Batch, found: Sequence[Written | Exception]) -> None:
        for (_, future), written in zip(batch, found, strict=True):
            if future.done():
                continue
            # A refusal is an answer to its caller, not a failure of the write.
            if isinstance(written, Exception) and not isinstance(written, AllowanceSpent):
                future.set_exception(written)
            else:
                future.set_result(written)
        self._busy = False
        if self._waiting:
            self._send()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        held = self._ledger.hold()
        try:
            while (batch := self._inbox.get()) is not None:
                found = self._write([entry for entry, _ in batch], held)
                loop.call_soon_threadsafe(self._done, batch, found)
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
                return self._ledger.write(entries, held)
            except (OperationalError, InterfaceError) as error:
                if pause is None:
                    _log.exception("The ledger does not answer")
                    message = "The platform could not write down what this call uses."
                    raise PlatformFault(message, instead="Ask again in a minute; nothing was charged.") from error
                time.sleep(pause)
        raise AssertionError("the last pause is None")
