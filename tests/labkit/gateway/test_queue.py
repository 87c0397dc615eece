"""Who is next: one learner's flood does not keep the others waiting."""

from __future__ import annotations

import asyncio

import pytest

from labkit.errors import TooManyAtOnce
from labkit.gateway.queue import FairQueue, Lane, Ticket


class Clock:
    """Goes on with every look at it, as a real one does."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


class Room:
    """A queue, a lane, and calls that run until they are told to end."""

    def __init__(self, slots: int = 4, **settings: int) -> None:
        self.clock, self.lane = Clock(), Lane(slots)
        self.queue = FairQueue(clock=self.clock, **settings)
        self.ends: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, who: str) -> Ticket:
        ticket = self.queue.join(who, [self.lane])
        self.ends[ticket.number] = asyncio.Event()
        self.tasks.append(asyncio.create_task(self._run(ticket)))
        return ticket

    async def _run(self, ticket: Ticket) -> None:
        async with self.queue.turn(ticket):
            await self.ends[ticket.number].wait()

    async def end(self, ticket: Ticket, seconds: float = 1.0) -> None:
        """The call ends after it has run for so long."""
        await settled()
        self.clock.now += seconds
        self.ends[ticket.number].set()
        await settled()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def settled() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def runs(ticket: Ticket) -> bool:
    return ticket.granted.done() and not ticket.granted.cancelled()


async def test_a_call_begins_at_once_where_there_is_room() -> None:
    room = Room(slots=2)
    assert [runs(room.ask(who)) for who in ("ana", "ben", "cora")] == [True, True, False]
    await room.close()


async def test_a_learner_runs_no_more_than_two_at_once() -> None:
    room = Room(slots=16)
    assert [runs(room.ask("ana")) for _ in range(4)] == [True, True, False, False]
    assert runs(room.ask("ben"))
    await room.close()


async def test_one_who_has_too_many_waiting_is_told_so_and_others_are_not() -> None:
    room = Room(slots=1, in_line=3)
    for _ in range(4):
        room.ask("ana")
    with pytest.raises(TooManyAtOnce, match="3 of your calls"):
        room.ask("ana")
    room.ask("ben")
    await room.close()


async def test_whoever_has_nothing_running_goes_before_one_who_has() -> None:
    room = Room(slots=1, at_once=9)
    first, second, ben = room.ask("ana"), room.ask("ana"), room.ask("ben")
    await room.end(first)
    assert (runs(second), runs(ben)) == (False, True)
    await room.close()


async def test_whoever_has_used_less_lately_goes_first_whatever_came_first() -> None:
    room = Room(slots=1)
    await room.end(room.ask("ana"), seconds=4)
    await room.end(room.ask("ben"), seconds=1)
    blocker, ana, ben, cora = (room.ask(who) for who in ("dan", "ana", "ben", "cora"))
    await room.end(blocker)
    assert [runs(one) for one in (ana, ben, cora)] == [False, False, True]
    await room.end(cora, seconds=0.5)
    assert [runs(one) for one in (ana, ben)] == [False, True]
    await room.close()


async def test_what_was_used_is_forgotten_by_halves() -> None:
    room = Room(slots=1)
    await room.end(room.ask("ana"), seconds=8)
    room.clock.now += 600
    await room.end(room.ask("ben"), seconds=1)
    blocker, ben, ana = room.ask("dan"), room.ask("ben"), room.ask("ana")
    await room.end(blocker)
    assert (runs(ben), runs(ana)) == (False, True)
    await room.close()


async def test_heavy_learners_together_take_a_quarter_of_a_lane_and_the_rest_stays_free() -> None:
    room = Room(slots=8)
    for who in ("dan", "eva", "fe"):
        await room.end(room.ask(who), seconds=1)
    for who in ("ana", "ben", "cora"):
        await room.end(room.ask(who), seconds=40)
    flood = [room.ask(who) for who in ("ana", "ben", "cora") for _ in range(4)]
    assert sum(map(runs, flood)) == 2
    assert all(runs(room.ask(who)) for who in ("dan", "eva", "fe", "gil", "hana", "ines"))
    await room.close()


async def test_of_one_learners_calls_the_first_to_come_is_the_first_to_go() -> None:
    room = Room(slots=1)
    running = room.ask("ana")
    waiting = [room.ask("ana") for _ in range(4)]
    for expected in waiting:
        await room.end(running)
        assert [one for one in waiting if runs(one)] == waiting[: waiting.index(expected) + 1]
        room.ask("ana")
        running = expected
    await room.close()


async def test_whoever_has_many_calls_is_told_that_they_go_two_at_a_time() -> None:
    room = Room(slots=8)
    tickets = [room.ask("ana") for _ in range(8)]
    seconds = room.lane.seconds
    told = [room.queue.standing(one).seconds for one in tickets[2:]]
    assert told == [turns * seconds for turns in (1, 1, 2, 2, 3, 3)]
    await room.close()


async def test_one_who_is_alone_has_the_whole_lane() -> None:
    room = Room(slots=8, at_once=8)
    assert all(runs(room.ask("ana")) for _ in range(8))
    await room.close()


async def test_second_calls_take_no_more_than_a_quarter_of_a_lane_either() -> None:
    room = Room(slots=8)
    for who in ("ana", "ben"):
        await room.end(room.ask(who))
    firsts = [room.ask(who) for who in ("ana", "ben", "cora", "dan")]
    seconds = [room.ask(who) for who in ("ana", "ben", "cora", "dan")]
    assert (sum(map(runs, firsts)), sum(map(runs, seconds))) == (4, 2)
    await room.close()


async def test_one_who_is_alone_is_never_heavy() -> None:
    room = Room(slots=8)
    await room.end(room.ask("ana"), seconds=600)
    assert not room.queue.is_heavy("ana")
    await room.close()


async def test_a_caller_who_gives_up_leaves_nothing_behind() -> None:
    room = Room(slots=1)
    blocker, ana, ben = room.ask("dan"), room.ask("ana"), room.ask("ben")
    await settled()
    room.tasks[1].cancel()
    await settled()
    assert (ana.granted.cancelled(), room.queue.waiting) == (True, 1)
    await room.end(blocker)
    assert runs(ben)
    await room.close()
    assert (room.lane.busy, room.queue.waiting) == (0, 0)


async def test_a_turn_granted_to_one_who_never_takes_it_is_given_back() -> None:
    room = Room(slots=1)
    ticket = room.queue.join("ana", [room.lane])
    assert (runs(ticket), room.lane.busy) == (True, 1)
    room.queue.leave(ticket)
    room.queue.leave(ticket)
    assert room.lane.busy == 0
    await room.close()


async def test_of_two_lanes_the_emptier_is_taken() -> None:
    queue, lanes = FairQueue(), [Lane(4), Lane(2)]
    granted = [queue.join(who, lanes).granted.result() for who in ("ana", "ben", "cora")]
    assert [lanes.index(lane) for lane in granted] == [0, 1, 0]


async def test_a_waiting_call_is_told_its_place_and_how_long_calls_took_of_late() -> None:
    room = Room(slots=1)
    for _ in range(60):
        await room.end(room.ask("dan"), seconds=2)
    blocker, ana, ben = room.ask("eva"), room.ask("ana"), room.ask("ben")
    assert [room.queue.standing(one).place for one in (ana, ben)] == [1, 2]
    assert room.queue.standing(ben).seconds == pytest.approx(4, rel=0.05)
    await room.end(blocker)
    assert room.queue.standing(ben).place == 1
    await room.close()
