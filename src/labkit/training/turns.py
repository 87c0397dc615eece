"""Whose job is next, and when each will be done.

Jobs are taken up until what they send through the base in a step fills it: beyond `FULL` tokens a pass gains nothing
by being larger (measured: see docs/training.md), and whoever waits waits for fewer. People take turns: everybody's
first job before anybody's second. A job that was begun goes on until it is done or has had `SLICE` seconds of the
machine more than somebody who waits; then it waits behind those who have had less, and goes on where it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.training.job import Job

FULL = 512.0
MOST_TOGETHER = 16
SLICE = 120.0  # seconds; a training of a lab's usual size is done long before


@dataclass(frozen=True)
class Forecast:
    """`place` is 0 for a job at work, else its place in the queue from 1; `seconds` until it is done."""

    place: int
    seconds: float


def in_turn(running: Sequence[Job], waiting: Sequence[Job]) -> list[Job]:
    """The waiting ones in the order in which they will be taken: by the slices they have had, by how many of hers come
    before, then by age."""
    held = Counter(job.username for job in running)
    ranked = []
    for place, job in enumerate(sorted(waiting, key=lambda one: (one.created_at, one.id))):
        ranked.append((slices(job.seconds), held[job.username], place, job))
        held[job.username] += 1
    return [job for *_, job in sorted(ranked, key=lambda one: one[:3])]


def slices(seconds: float) -> int:
    """How many whole ones a job has had."""
    return int(seconds // SLICE)


def room_for(running: Sequence[float], job: float) -> bool:
    """Whether a job of so many tokens a step may join those; one alone always may."""
    if not running:
        return True
    return len(running) < MOST_TOGETHER and sum(running) + job <= FULL


def forecast(running: Sequence[Job], waiting: Sequence[Job], tokens_per_second: float) -> Mapping[str, Forecast]:
    """When each will be done, as the worker will take them: from one change of its queue to the next."""
    queue = in_turn(running, waiting)
    model = _Model([*running, *queue], max(tokens_per_second, 1e-6))
    place = {job.id: number for number, job in enumerate(queue, start=1)}
    active, waits = [job.id for job in running], [job.id for job in queue]
    while (active or waits) and model.changes < _MOST_CHANGES:
        while waits and room_for([model.size[one] for one in active], model.size[waits[0]]):
            active.append(waits.pop(0))
        if waits and (leaves := model.gives_way(active, waits[0])):
            active.remove(leaves)
            waits = sorted([*waits, leaves], key=lambda one: slices(model.had[one]))
            continue
        active = model.advance(active, someone_waits=bool(waits))
    done = model.done | dict.fromkeys((*active, *waits), model.now)
    return {id: Forecast(place.get(id, 0), seconds) for id, seconds in done.items()}


_MOST_CHANGES = 5_000


class _Model:
    """Of the worker: `left` tokens of each job, `had` seconds of the machine, `now` seconds from now."""

    def __init__(self, jobs: Sequence[Job], speed: float) -> None:
        self.left = {job.id: max(job.work_left, 1.0) for job in jobs}
        self.size = {job.id: max(job.step_tokens, 1.0) for job in jobs}
        self.had = {job.id: job.seconds for job in jobs}
        self.done: dict[str, float] = {}
        self.now, self.changes, self._speed = 0.0, 0, speed

    def gives_way(self, active: Sequence[str], waits: str) -> str | None:
        most = max(active, key=lambda one: self.had[one])
        return most if slices(self.had[most]) > slices(self.had[waits]) else None

    def advance(self, active: Sequence[str], *, someone_waits: bool) -> list[str]:
        """A step of each in each round, until the first is done or has had its slice; those that are not done."""
        self.changes += 1
        rounds = min(self.left[one] / self.size[one] for one in active)
        if someone_waits:
            to_go = (SLICE - self.had[one] % SLICE + 1e-6 for one in active)
            rounds = min(rounds, *(s * self._speed / self.size[one] for s, one in zip(to_go, active, strict=True)))
        for one in active:
            tokens = rounds * self.size[one]
            self.left[one] -= tokens
            self.had[one] += tokens / self._speed
            self.now += tokens / self._speed
        over = [one for one in active if self.left[one] <= 1e-6 * self.size[one]]
        self.done |= dict.fromkeys(over, self.now)
        return [one for one in active if one not in over]
