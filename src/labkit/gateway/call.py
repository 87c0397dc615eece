"""One paid call: reserve the most it can cost, let it run, settle what it did cost, whatever happens in between.

What a call used is on the disk, with a line of its own in the ledger and one in the audit, before the caller hears
that it is complete. A database that goes away for some seconds is waited for; one that stays away costs the learner
nothing: `tidy` gives back what no running call answers for.

What this does not cover: a client that leaves before a complete answer reached it is charged for what was made.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from labkit.allowance import Asked, Ledger, Reservation, Settlement, Told
from labkit.errors import LabkitError, LearnerError, ModelPaused
from labkit.gateway.place import Place
from labkit.gateway.writer import Writer

_log = logging.getLogger(__name__)
_TIDY_SECONDS = 2.0
_UNNAMED = Asked()


@dataclass
class Call:
    """A running call. `spent` is what it has cost so far; `failed` says the platform broke it, so it costs nothing.

    Once `closed`, `charge` is the id of its line in the ledger; empty if it cost nothing.
    """

    place: Place
    reservation: Reservation
    prompt: int
    spent: int
    asked: str = ""
    answered: str = ""
    failed: bool = False
    outcome: str = "complete"
    opened: float = 0.0
    began: float = 0.0  # when a model began to work on it, on the monotonic clock; 0: it still waits
    closed: bool = False
    charge: str = ""

    def begin(self) -> None:
        """A model is at work on it from now."""
        self.began = self.began or time.monotonic()

    def broken(self, error: BaseException, paid: tuple[type[BaseException], ...] = ()) -> None:
        """It ended with an error. It costs nothing, but for the `paid` kinds: what was made was then hers."""
        gone, refused = isinstance(error, ClientDisconnect), isinstance(error, LearnerError)
        # Whoever goes has had the model work; whoever is refused before a word came has had nothing.
        self.failed = not isinstance(error, paid) or (refused and self.spent <= self.prompt)
        paused = isinstance(error, ModelPaused)
        self.outcome = "cancelled" if gone else "paused" if paused else "refused" if refused else "failed"

    @property
    def headers(self) -> dict[str, str]:
        """What an answer that is not streamed carries: its line in the ledger, and what is left."""
        return {**self.left, **({"X-Labkit-Charge": self.charge} if self.charge else {})}

    @property
    def left(self) -> dict[str, str]:
        """OpenAI's rate limit headers for the tightest of her allowances, as they were when the call began."""
        found: dict[str, str] = {"X-Labkit-Call": self.reservation.id}
        bounded = [one for _, one in self.reservation.balances if one.limit is not None]
        if bounded:
            tightest = min(bounded, key=lambda one: one.left)
            found["X-RateLimit-Limit-Tokens"] = str(tightest.limit)
            found["X-RateLimit-Remaining-Tokens"] = str(tightest.left)
            if tightest.resets_at:
                found["X-RateLimit-Reset-Tokens"] = tightest.resets_at.isoformat()
        counted = [one for _, one in self.reservation.balances if one.most_requests is not None]
        if counted:
            tightest = min(counted, key=lambda one: one.requests_left or 0)
            found["X-RateLimit-Limit-Requests"] = str(tightest.most_requests)
            found["X-RateLimit-Remaining-Requests"] = str(tightest.requests_left)
        return found

    def told(self) -> Told:
        now = time.monotonic()
        began = self.began or now
        # Of what costs nothing no tokens are told, so that the tokens of all calls are those that were charged.
        spent = 0 if self.failed or not self.began else self.spent
        prompt = min(self.prompt, spent)
        return Told(self.outcome, prompt, spent - prompt, max(0.0, now - began), max(0.0, began - self.opened))


class Till:
    """Opens and closes calls on the ledger. `holder` is this process's name there; `keeps` says whether what was asked
    and answered is written down too."""

    def __init__(self, ledger: Ledger, holder: str, *, keeps: bool = False) -> None:
        self._ledger, self._holder, self._keeps = ledger, holder, keeps
        self._writer = Writer(ledger)
        self._running: set[str] = set()

    async def open(self, place: Place, prompt: int, answer: int, asked: Asked = _UNNAMED, text: str = "") -> Call:
        """Reserves prompt and answer; AllowanceSpent if they no longer fit. Whoever opens a call closes it."""
        # Known before it is made: whatever happens meanwhile, `tidy` can tell whether somebody answers for it.
        name = uuid.uuid4().hex
        self._running.add(name)
        order = place.order(prompt + answer, self._holder, name, asked)
        try:
            found = await self._writer.write(order)
            if isinstance(found, LabkitError):
                raise found
        except BaseException:
            # Also where its caller gave up while it was being written: `tidy` gives it back.
            self._running.discard(name)
            raise
        assert isinstance(found, Reservation)
        return Call(place, found, prompt, prompt, asked=text if self._keeps else "", opened=time.monotonic())

    async def close(self, call: Call) -> None:
        """Settles or gives back, once. Raises PlatformFault where the database stays away; nothing is charged then."""
        # Also while the client's disconnect is cancelling us: the reservation must not stay open.
        with anyio.CancelScope(shield=True):
            if call.closed:
                return
            call.closed = True
            who = call.place.caller.username
            texts = (who, call.asked, call.answered) if self._keeps and not call.failed else None
            # What a model never began to work on costs nothing either.
            used = None if call.failed or not call.began else call.spent
            try:
                entry = Settlement(call.reservation.id, used, call.told(), texts)
                charged = await self._writer.write(entry)
                call.charge = call.reservation.id if charged else ""
            except LabkitError:
                # What failed is given back by `tidy`, which never gives up; what was used had to be written down now.
                if not call.failed:
                    raise
            finally:
                self._running.discard(call.reservation.id)

    @asynccontextmanager
    async def paid(
        self,
        place: Place,
        prompt: int,
        answer: int,
        asked: Asked = _UNNAMED,
        text: str = "",
    ) -> AsyncIterator[Call]:
        """A call that ends within a block. An error in the block means that it costs nothing."""
        call = await self.open(place, prompt, answer, asked, text)
        try:
            yield call
        except BaseException as error:
            call.broken(error)
            raise
        finally:
            await self.close(call)

    async def tidy(self) -> None:
        """Gives back what no running call answers for: a crash's, a lost connection's, a failed call's."""
        try:
            await run_in_threadpool(self._ledger.recover, self._holder, alive=self._running.__contains__)
        except Exception as error:  # this must never end: nobody else gives back what was lost
            _log.warning("The ledger could not be tidied (%s); it is tried again", type(error).__name__)

    async def keep_tidy(self) -> None:
        """Tidies for as long as it runs."""
        while True:
            await anyio.sleep(_TIDY_SECONDS)
            await self.tidy()

    def end(self) -> None:
        self._writer.close()
