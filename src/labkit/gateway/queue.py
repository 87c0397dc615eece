"""The fair queue: who of those that wait is next, so that one learner's flood does not keep the others waiting.

A lane is one engine of a backend and answers so many calls at once. Whoever has the fewest calls running is next, then
whoever has used the least lately (seconds in a lane, half of them forgotten every minute). A learner may run two calls
at once in each lane. One who has used more than twice what a calm other uses (the lower quartile) is heavy. All calls
of heavy ones, and second calls of the others, take together at most a quarter of a lane; one who is alone has it all.

The bound: a learner who is not heavy waits only while the three quarters of the lane that those cannot take are full of
first calls of others, and of those that wait before her no more than one for each learner that has used less.

What this does not cover: calls in one lane share one machine, so each is slower while others run; the queue bounds who
runs, not how fast.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from labkit.errors import TooManyAtOnce

_HALF_LIFE = 60.0
_HEAVY = 2.0
# Seconds in a lane that nobody grudges anybody, however little the others use: a call of some seconds every minute.
_LITTLE = 8.0
_FIRST_GUESS = 5.0
_FORGOTTEN = 0.1
_MOST_KNOWN = 2_000


@dataclass(eq=False)
class Lane:
    """`slots` calls at once; `seconds` is how long one lasted of late."""

    slots: int
    seconds: float = _FIRST_GUESS
    running: Counter[str] = field(default_factory=Counter)

    @property
    def busy(self) -> int:
        return self.running.total()

    @property
    def heavy_slots(self) -> int:
        return max(1, self.slots // 4)


@dataclass(frozen=True)
class Standing:
    """Where a waiting call stands: `place` from 1, `seconds` until it begins as far as one can tell."""

    place: int
    seconds: float


@dataclass(eq=False)
class Ticket:
    """A call that waits for one of `lanes`."""

    who: str
    lanes: Sequence[Lane]
    number: int
    granted: asyncio.Future[Lane]
    taken: bool = False


@dataclass
class _Usage:
    seconds: float
    at: float


@dataclass(eq=False)
class FairQueue:
    """`at_once` calls of a learner run, `in_line` more wait; one more is refused."""

    at_once: int = 2
    in_line: int = 8
    clock: Callable[[], float] = time.monotonic
    _waiting: list[Ticket] = field(default_factory=list)
    _used: dict[str, _Usage] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def check(self, who: str) -> None:
        """Raises TooManyAtOnce for whoever has as many in line as may be."""
        if sum(one.who == who for one in self._waiting) >= self.in_line:
            raise TooManyAtOnce(
                f"{self.in_line} of your calls are waiting already.", instead="Wait for an answer before you ask more."
            )

    def join(self, who: str, lanes: Sequence[Lane], *, further: bool = False) -> Ticket:
        """A place in the queue; TooManyAtOnce for whoever has too many. Whoever joins takes a `turn`, or leaves.

        `further`: it is another part of a call that was let in before.
        """
        if not further:
            self.check(who)
        ticket = Ticket(who, lanes, next(self._numbers), asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        self._grant()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Gives the place up; one whose turn was taken has nothing to give up."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            ticket.granted.cancel()
        elif not ticket.taken and ticket.granted.done() and not ticket.granted.cancelled():
            ticket.taken = True
            self.ended(ticket.who, ticket.granted.result(), 0.0)

    def turn(self, ticket: Ticket) -> Turn:
        """`async with` it: waits until the call may begin; within the block it runs in the lane it gives."""
        return Turn(self, ticket)

    def standing(self, ticket: Ticket) -> Standing:
        rivals = [one for one in self._in_order() if one is ticket or set(one.lanes) & set(ticket.lanes)]
        place = rivals.index(ticket) + 1 if ticket in rivals else 1
        slots = sum(lane.slots for lane in ticket.lanes)
        # Her own calls before this one go `at_once` at a time, however free the lane is.
        hers = self._running(ticket.who, ticket.lanes) + sum(one.who == ticket.who for one in rivals[:place])
        seconds = max(lane.seconds for lane in ticket.lanes)
        return Standing(place, seconds * max(place / slots, (hers - 1) // self.at_once))

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def is_heavy(self, who: str) -> bool:
        mine = self._usage(who)
        if mine <= _LITTLE:
            return False
        others = sorted(self._others(who))
        return bool(others) and mine > _HEAVY * others[len(others) // 4]

    def _others(self, who: str) -> list[float]:
        """What everybody else has used lately; nothing for those who have only waited so far."""
        used = [mine for one in self._used if one != who and (mine := self._usage(one)) > _FORGOTTEN]
        return used or [0.0 for one in self._waiting if one.who != who]

    def _grant(self) -> None:
        for ticket in self._in_order():
            # One whose caller has just gone is cancelled before it can leave.
            lane = None if ticket.granted.done() else self._free(ticket)
            if lane is not None:
                self._waiting.remove(ticket)
                lane.running[ticket.who] += 1
                ticket.granted.set_result(lane)

    def _in_order(self) -> list[Ticket]:
        if len(self._waiting) < 2:
            return list(self._waiting)
        # Once for each person: time goes on meanwhile, and a later call of hers would seem to follow on less use.
        used = {one.who: self._usage(one.who) for one in self._waiting}
        return sorted(self._waiting, key=lambda one: (self._running(one.who, one.lanes), used[one.who], one.number))

    def _free(self, ticket: Ticket) -> Lane | None:
        if self._running(ticket.who, ticket.lanes) >= self.at_once:
            return None
        free = [lane for lane in ticket.lanes if lane.busy < lane.slots]
        second = self._running(ticket.who, ticket.lanes) > 0 and bool(self._others(ticket.who))
        if free and (second or self.is_heavy(ticket.who)):
            free = [lane for lane in free if self._heavy_busy(lane) < lane.heavy_slots]
        return min(free, key=lambda lane: lane.busy / lane.slots, default=None)

    @staticmethod
    def _running(who: str, lanes: Sequence[Lane]) -> int:
        return sum(lane.running[who] for lane in lanes)

    def _heavy_busy(self, lane: Lane) -> int:
        return sum(number if self.is_heavy(who) else number - 1 for who, number in lane.running.items())

    def _usage(self, who: str) -> float:
        """Seconds in a lane, half of them forgotten every minute."""
        used = self._used.get(who)
        return used.seconds * 0.5 ** ((self.clock() - used.at) / _HALF_LIFE) if used else 0.0

    def ended(self, who: str, lane: Lane, seconds: float) -> None:
        """A call has left its lane."""
        lane.running[who] -= 1
        if not lane.running[who]:
            del lane.running[who]
        if seconds:
            lane.seconds += (seconds - lane.seconds) / 8
        self._used[who] = _Usage(self._usage(who) + seconds, self.clock())
        if len(self._used) > _MOST_KNOWN:
            self._used = {one: used for one, used in self._used.items() if self._usage(one) > _FORGOTTEN}
        self._grant()


class Turn:
    """One call's stay in a lane."""

    def __init__(self, queue: FairQueue, ticket: Ticket) -> None:
        self._queue, self._ticket = queue, ticket
        self._began = 0.0

    async def __aenter__(self) -> Lane:
        try:
            lane = await self._ticket.granted
        except asyncio.CancelledError:
            self._queue.leave(self._ticket)
            raise
        self._ticket.taken, self._began = True, self._queue.clock()
        return lane

    async def __aexit__(self, *_: object) -> None:
        self._queue.ended(self._ticket.who, self._ticket.granted.result(), self._queue.clock() - self._began)
