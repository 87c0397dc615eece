"""Whose job is next, and when each will be done.

Jobs are taken up until what they send through the base in a step fills it: beyond `FULL` tokens a pass gains nothing
by being larger (measured: see docs/training.md), and whoever waits waits for fewer. People take turns: everybody's
first job before anybody's second. A job that was begun is finished, so nobody's half-trained adapter waits for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.training.job import Job

FULL = 512.0
MOST_TOGETHER = 16


@dataclass(frozen=True)
class Forecast:
    """`place` is 0 for a job at work, else its place in the queue from 1; `seconds` until it is done."""

    place: int
    seconds: float


def in_turn(running: Sequence[Job], waiting: Sequence[Job]) -> list[Job]:
    """The waiting ones in the order in which they will be taken: by how many of hers come before, then by age."""
    held = Counter(job.username for job in running)
    ranked = []
    for place, job in enumerate(sorted(waiting, key=lambda one: (one.created_at, one.id))):
        ranked.append((held[job.username], place, job))
        held[job.username] += 1
    return [job for _, _, job in sorted(ranked, key=lambda one: one[:2])]


def room_for(running: Sequence[float], job: float) -> bool:
    """Whether a job of so many tokens a step may join those; one alone always may."""
    if not running:
        return True
    return len(running) < MOST_TOGETHER and sum(running) + job <= FULL


def forecast(running: Sequence[Job], waiting: Sequence[Job], tokens_per_second: float) -> Mapping[str, Forecast]:
    """When each will be done, as the worker will take them: step by step through a model of its queue."""
    speed = max(tokens_per_second, 1e-6)
    left = {job.id: max(job.work_left, 1.0) for job in (*running, *waiting)}
    size = {job.id: max(job.step_tokens, 1.0) for job in (*running, *waiting)}
    queue = in_turn(running, waiting)
    place = {job.id: number for number, job in enumerate(queue, start=1)}
    active, now, done = [job.id for job in running], 0.0, dict[str, float]()
    while active or queue:
        while queue and room_for([size[one] for one in active], size[queue[0].id]):
            active.append(queue.pop(0).id)
        # Each round takes a step of every active job: until the first of them ends, they advance together.
        rounds = min(left[one] / size[one] for one in active)
        now += rounds * sum(size[one] for one in active) / speed
        for one in active:
            left[one] -= rounds * size[one]
        over = [one for one in active if left[one] <= 1e-6 * size[one]]
        done |= dict.fromkeys(over, now)
        active = [one for one in active if one not in done]
    return {id: Forecast(place.get(id, 0), seconds) for id, seconds in done.items()}
