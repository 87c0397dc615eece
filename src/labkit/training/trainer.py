"""Takes jobs, trains them side by side, and lets each go when it is done.

A round is one step of every job at work. Between rounds jobs join and leave, are cancelled, and are written down: what
is on the disk is whole, so that a process that is killed loses no more than the steps since a job's last checkpoint,
which are taken again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labkit.errors import PlatformFault
from labkit.training.admission import Admission
from labkit.training.at_work import AtWork
from labkit.training.charges import Charges
from labkit.training.cotrainer import CoTrainer, Taken
from labkit.training.events import Events
from labkit.training.files import Files
from labkit.training.intake import Intake
from labkit.training.job import Job
from labkit.training.jobs import Jobs
from labkit.training.outcome import Outcome
from labkit.training.places import Places
from labkit.training.resident import Resident
from labkit.training.turns import MOST_STEP

log = logging.getLogger("labkit.training")
_LOOK_SECONDS = 15.0


class Trainer:
    """`bases` are the folders of the models that may be trained, by their names. `idle_seconds` after its last job a
    base leaves memory; every `checkpoint_seconds` a job is written down, so no more than that is ever taken again.
    `memory` is in bytes, for all trainings together; `step_tokens` is what one step of a job may send through its
    base."""

    def __init__(
        self,
        bases: Mapping[str, Path],
        jobs: Jobs,
        files: Files,
        events: Events,
        charges: Charges,
        places: Places,
        *,
        idle_seconds: float = 300.0,
        checkpoint_seconds: float = 30.0,
        memory: int | None = None,
        step_tokens: int = MOST_STEP,
        load: Callable[[Path], Resident] = Resident,
        paused: Callable[[Job], bool] = lambda job: False,
    ) -> None:
        self._bases, self._jobs, self._files, self._charges = bases, jobs, files, charges
        self._places, self._load, self._idle = places, load, idle_seconds
        self._outcome = Outcome(jobs, events, charges, places, checkpoint_seconds)
        self._intake = Intake(jobs, files, places, self._outcome, Admission(memory, step_tokens), self._trainer, paused)
        self._trainers: dict[str, CoTrainer] = {}
        self._used: dict[str, float] = {}
        self._at_work: dict[str, AtWork] = {}
        self._looked = -math.inf

    @property
    def busy(self) -> bool:
        return bool(self._at_work or self._intake.ids)

    def round(self) -> bool:
        """Takes what waits, and a step of each job at work; whether there was anything to do."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()
        leaves = self._leave()
        self._at_work |= {one.job.id: one for one in self._intake.read(list(self._at_work.values()))}
        self._cancel()
        self._unload()
        busy = list(self._at_work.values())
        for trainer in {one.trainer for one in busy}:
            self._step(trainer, [one for one in busy if one.trainer is trainer])
        return bool(busy or self._intake.ids or leaves)

    def _leave(self) -> bool:
        """Those who give way: to a pause, or to somebody who has had less; whether there were any."""
        paused = self._intake.pausing(list(self._at_work.values()))
        for one in paused:
            self._outcome.paused(one)
            self._give_way(one)
        for_another = self._intake.take(list(self._at_work.values()))
        if for_another is not None:
            self._give_way(for_another)
        return bool(paused or for_another)

    def _cancel(self) -> None:
        for id in self._jobs.cancelling([*self._at_work, *self._intake.ids]):
            if id in self._at_work:
                self._outcome.cancelled(self._at_work[id])
                self._gone(id)
            else:
                self._intake.cancel(id)

    def _give_way(self, one: AtWork) -> None:
        """It is written down and waits; those who have had less of the machine go before it."""
        if not self._outcome.saved(one):
            self._jobs.put_back([one.job.id], tries=one.job.tries - 1)
        self._gone(one.job.id)

    def _look(self) -> None:
        """What others left: jobs of workers that are gone, charges and states of jobs that are over."""
        self._jobs.take_back()
        self._charges.tidy()
        for id in self._places.states():
            job = self._jobs.get(id)
            if job is None or not job.open:
                self._places.drop_state(id)
        self._looked = time.monotonic()

    def stop(self) -> None:
        """Writes down what is at work and leaves it to the next."""
        self._intake.stop()
        for one in list(self._at_work.values()):
            self._give_way(one)

    def _trainer(self, base: str) -> CoTrainer:
        if base not in self._bases:
            raise PlatformFault(f"The base {base!r} is not here.")
        if base not in self._trainers:
            self._trainers[base] = CoTrainer(self._load(self._bases[base]))
        self._used[base] = time.monotonic()
        return self._trainers[base]

    def _step(self, trainer: CoTrainer, together: Sequence[AtWork]) -> None:
        """A step of each, and whatever follows from it. What could not be written down is tried again in the next
        round, so a fault of the disk or the database costs nobody a step."""
        going = [one for one in together if one.left > 0 and not one.broken]
        if going:
            self._count(going, self._taken(trainer, going))
            self._used[going[0].job.spec.base] = time.monotonic()
        faults = [fault for one in together if (fault := self._followed(one)) is not None]
        if faults:
            raise faults[0]

    def _taken(self, trainer: CoTrainer, going: Sequence[AtWork]) -> dict[str, tuple[Taken, float]]:
        """What the step of each came to and how long it took; one whose step breaks is apart from the others."""
        began = time.monotonic()
        try:
            found = trainer.step({one.job.id: (one.trained, one.batch()) for one in going})
        except Exception:
            log.exception("A step of %d trainings failed", len(going))
            if len(going) == 1:
                self._gone(going[0].job.id)
                self._outcome.given_up(going[0].job)
                return {}
            parts = [self._taken(trainer, [one]) for one in going]
            return {id: told for part in parts for id, told in part.items()}
        seconds, tokens = time.monotonic() - began, sum(one.tokens for one in found.values())
        return {id: (told, seconds * told.tokens / max(1, tokens)) for id, told in found.items()}

    def _count(self, going: Sequence[AtWork], taken: dict[str, tuple[Taken, float]]) -> None:
        for one in going:
            if one.job.id in taken:
                told, seconds = taken[one.job.id]
                one.count(told, seconds)
                if not one.broken:
                    one.measure(told)

    def _followed(self, one: AtWork) -> Exception | None:
        try:
            if one.job.id in self._at_work and self._outcome.stepped(one):
                self._gone(one.job.id)
        except Exception as fault:
            log.exception("What job %s came to could not be written down; it is tried again", one.job.id)
            return fault
        return None

    def _gone(self, id: str) -> None:
        self._at_work.pop(id, None)
        self._intake.freed()

    def _unload(self) -> None:
        busy = {one.job.spec.base for one in self._at_work.values()} | self._intake.bases
        idle = [one for one, used in self._used.items() if time.monotonic() - used > self._idle and one not in busy]
        for base in idle:
            self._trainers.pop(base, None)
            del self._used[base]
            log.info("The base %s has left memory: nothing was trained on it for a while", base)
