"""What a training costs its learner: its steps, set aside when she asks and paid once it is over.

Who cancels pays for the steps that were taken; who was failed by us pays nothing. A crash between a job's end and its
settlement is put right by `tidy`.
"""

from __future__ import annotations

import dataclasses

from sqlalchemy import Engine, select

from labkit.allowance import Asked, Ledger, Order, Settlement, Told
from labkit.database import reading
from labkit.database.tables import reservations
from labkit.errors import AllowanceSpent
from labkit.training.job import Job
from labkit.training.jobs import Jobs

HOLDER, UNIT = "training", "steps"


class Charges:
    def __init__(self, engine: Engine, ledger: Ledger, jobs: Jobs) -> None:
        self._engine, self._ledger, self._jobs = engine, ledger, jobs

    def reserve(self, order: Order, job: str, base: str) -> None:
        """Sets the steps of `order` aside for a job; raises AllowanceSpent."""
        asked = Asked("fine_tuning/jobs", base[:100])
        whole = dataclasses.replace(order, holder=HOLDER, id=_name(job), asked=asked, unit=UNIT)
        found = self._ledger.write([whole])[0]
        if isinstance(found, AllowanceSpent):
            raise found

    def release(self, job: str) -> None:
        """Gives back what was set aside for a job that never came to be."""
        self._ledger.write([Settlement(_name(job), None, Told("failed"))])

    def settle(self, job: Job) -> None:
        """Of a job that is over."""
        ours = job.state == "failed" and (job.error or {}).get("code") == "PlatformFault"
        outcome = {"succeeded": "complete", "cancelled": "cancelled"}.get(job.state, "failed")
        told = Told(outcome, 0, 0, job.seconds)
        self._ledger.write([Settlement(_name(job.id), None if ours or not job.step else job.step, told)])

    def tidy(self) -> int:
        """Settles what is over and was not settled; what belongs to no job is given back. Gives how many."""
        with reading(self._engine) as connection:
            query = select(reservations.c.id).where(reservations.c.holder == HOLDER)
            held = list(connection.execute(query).scalars())
        done = 0
        for name in held:
            job = self._jobs.get(f"ftjob-{name}")
            if job is not None and not job.open:
                self.settle(job)
                done += 1
        return done


def _name(job: str) -> str:
    return job.removeprefix("ftjob-")
