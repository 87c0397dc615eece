"""The models that somebody's trainings have left: how much they take, and how one is given up."""

from __future__ import annotations

from sqlalchemy import Engine, delete, select, update

from labkit.database import reading
from labkit.database.tables import training_checkpoints, training_jobs
from labkit.training.job import OPEN
from labkit.training.places import Places


class Storage:
    def __init__(self, engine: Engine, places: Places) -> None:
        self._engine, self._places = engine, places

    def size(self, username: str) -> int:
        """Bytes of all her models, those on the way too."""
        table, kept = training_jobs.c, training_checkpoints.c
        of_jobs = select(table.adapter).where(table.username == username, table.adapter.is_not(None))
        on_the_way = select(kept.adapter).join(training_jobs, table.id == kept.job).where(table.username == username)
        with reading(self._engine) as connection:
            digests = {one for query in (of_jobs, on_the_way) for one in connection.execute(query).scalars()}
        return sum(self._places.size(digest) for digest in digests)

    def forget(self, job: str, **also: object) -> None:
        """Its state and its models go; of its row the figures stay, with `also` changed. A job at work is left."""
        table, kept = training_jobs.c, training_checkpoints.c
        with self._engine.begin() as connection:
            digests = set(connection.execute(select(kept.adapter).where(kept.job == job)).scalars())
            digests |= set(connection.execute(select(table.adapter).where(table.id == job)).scalars())
            connection.execute(delete(training_checkpoints).where(kept.job == job))
            gone = update(training_jobs).where(table.id == job, table.state.not_in(OPEN))
            connection.execute(gone.values(adapter=None, **also))
            of_others = (select(column).where(column.in_(digests - {None})) for column in (table.adapter, kept.adapter))
            others = {digest for query in of_others for digest in connection.execute(query).scalars()}
        self._places.drop_state(job)
        for digest in digests - others - {None}:
            self._places.drop_adapter(str(digest))
