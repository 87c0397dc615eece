"""What a training costs its learner: its steps, and where a lab bounds that the machine's time, set aside when she asks
and paid once it is over. Time is set aside as it is forecast; what takes longer after all costs no more than that.

Who cancels pays for the steps that were taken; who was failed by us pays nothing. A crash between a job's end and its
settlement is put right by `tidy`.
"""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from labkit.allowance import Asked, Ledger, Order, Settlement, Told
from labkit.allowance.order import SECONDS, STEPS
from labkit.audit.selection import TRAINING_STEPS, TRAINING_TIME
from labkit.database import reading
from labkit.database.tables import reservations
from labkit.errors import AllowanceSpent
from labkit.training.job import Job
from labkit.training.jobs import Jobs

_A_MOMENT = timedelta(minutes=5)  # a job is there long before, or never
_OF_TIME = "-time"  # behind the name of its steps
HOLDER, UNIT, TIME = "training", STEPS, SECONDS


class Charges:
    def __init__(self, engine: Engine, ledger: Ledger, jobs: Jobs) -> None:
        self._engine, self._ledger, self._jobs = engine, ledger, jobs

    def reserve(self, order: Order, job: str, base: str) -> None:
        """Sets the steps of `order` aside for a job; raises AllowanceSpent."""
        asked = Asked(TRAINING_STEPS, base[:100])
        whole = dataclasses.replace(order, holder=HOLDER, id=_name(job), asked=asked, unit=UNIT)
        found = self._ledger.write([whole])[0]
        if isinstance(found, AllowanceSpent):
            raise found

    def reserve_time(self, order: Order, job: str, base: str) -> None:
        """Sets seconds of the machine aside, whose amount `order` says; raises AllowanceSpent."""
        asked = Asked(TRAINING_TIME, base[:100])
        whole = dataclasses.replace(order, holder=HOLDER, id=_name(job) + _OF_TIME, asked=asked, unit=TIME)
        found = self._ledger.write([whole])[0]
        if isinstance(found, AllowanceSpent):
            raise found

    def release(self, job: str) -> None:
        """Gives back what was set aside for a job that never came to be."""
        self._close(job, None, None, Told("failed"))

    def settle(self, job: Job) -> None:
        """Of a job that is over."""
        outcome = {"succeeded": "complete", "cancelled": "cancelled"}.get(job.state, "failed")
        told = Told(outcome, 0, 0, job.seconds)
        steps = charged(job)
        self._close(job.id, steps or None, math.ceil(job.seconds) if steps else None, told)

    def cancel(self, job: Job) -> Job:
        """Asks for its end, as its learner or whoever teaches her does; the steps taken are charged. One that is over
        stays as it is."""
        self._jobs.cancel(job.id)
        found = self._jobs.get(job.id) or job
        if found.state == "cancelled":
            self.settle(found)
        return found

    def tidy(self) -> int:
        """Settles what is over and was not settled; what belongs to no job is given back. Gives how many."""
        with reading(self._engine) as connection:
            query = select(reservations.c.id, reservations.c.opened_at).where(reservations.c.holder == HOLDER)
            held = connection.execute(query).all()
        since = {f"ftjob-{one.id.removesuffix(_OF_TIME)}": one.opened_at for one in held}
        done = 0
        for id, opened_at in since.items():
            job = self._jobs.get(id)
            if job is not None and not job.open:
                self.settle(job)
            elif job is None and datetime.now(UTC) - opened_at > _A_MOMENT:
                self.release(id)
            else:
                continue
            done += 1
        return done

    def _close(self, job: str, steps: int | None, seconds: int | None, told: Told) -> None:
        """The line of steps says how long it took; of time there may be none."""
        time = dataclasses.replace(told, seconds=0.0)
        self._ledger.write([Settlement(_name(job), steps, told), Settlement(_name(job) + _OF_TIME, seconds, time)])


def charged(job: Job) -> int:
    """The steps that one that is over costs."""
    ours = job.state == "failed" and (job.error or {}).get("code") == "PlatformFault"
    return 0 if ours else job.step


def is_held(engine: Engine) -> bool:
    """Whether anything is set aside for a training."""
    with reading(engine) as connection:
        query = select(reservations.c.id).where(reservations.c.holder == HOLDER).limit(1)
        return connection.execute(query).first() is not None


def _name(job: str) -> str:
    return job.removeprefix("ftjob-")
