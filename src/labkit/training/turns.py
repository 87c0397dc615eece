"""Whose job is next, and when each will be done.

Jobs are taken up until what they send through the base in a step fills it: beyond `FULL` tokens a pass gains nothing
by being larger (measured: see docs/training.md), and whoever waits waits for fewer. People take turns: everybody's
first job before anybody's second. A job that was begun goes on until it is done, or until its owner has had `SLICE`
seconds of the machine more, in the last hour, than somebody who waits; then it waits behind those who have had less,
and goes on where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.training.job import Job

FULL = 512.0
MOST_TOGETHER = 16
MOST_STEP = 4096  # tokens of one job; some seconds of one processor
_MOST_CHANGES = 2_000  # of a queue that is thought through
SLICE = 120.0  # seconds; a training of a lab's usual size is done long before


@dataclass(frozen=True)
class Forecast:
    """`place` is 0 for a job at work, else its place in the queue from 1; `seconds` until it is done."""

    place: int
    seconds: float


Had = Mapping[str, float]


def in_turn(running: Sequence[Job], waiting: Sequence[Job], had: Had) -> list[Job]:
    """The waiting ones in the order in which they will be taken: by the slices that their people have `had` of the
    machine lately (seconds, by username), by how many of hers come before, then by age."""
    held = Counter(job.username for job in running)
    ranked = []
    for place, job in enumerate(sorted(waiting, key=lambda one: (one.created_at, one.id))):
        ranked.append((slices(had, job), held[job.username], place, job))
        held[job.username] += 1
    return [job for *_, job in sorted(ranked, key=lambda one: one[:3])]


def slices(had: Had, job: Job) -> int:
    """How many whole ones its owner has had lately."""
    return int(had.get(job.username, 0.0) // SLICE)


def gives_way(running: Sequence[Job], waits: Job, had: Had) -> Job | None:
    """Whoever of those at work leaves for one that waits: whose owner has had most, if that is a slice more."""
    most = max(running, key=lambda one: had.get(one.username, 0.0), default=None)
    return most if most is not None and slices(had, most) > slices(had, waits) else None


def room_for(running: Sequence[float], job: float) -> bool:
    """Whether a job of so many tokens a step may join those; one alone always may."""
    if not running:
        return True
    return len(running) < MOST_TOGETHER and sum(running) + job <= FULL


def forecast(
    running: Sequence[Job], waiting: Sequence[Job], tokens_per_second: float, had: Had
) -> Mapping[str, Forecast]:
    """When each will be done, as the worker will take them: from one change of its queue to the next."""
    waits = in_turn(running, waiting, had)
    place = {job.id: number for number, job in enumerate(waits, start=1)}
    model, active = _Model([*running, *waits], max(tokens_per_second, 1e-6), dict(had)), list(running)
    while (active or waits) and model.changes < _MOST_CHANGES:
        waits = in_turn(active, waits, model.had)
        while waits and room_for([model.size[one.id] for one in active], model.size[waits[0].id]):
            active.append(waits.pop(0))
        if waits and (leaves := gives_way(active, waits[0], model.had)):
            active.remove(leaves)
            active.append(waits.pop(0))
            waits.append(leaves)
        active = model.advance(active, someone_waits=bool(waits))
    done = model.done | dict.fromkeys((one.id for one in (*active, *waits)), model.now)
    return {id: Forecast(place.get(id, 0), seconds) for id, seconds in done.items()}


class _Model:
    """Of the worker: `left` tokens of each job, seconds that people have `had`, `now` seconds from now."""

    def __init__(self, jobs: Sequence[Job], speed: float, had: dict[str, float]) -> None:
        self.left = {job.id: max(job.work_left, 1.0) for job in jobs}
        self.size = {job.id: max(job.step_tokens, 1.0) for job in jobs}
        self.had, self.done = had, dict[str, float]()
        self.now, self.changes, self._speed = 0.0, 0, speed

    def advance(self, active: Sequence[Job], *, someone_waits: bool) -> list[Job]:
        """A step of each in each round, until the first is done or its owner has had a slice; those that go on."""
        self.changes += 1
        rounds = min(self.left[one.id] / self.size[one.id] for one in active)
        if someone_waits:
            to_go = (SLICE - self.had.get(one.username, 0.0) % SLICE + 1e-6 for one in active)
            rounds = min(rounds, *(s * self._speed / self.size[one.id] for s, one in zip(to_go, active, strict=True)))
        for one in active:
            tokens = rounds * self.size[one.id]
            self.left[one.id] -= tokens
            self.had[one.username] = self.had.get(one.username, 0.0) + tokens / self._speed
            self.now += tokens / self._speed
        over = [one for one in active if self.left[one.id] <= 1e-6 * self.size[one.id]]
        self.done |= dict.fromkeys((one.id for one in over), self.now)
        return [one for one in active if one not in over]
