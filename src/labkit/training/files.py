"""The files learners send to train on: kept whole, looked at row by row before they are taken, each its owner's."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, func, insert, or_, select

from labkit.database import reading, turn
from labkit.database.tables import training_files, training_jobs
from labkit.errors import RequestRefused, TooManyAtOnce
from labkit.finetune.rows import Row, method_of, parse
from labkit.training.job import OPEN
from labkit.training.places import Places, is_id

LARGEST = 8 * 2**20
MOST = 50  # of one person


@dataclass(frozen=True)
class TrainingFile:
    """`size` in bytes."""

    id: str
    username: str
    course: str
    lab: str
    name: str
    purpose: str
    size: int
    digest: str
    rows: int
    method: str
    sent_at: datetime


class Files:
    def __init__(self, engine: Engine, places: Places) -> None:
        self._engine, self._places = engine, places

    def add(self, username: str, course: str, lab: str, name: str, content: bytes) -> TrainingFile:
        """Raises RequestRefused, by its line, for what cannot be trained on, TooManyAtOnce for a file too many."""
        if len(content) > LARGEST:
            raise RequestRefused(f"The file has {len(content):,} bytes.", instead=f"Send at most {LARGEST:,}.")
        rows = parse(content)
        file = TrainingFile(
            id=f"file-{secrets.token_hex(12)}",
            username=username,
            course=course,
            lab=lab,
            name=_named(name),
            purpose="fine-tune",
            size=len(content),
            digest=hashlib.sha256(content).hexdigest(),
            rows=len(rows),
            method=method_of(rows),
            sent_at=datetime.now(UTC),
        )
        self._places.keep_file(file.id, content)
        try:
            with self._engine.begin() as connection:
                turn.take(connection, "training files", username)
                hers = select(func.count()).select_from(training_files).where(training_files.c.username == username)
                if (connection.execute(hers).scalar() or 0) >= MOST:
                    raise TooManyAtOnce(f"You keep {MOST} files here.", instead="Delete some you no longer need.")
                connection.execute(insert(training_files).values(vars(file)))
        except Exception:
            self._places.drop_file(file.id)
            raise
        return file

    def get(self, username: str, id: str) -> TrainingFile | None:
        """Hers of that id; another's is as one that does not exist."""
        if not is_id(id):
            return None
        mine = (training_files.c.id == id) & (training_files.c.username == username)
        with reading(self._engine) as connection:
            row = connection.execute(select(training_files).where(mine)).mappings().first()
        return TrainingFile(**row) if row else None

    def of(self, username: str) -> list[TrainingFile]:
        """Hers, the newest first."""
        query = select(training_files).where(training_files.c.username == username)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(training_files.c.sent_at.desc(), training_files.c.id)).mappings()
            return [TrainingFile(**row) for row in rows]

    def content(self, file: TrainingFile) -> bytes:
        return self._places.file(file.id).read_bytes()

    def rows(self, id: str, digest: str) -> list[Row]:
        """What a job trains on; ValueError if it is no longer what the job was given."""
        content = self._places.file(id).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f"the file {id} is damaged")
        return parse(content)

    def delete(self, username: str, id: str) -> bool:
        """Whether there was one of hers. RequestRefused while a job still needs it."""
        if self.get(username, id) is None:
            return False
        jobs = training_jobs.c
        needs = jobs.state.in_(OPEN) & or_(jobs.training_file == id, jobs.validation_file == id)
        with self._engine.begin() as connection:
            if connection.execute(select(jobs.id).where(needs).limit(1)).first():
                raise RequestRefused("A job of yours still trains on this file.", instead="Cancel it or wait for it.")
            connection.execute(delete(training_files).where(training_files.c.id == id))
        self._places.drop_file(id)
        return True


def _named(name: str) -> str:
    """What can be kept everywhere of a name that a program chose."""
    return "".join(char for char in name if char.isprintable())[:200] or "rows.jsonl"
