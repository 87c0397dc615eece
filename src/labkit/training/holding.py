"""What trainings keep of a person outside the database: the rows she sent, and the models that came out."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Engine, delete, select

from labkit.database import reading
from labkit.database.tables import training_files, training_jobs
from labkit.errors import PlatformFault
from labkit.training.adapter_files import CONFIG, WEIGHTS
from labkit.training.events import Events
from labkit.training.files import Files
from labkit.training.job import Job
from labkit.training.jobs import Jobs
from labkit.training.places import Places
from labkit.training.storage import Storage


class TrainingHolding:
    """Her rows of the tables are renamed before `erase` is asked, so hers are found under either name."""

    name = "training"

    def __init__(self, engine: Engine, places: Places) -> None:
        self._engine, self._places = engine, places
        self._jobs, self._files, self._events = Jobs(engine), Files(engine, places), Events(engine)
        self._storage = Storage(engine, places)

    def export(self, username: str) -> Iterator[tuple[str, bytes]]:
        for file in sorted(self._files.of(username), key=lambda one: one.id):
            try:
                yield f"training/{file.id}.jsonl", self._files.content(file)
            except OSError:
                yield f"training/{file.id}.missing.txt", b"The kept file is missing.\n"
        for job in self._jobs.every(username):
            yield f"training/{job.id}/history.json", self._history(job)
            if job.adapter is None:
                continue
            try:
                files = self._places.read_adapter(job.adapter)
            except (OSError, ValueError):
                yield f"training/{job.id}/missing.txt", b"The model's files are missing or damaged.\n"
                continue
            yield f"training/{job.id}/{CONFIG}", files.config
            yield f"training/{job.id}/{WEIGHTS}", files.weights

    def _history(self, job: Job) -> bytes:
        """How it was set and how it went, as JSON."""
        events = [
            {"at": one.at, "kind": one.kind, "text": one.text, "data": one.data} for one in self._events.every(job.id)
        ]
        kept = [{"step": one.step, "metrics": one.metrics} for one in self._events.checkpoints(job.id)]
        told = {"state": job.state, "settings": job.spec.to_json(), "said": job.told, "events": events, "kept": kept}
        return json.dumps(told, default=str, ensure_ascii=False, indent=1).encode()

    def erase(self, username: str, pseudonym: str) -> None:
        """Raises PlatformFault while a training of hers has still to notice that it ends."""
        hers = training_jobs.c.username.in_((username, pseudonym))
        with reading(self._engine) as connection:
            jobs = connection.execute(select(training_jobs.c.id, training_jobs.c.state).where(hers)).all()
        for job in jobs:
            self._jobs.cancel(job.id)
        if any(job is not None and job.open for job in (self._jobs.get(one.id) for one in jobs)):
            raise PlatformFault("A training of hers is ending.", instead="What it keeps follows when it has ended.")
        for job in jobs:
            self._storage.forget(job.id, told={})
        with self._engine.begin() as connection:
            of_her = training_files.c.username.in_((username, pseudonym))
            files = list(connection.execute(select(training_files.c.id).where(of_her)).scalars())
            for id in files:
                self._places.drop_file(id)
            connection.execute(delete(training_files).where(of_her))
