"""The jobs: each is its owner's, one worker at a time is at it, and what is written down is written once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Select, func, insert, select, update

from labkit import holder as holders
from labkit.database import reading, turn
from labkit.database.tables import training_jobs
from labkit.errors import TooManyAtOnce
from labkit.training.job import OPEN, Job
from labkit.training.places import is_id
from labkit.training.spec import Spec

# After our own fault a job waits so long, longer each time; after the last it has failed, and cost nothing.
PAUSES = (5, 30, 120)
MOST_KILLED = 8  # a job whose worker was killed so often is what kills it
MOST_OPEN = 4  # jobs of one person
LATELY = timedelta(hours=1)
_LAST = 10
_FREE: dict[str, None] = {"holder": None, "held_since": None}


def new_id() -> str:
    return f"ftjob-{secrets.token_hex(12)}"


class Jobs:
    """`holder` is this worker's name; whoever only asks needs none."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine, self._now = engine, now
        self.holder = holders.new()

    def add(self, id: str, who: Mapping[str, str], spec: Spec, told: Mapping[str, Any], data: Mapping[str, Any]) -> Job:
        """`who` has username, cohort, course and lab; `data` the files with their digests, and `step_tokens`.

        TooManyAtOnce where she has `MOST_OPEN` that are not over.
        """
        row = {
            **{"id": id, "spec": spec.to_json(), "told": dict(told), "state": "queued", "created_at": self._now()},
            **{"error": None, "started_at": None, "finished_at": None, "step": 0, "tokens": 0, "seconds": 0.0},
            **{"adapter": None, "cancelling": False, "tries": 0},
            **who,
            **data,
        }
        table = training_jobs.c
        hers = select(func.count()).select_from(training_jobs)
        with self._engine.begin() as connection:
            turn.take(connection, "trainings", who["username"])
            open_now = connection.execute(hers.where(table.username == who["username"], table.state.in_(OPEN))).scalar()
            if (open_now or 0) >= MOST_OPEN:
                raise TooManyAtOnce(
                    f"You have {MOST_OPEN} trainings waiting or running.", instead="Wait for one, or cancel it."
                )
            connection.execute(insert(training_jobs).values(row))
        return Job.of(row)

    def get(self, id: str, username: str | None = None) -> Job | None:
        """The job of that id; with `username` only if it is hers."""
        if not is_id(id):
            return None
        query = select(training_jobs).where(training_jobs.c.id == id)
        return next(
            iter(self._read(query if username is None else query.where(training_jobs.c.username == username))), None
        )

    def of(self, username: str, course: str, lab: str) -> list[Job]:
        """Hers in a lab, the newest first."""
        table = training_jobs.c
        mine = (table.username == username) & (table.course == course) & (table.lab == lab)
        return self._read(select(training_jobs).where(mine).order_by(table.created_at.desc(), table.id))

    def every(self, username: str) -> list[Job]:
        """Hers in all labs, the oldest first."""
        table = training_jobs.c
        return self._read(select(training_jobs).where(table.username == username).order_by(table.created_at, table.id))

    def succeeded(self, username: str) -> list[Job]:
        """Hers that have a model, the newest first."""
        table = training_jobs.c
        mine = (table.username == username) & (table.state == "succeeded") & table.adapter.is_not(None)
        return self._read(select(training_jobs).where(mine).order_by(table.created_at.desc(), table.id))

    def open(self) -> list[Job]:
        """Everybody's that is not over, in the order in which they came."""
        table = training_jobs.c
        return self._read(select(training_jobs).where(table.state.in_(OPEN)).order_by(table.created_at, table.id))

    def waiting(self) -> list[Job]:
        """Those a worker may take now, in the order in which they came."""
        table = training_jobs.c
        may = table.state.in_(OPEN) & table.holder.is_(None)
        now = self._now()  # a clock that was set back makes nobody wait longer than the longest pause
        far = table.not_before > now + timedelta(seconds=max(PAUSES))
        may &= table.not_before.is_(None) | (table.not_before <= now) | far
        return self._read(select(training_jobs).where(may).order_by(table.created_at, table.id))

    def speed(self) -> float | None:
        """Tokens a second of the last trainings; None until one has taken a step."""
        table = training_jobs.c
        done = (table.step > 0) & (table.seconds > 0)
        query = select(table.tokens, table.seconds).where(done).order_by(table.started_at.desc()).limit(_LAST)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return sum(row.tokens for row in rows) / sum(row.seconds for row in rows) if rows else None

    def had_lately(self) -> dict[str, float]:
        """Seconds of the machine by person: of what is not over, and of what ended within the hour."""
        table = training_jobs.c
        lately = table.state.in_(OPEN) | (table.finished_at > self._now() - LATELY)
        query = select(table.username, func.sum(table.seconds)).where(lately, table.seconds > 0)
        with reading(self._engine) as connection:
            return {name: float(seconds) for name, seconds in connection.execute(query.group_by(table.username))}

    def take(self, job: Job) -> bool:
        """From here on this worker's; False if somebody was first, or it is over."""
        values = {"state": "running", "holder": self.holder, "held_since": self._now(), "tries": job.tries + 1}
        values["started_at"] = job.started_at or self._now()
        table = training_jobs.c
        free = (table.id == job.id) & table.state.in_(OPEN) & table.holder.is_(None)
        return self._write(free, values)

    def measure(self, id: str, step_tokens: float) -> None:
        """What a step of it really costs, once its rows have been read."""
        self._write(self._held(id), {"step_tokens": step_tokens})

    def progress(self, id: str, step: int, tokens: int, seconds: float) -> bool:
        """What it has come to; False if it is no longer this worker's."""
        values = {"step": step, "tokens": tokens, "seconds": seconds, "held_since": self._now()}
        return self._write(self._held(id), values)

    def finish(
        self, id: str, state: str, *, adapter: str | None = None, error: Mapping[str, str] | None = None
    ) -> bool:
        """Ends it, once: succeeded, failed or cancelled."""
        values = {"state": state, "adapter": adapter, "error": error, "finished_at": self._now(), **_FREE}
        return self._write(self._held(id), values)

    def give_up(self, job: Job, error: Mapping[str, str]) -> bool:
        """After our own fault: it is tried again after a pause, from its last checkpoint; False once it has failed."""
        if job.tries <= len(PAUSES):
            pause = self._now() + timedelta(seconds=PAUSES[max(0, job.tries - 1)])
            self._leave(job.id, self.holder, not_before=pause)
            return True
        self.finish(job.id, "failed", error=error)
        return False

    def put_back(self, ids: Iterable[str], tries: int | None = None) -> None:
        """What a worker that ends in order leaves to the next; with `tries` as if it had not been taken."""
        values: dict[str, Any] = {} if tries is None else {"tries": tries}
        if tries == 0:
            values["started_at"] = None
        for id in ids:
            self._leave(id, self.holder, **values)

    def cancel(self, id: str) -> None:
        """Asks for its end. One that nobody has taken is over at once; a running one ends before its next step."""
        table = training_jobs.c
        with self._engine.begin() as connection:
            one = (table.id == id) & table.state.in_(OPEN)
            connection.execute(update(training_jobs).where(one).values(cancelling=True))
            free = one & table.holder.is_(None)
            over = {"state": "cancelled", "finished_at": self._now()}
            connection.execute(update(training_jobs).where(free).values(over))

    def cancelling(self, ids: Sequence[str]) -> set[str]:
        """Which of them are to end."""
        table = training_jobs.c
        with reading(self._engine) as connection:
            return set(connection.execute(select(table.id).where(table.id.in_(ids), table.cancelling)).scalars())

    def take_back(self, alive: Callable[[str, datetime | None], bool] = holders.alive) -> int:
        """What a worker that is gone had taken waits again. Gives how many."""
        table = training_jobs.c
        with reading(self._engine) as connection:
            columns = (table.id, table.holder, table.held_since, table.tries)
            held = connection.execute(select(*columns).where(table.holder.is_not(None))).all()
        lost = [one for one in held if one.holder != self.holder and not alive(one.holder, one.held_since)]
        for one in lost:
            if one.tries >= MOST_KILLED:
                self._over(one.id, one.holder)
            else:
                self._leave(one.id, one.holder)
        return len(lost)

    def _leave(self, id: str, holder: str, **values: Any) -> None:
        """What `holder` had waits again; what was to end has ended. Whoever has taken it meanwhile keeps it."""
        table = training_jobs.c
        over = {"state": "cancelled", "finished_at": self._now(), **_FREE}
        same = (table.id == id) & (table.holder == holder) & table.state.in_(OPEN)
        with self._engine.begin() as connection:
            connection.execute(update(training_jobs).where(same & table.cancelling).values(over))
            waits = update(training_jobs).where(same & ~table.cancelling)
            connection.execute(waits.values({"state": "queued", **_FREE, **values}))

    def _over(self, id: str, holder: str) -> None:
        """One that has ended its worker again and again."""
        told = {"code": "PlatformFault", "message": "The training broke off through our fault.", "param": ""}
        table = training_jobs.c
        same = (table.id == id) & (table.holder == holder) & table.state.in_(OPEN)
        self._write(same, {"state": "failed", "error": told, "finished_at": self._now(), **_FREE})

    def _held(self, id: str) -> Any:
        return (training_jobs.c.id == id) & (training_jobs.c.holder == self.holder)

    def _write(self, which: Any, values: Mapping[str, Any]) -> bool:
        with self._engine.begin() as connection:
            return connection.execute(update(training_jobs).where(which).values(values)).rowcount == 1

    def _read(self, query: Select[Any]) -> list[Job]:
        with reading(self._engine) as connection:
            return [Job.of(row) for row in connection.execute(query).mappings()]
