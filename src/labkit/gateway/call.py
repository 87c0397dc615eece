"""One paid call: reserve the most it can cost, let it run, settle what it did cost, whatever happens in between.

What a call used is on the disk, with a line of its own in the ledger, before the caller hears that it is complete. A
database that goes away for some seconds is waited for; one that stays away costs the learner nothing: `tidy` gives
back what no running call answers for.

What this does not cover: a client that leaves before a complete answer reached it is charged for what was made.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import anyio
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from labkit.allowance import Ledger, Reservation
from labkit.courses import Lab
from labkit.errors import PlatformFault
from labkit.gateway.keys import Caller

T = TypeVar("T")
_log = logging.getLogger(__name__)
# A restarted PostgreSQL answers again after some seconds; a learner's client waits longer than all of these together.
_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
_TIDY_SECONDS = 2.0


@dataclass
class Call:
    """A running call. `spent` is what it has cost so far; `failed` says the platform broke it, so it costs nothing.

    Once `closed`, `charge` is the id of its line in the ledger; empty if it cost nothing.
    """

    reservation: Reservation
    spent: int
    failed: bool = False
    closed: bool = False
    charge: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What an answer that is not streamed carries."""
        return {"X-Labkit-Charge": self.charge} if self.charge else {}


class Till:
    """Opens and closes calls on the ledger. `holder` is this process's name there."""

    def __init__(self, ledger: Ledger, holder: str) -> None:
        self._ledger, self._holder = ledger, holder
        self._running: set[str] = set()

    async def open(self, caller: Caller, lab: Lab, prompt: int, answer: int) -> Call:
        """Reserves prompt and answer; AllowanceSpent if they no longer fit. Whoever opens a call closes it."""

        def reserve() -> Reservation:
            # Known before it is made: whatever happens meanwhile, `tidy` can tell whether somebody answers for it.
            name = uuid.uuid4().hex
            self._running.add(name)
            where = (caller.username, caller.course, lab.id)
            try:
                return self._ledger.reserve(*where, lab.allowance, prompt + answer, self._holder, id=name)
            except BaseException:
                self._running.discard(name)
                raise

        # Not cut short: a reservation nobody was told of would stay among the running ones.
        with anyio.CancelScope(shield=True):
            reservation = await _surely(reserve)
        return Call(reservation, prompt)

    async def close(self, call: Call) -> None:
        """Settles or gives back, once. Raises PlatformFault where the database stays away; nothing is charged then."""
        # Also while the client's disconnect is cancelling us: the reservation must not stay open.
        with anyio.CancelScope(shield=True):
            if call.closed:
                return
            call.closed = True
            try:
                # What failed is given back by `tidy`, which never gives up; what was used must be written down now.
                if not call.failed:
                    charged = await _surely(lambda: self._ledger.settle(call.reservation, call.spent))
                    call.charge = call.reservation.id if charged else ""
            finally:
                self._running.discard(call.reservation.id)
            if call.failed:
                await self.tidy()

    @asynccontextmanager
    async def paid(self, caller: Caller, lab: Lab, prompt: int, answer: int) -> AsyncIterator[Call]:
        """A call that ends within a block. An error in the block means that it costs nothing."""
        call = await self.open(caller, lab, prompt, answer)
        try:
            yield call
        except BaseException:
            call.failed = True
            raise
        finally:
            await self.close(call)

    async def tidy(self) -> None:
        """Gives back what no running call answers for: a crash's, a lost connection's, a failed call's."""
        try:
            await run_in_threadpool(self._ledger.recover, self._holder, alive=self._running.__contains__)
        except SQLAlchemyError as error:
            _log.warning("The ledger could not be tidied (%s); it is tried again", type(error).__name__)

    async def keep_tidy(self) -> None:
        """Tidies for as long as it runs."""
        while True:
            await anyio.sleep(_TIDY_SECONDS)
            await self.tidy()


async def _surely(ask: Callable[[], T]) -> T:
    """Asks the ledger until it answers, for some seconds. What is asked must bear to be asked twice."""
    for pause in (*_PAUSES, None):
        try:
            return await run_in_threadpool(ask)
        except (OperationalError, InterfaceError) as error:
            if pause is None:
                _log.exception("The ledger does not answer")
                message = "The platform could not write down what this call uses."
                raise PlatformFault(message, instead="Ask again in a minute; nothing was charged.") from error
            await anyio.sleep(pause)
    raise AssertionError("the last pause is None")
