"""Which jobs come to work: taken in turn, read a little at a time, admitted where their memory is there; and who gives
way, so that a long training does not make everybody wait for its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from labkit.errors import LearnerError
from labkit.training import checkpoint
from labkit.training.admission import Admission
from labkit.training.at_work import AtWork
from labkit.training.cotrainer import CoTrainer
from labkit.training.files import Files
from labkit.training.job import Job
from labkit.training.jobs import Jobs
from labkit.training.opening import Opening, step_tokens
from labkit.training.outcome import Outcome
from labkit.training.places import Places
from labkit.training.turns import gives_way, in_turn

log = logging.getLogger("labkit.training")
# Of each round goes to reading the rows of those who come, while others train and while nobody does.
_BESIDE_OTHERS, _ALONE = 0.2, 1.0


class Intake:
    """`trainer_of` gives what trains on a base, by its name; PlatformFault where it is not here. `paused` says whether
    a job's class may not use its base now: it waits until it may."""

    def __init__(
        self,
        jobs: Jobs,
        files: Files,
        places: Places,
        outcome: Outcome,
        admission: Admission,
        trainer_of: Callable[[str], CoTrainer],
        paused: Callable[[Job], bool],
    ) -> None:
        self._jobs, self._files, self._places, self._outcome = jobs, files, places, outcome
        self._admission, self._trainer_of, self._paused = admission, trainer_of, paused
        self._opening: dict[str, Opening] = {}
        self._waits: set[str] = set()  # did not fit into memory beside those at work now

    @property
    def ids(self) -> list[str]:
        """Of those whose rows are being read."""
        return list(self._opening)

    @property
    def bases(self) -> set[str]:
        return {one.job.spec.base for one in self._opening.values()}

    def take(self, at_work: Sequence[AtWork]) -> AtWork | None:
        """Begins to read what has room; one at work that gives way to somebody who waits, where there is one."""
        waiting = [job for job in self._jobs.waiting() if not self._paused(job)]
        now, had = [one.job for one in at_work], self._jobs.had_lately() if waiting else {}
        for job in in_turn([*now, *(one.job for one in self._opening.values())], waiting, had):
            others = [*now, *(one.job for one in self._opening.values())]
            if job.id in self._waits or not self._admission.room(others, job):
                leaves = gives_way(now, job, had)  # nobody overtakes whoever waits for memory
                return next((one for one in at_work if one.job is leaves), None)
            if self._jobs.take(job):
                self._open(self._jobs.get(job.id) or job)
        return None

    def pausing(self, at_work: Sequence[AtWork]) -> list[AtWork]:
        """Those at work whose class may not use their base now."""
        return [one for one in at_work if self._paused(one.job)]

    def read(self, at_work: Sequence[AtWork]) -> list[AtWork]:
        """Goes on reading, of each a part; those that come to work now."""
        found: list[AtWork] = []
        share = (_BESIDE_OTHERS if at_work else _ALONE) / max(1, len(self._opening))
        for id, one in list(self._opening.items()):
            try:
                if not one.read(share):
                    continue
                admitted = self._admitted(one, [*at_work, *found])
                if admitted is not None:
                    self._outcome.begun(admitted)
                    found.append(admitted)
            except Exception as error:
                self._refuse(one.job, error)
            self._opening.pop(id, None)
        return found

    def cancel(self, id: str) -> None:
        self._outcome.withdrawn(self._opening.pop(id).job)

    def freed(self) -> None:
        """Somebody is done: what it held may do for whoever waits."""
        self._waits.clear()

    def stop(self) -> None:
        """Leaves them as if they had not been looked at."""
        for one in self._opening.values():
            self._jobs.put_back([one.job.id], tries=one.job.tries - 1)
        self._opening.clear()

    def _open(self, job: Job) -> None:
        try:
            self._opening[job.id] = Opening(job, self._trainer_of(job.spec.base), self._files)
        except Exception as error:
            self._refuse(job, error)

    def _admitted(self, one: Opening, at_work: Sequence[AtWork]) -> AtWork | None:
        """None where it waits for memory, or behind somebody who does: nothing of it is kept in mind."""
        job, trainer = one.job, one.trainer
        if self._waits:
            self._jobs.put_back([job.id], tries=job.tries - 1)
            return None
        average = step_tokens(one.rows, job.spec.batch)
        self._jobs.measure(job.id, average)
        trained = trainer.join(job.spec)
        found = checkpoint.read(self._places.state(job.id), trained, job.about)
        share = trained.step / job.step if found and job.step else 0.0
        job = replace(job, step_tokens=average)
        new = AtWork(job, trained, trainer, one.rows, one.held_back, round(job.tokens * share), job.seconds * share)
        others = [(each.at_most, each.trainer.resident) for each in at_work]
        if self._admission.memory(others, new.at_most, trainer.resident):
            return new
        self._jobs.put_back([job.id], tries=job.tries - 1)
        self._waits.add(job.id)  # until somebody is done: nothing is read again for nothing
        return None

    def _refuse(self, job: Job, error: Exception) -> None:
        if isinstance(error, LearnerError):
            self._outcome.failed(job, error)
        else:
            log.error("Job %s could not be begun", job.id, exc_info=error)
            self._outcome.given_up(job)
