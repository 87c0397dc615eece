"""Submissions: received once, kept whole, never changed."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from labkit.database import reading
from labkit.database.tables import submissions
from labkit.programme.sight import learn_in
from labkit.submissions import attempts, unused
from labkit.submissions.blobs import Blobs
from labkit.submissions.files import digest
from labkit.submissions.receipt import Receipt, Signer


@dataclass(frozen=True)
class Submission:
    """`state` is queued, grading, graded or fault (ours); `files` maps each name to its SHA-256.

    `asks_model`: what needs no model is judged, the rest waits. `written`: nbgrader's gradebook has it.
    """

    id: str
    username: str
    course: str
    lab: str
    digest: str
    files: dict[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    received_at: datetime
    state: str
    tries: int
    signature: str | None
    signing_key: str | None
    asks_model: bool = False
    written: bool = True
    why: str = "submitted"

    @classmethod
    def of(cls, row: RowMapping | Mapping[str, Any]) -> Submission:
        values = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**{**values, "missing": tuple(row["missing"]), "extra": tuple(row["extra"])})


class Store:
    def __init__(self, engine: Engine, blobs: Blobs, signer: Signer) -> None:
        self._engine, self._blobs, self._signer = engine, blobs, signer

    def receive(
        self,
        username: str,
        course: str,
        lab: str,
        files: Mapping[str, bytes],
        released: Sequence[str],
        most: int | None = None,
    ) -> tuple[Receipt, bool]:
        """Keeps the files and queues them for grading; gives the receipt and whether they were new.

        The bytes are on the disk before the row is written, and the row is committed before this returns. The same
        bytes again get the same receipt and are not graded twice. Of different ones, `most` are taken in all, what
        cannot be read as a notebook included; raises AttemptsSpent for one more, and keeps nothing of it.
        """
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        row = _queued(username, course, lab, hashes, released)
        # Looked at before anything is kept, so that what is refused fills no disk; and again with the insert.
        if (found := self._same(row)) is not None:
            return self.receipt(found), False
        with reading(self._engine) as connection:
            attempts.refuse_one_more(connection, username, course, lab, most)
        for content in files.values():
            self._blobs.put(content)
        receipt = self._signer.sign(_receipt(Submission.of(row)))
        row |= {"signature": receipt.signature, "signing_key": receipt.key}
        found = self._insert(row, most, files)
        return (self.receipt(found), False) if found else (receipt, True)

    def _insert(self, row: Mapping[str, Any], most: int | None, files: Mapping[str, bytes]) -> Submission | None:
        """The row becomes a submission; unless the same was handed in meanwhile, which is then given."""
        hers = row["username"], row["course"], row["lab"]
        try:
            with self._engine.begin() as connection:
                if most is not None:
                    attempts.take_turn(connection, *hers)
                if (found := _first(connection, row)) is not None:
                    return found
                attempts.refuse_one_more(connection, *hers, most)
                unused.keep(connection)
                connection.execute(insert(submissions).values(row))
                # Bytes that were somebody's who was erased in this very moment.
                for gone in (content for name, content in files.items() if not self._blobs.has(row["files"][name])):
                    self._blobs.put(gone)
        except IntegrityError:
            return self._same(row)
        return None

    def receipt(self, submission: Submission) -> Receipt:
        """The receipt of a kept submission; asked again, it is the same to the letter, whatever key is used by now."""
        plain = _receipt(submission)
        if submission.signature is None:
            return self._signer.sign(plain, named=False)
        return replace(plain, signature=submission.signature, key=submission.signing_key or "")

    def keep_signatures(self) -> int:
        """Writes down what receipts from before signatures were kept are signed with; gives how many there were.

        Before the key is changed: afterwards nobody could sign them again.
        """
        old = self._select(select(submissions).where(submissions.c.signature.is_(None)))
        with self._engine.begin() as connection:
            for one in old:
                values = {"signature": self.receipt(one).signature, "signing_key": ""}
                connection.execute(update(submissions).where(submissions.c.id == one.id).values(values))
        return len(old)

    def content(self, submission: Submission) -> dict[str, bytes]:
        return {name: self._blobs.get(hash_) for name, hash_ in submission.files.items()}

    def get(self, submission_id: str) -> Submission | None:
        found = self._select(select(submissions).where(submissions.c.id == submission_id))
        return found[0] if found else None

    def of_person(self, username: str, course: str | None = None, lab: str | None = None) -> tuple[Submission, ...]:
        """Hers, newest first."""
        query = select(submissions).where(submissions.c.username == username)
        if course is not None:
            query = query.where(submissions.c.course == course)
        if lab is not None:
            query = query.where(submissions.c.lab == lab)
        return self._select(query.order_by(submissions.c.received_at.desc()))

    def of_course(
        self, course: str, most: int = 200, *, cohorts: Collection[str] | None = None
    ) -> tuple[Submission, ...]:
        """The latest submissions of a course, or of the learners of some of its cohorts, newest first."""
        query = select(submissions).where(submissions.c.course == course)
        if cohorts is not None:
            query = query.where(submissions.c.username.in_(learn_in(cohorts)))
        return self._select(query.order_by(submissions.c.received_at.desc()).limit(most))

    def _same(self, row: Mapping[str, Any]) -> Submission | None:
        with reading(self._engine) as connection:
            return _first(connection, row)

    def _select(self, query: Select[Any]) -> tuple[Submission, ...]:
        with reading(self._engine) as connection:
            return _rows(connection, query)


def _queued(username: str, course: str, lab: str, hashes: dict[str, str], released: Sequence[str]) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "username": username,
        "course": course,
        "lab": lab,
        "digest": digest(hashes),
        "files": hashes,
        "missing": sorted(set(released) - set(hashes)),
        "extra": sorted(set(hashes) - set(released)),
        "received_at": datetime.now(UTC),
        "state": "queued",
        "tries": 0,
        "signature": None,
        "signing_key": None,
        "asks_model": False,
        "written": True,
        "why": "submitted",
    }


def _first(connection: Connection, row: Mapping[str, Any]) -> Submission | None:
    """What was handed in before with the same bytes."""
    same = (submissions.c[name] == row[name] for name in ("username", "course", "lab", "digest"))
    return next(iter(_rows(connection, select(submissions).where(*same))), None)


def _receipt(submission: Submission) -> Receipt:
    """Unsigned."""
    return Receipt(
        id=submission.id,
        username=submission.username,
        course=submission.course,
        lab=submission.lab,
        digest=submission.digest,
        received_at=submission.received_at.isoformat(timespec="milliseconds"),
        files=submission.files,
        missing=submission.missing,
        extra=submission.extra,
    )


def _rows(connection: Connection, query: Select[Any]) -> tuple[Submission, ...]:
    return tuple(Submission.of(row) for row in connection.execute(query).mappings())
