"""One paid call: reserve the most it can cost, let it run, settle what it did cost, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from starlette.concurrency import run_in_threadpool

from labkit.allowance import Ledger, Reservation
from labkit.courses import Lab
from labkit.gateway.keys import Caller


@dataclass
class Call:
    """A running call. `spent` is what it has cost so far; `failed` says the platform broke it, so it costs nothing."""

    reservation: Reservation
    spent: int
    failed: bool = False


class Till:
    """Opens and closes calls on the ledger. `holder` is this process's name there."""

    def __init__(self, ledger: Ledger, holder: str) -> None:
        self._ledger, self._holder = ledger, holder

    async def open(self, caller: Caller, lab: Lab, prompt: int, answer: int) -> Call:
        """Reserves prompt and answer; AllowanceSpent if they no longer fit. Whoever opens a call closes it."""
        reservation = await run_in_threadpool(
            self._ledger.reserve, caller.username, caller.course, lab.id, lab.allowance, prompt + answer, self._holder
        )
        return Call(reservation, prompt)

    async def close(self, call: Call) -> None:
        # Also while the client's disconnect is cancelling us: the reservation must not stay open.
        with anyio.CancelScope(shield=True):
            if call.failed:
                await run_in_threadpool(self._ledger.release, call.reservation)
            else:
                await run_in_threadpool(self._ledger.settle, call.reservation, call.spent)

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
