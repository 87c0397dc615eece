"""Every table of the platform (nbgrader's gradebook lives in a database of its own beside this one).

Times are UTC, kept as ISO 8601 text in SQLite and `timestamptz` in PostgreSQL through `Moment`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    true,
)

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite forgets time zones, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


people = Table(
    "people",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("given_name", String(100), nullable=False),
    Column("family_name", String(100), nullable=False),
    Column("language", String(8), nullable=False, default="en"),
    Column("officer", Boolean, nullable=False, default=False),
    Column("sessions_from", Moment),  # whoever signed in before this moment has to sign in again
)

passwords = Table(
    "passwords",
    metadata,
    Column("username", ForeignKey("people.username"), primary_key=True),
    Column("hash", String(255), nullable=False),  # argon2id, with its parameters and salt
    Column("set_at", Moment, nullable=False),
)

# One row for each account name or address that was tried lately: a leaky bucket, so that counting is one UPDATE.
attempts = Table(
    "attempts",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256: what was typed may be a password in the wrong field
    Column("empty_at", Float, nullable=False, index=True),  # when the bucket is empty again, in seconds since 1970
)

cohorts = Table(
    "cohorts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("course", String(64), nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("username", ForeignKey("people.username"), primary_key=True),
    Column("cohort", ForeignKey("cohorts.name"), primary_key=True),
    Column("role", String(16), nullable=False),  # learner | instructor
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token; the token itself is kept nowhere
    Column("username", ForeignKey("people.username"), nullable=False, index=True),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("issued_at", Moment),  # None: before this was kept
    Column("issued_by", String(64)),  # a username; None: whoever runs the platform
)

# One row per person, lab, unit and window: reserve and settle are each one UPDATE, so nobody can overshoot.
allowances = Table(
    "allowances",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("course", String(64), primary_key=True),
    Column("lab", String(64), primary_key=True),
    Column("unit", String(16), primary_key=True),  # tokens
    Column("window", String(32), primary_key=True),  # the window's first moment, ISO 8601
    Column("used", Integer, nullable=False, default=0),
    Column("reserved", Integer, nullable=False, default=0),
)

# What is reserved and not yet settled, so that a crash can give it back.
reservations = Table(
    "reservations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("username", String(64), nullable=False),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("unit", String(16), nullable=False),
    Column("window", String(32), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("holder", String(64), nullable=False),  # the process that answers for it
    Column("opened_at", Moment, nullable=False),
)

# One line for each settled call that cost something, written with the counter and never changed: their sum is `used`.
charges = Table(
    "charges",
    metadata,
    Column("id", String(32), primary_key=True),  # the reservation's
    Column("username", String(64), nullable=False, index=True),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("unit", String(16), nullable=False),
    Column("window", String(32), nullable=False),
    Column("amount", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("username", String(64), nullable=False, index=True),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 over every file's name and bytes
    Column("files", JSON, nullable=False),  # {name: SHA-256 of its bytes}
    Column("missing", JSON, nullable=False),
    Column("extra", JSON, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("state", String(16), nullable=False, index=True),  # queued | grading | graded | fault
    Column("tries", Integer, nullable=False, default=0),
    Column("not_before", Moment),  # after our own fault: when it is tried again
    Column("holder", String(200)),  # the process at work on it, as `labkit.submissions.holder` names it
    Column("held_since", Moment),
    # False: its score is recorded and has still to be written into nbgrader's gradebook.
    Column("written", Boolean, nullable=False, default=True, server_default=true()),
    # True: what needs no model is judged; it waits for its pass with the model.
    Column("asks_model", Boolean, nullable=False, default=False, server_default=false()),
    # Why it is graded the next time: submitted | regrade | rescore.
    Column("why", String(16), nullable=False, default="submitted", server_default="submitted"),
    Column("batch", String(32), index=True),  # the last batch that asked for it to be graded again
    # Its receipt's, so that the receipt stays the same to the letter when the key is changed; None before 0003.
    Column("signature", String(88)),
    Column("signing_key", String(16)),  # the id of the key that signed; empty in receipts that name none
    UniqueConstraint("username", "course", "lab", "digest", name="same_bytes_same_receipt"),
)

# A whole lab graded again at once: so that a run that was cut short goes on where it was.
batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("release", String(64), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
)

scores = Table(
    "scores",
    metadata,
    Column("submission", ForeignKey("submissions.id"), primary_key=True),
    Column("score", Float, nullable=False),  # automatic points
    Column("max", Float, nullable=False),
    Column("report", JSON, nullable=False),  # items, checks, reasons, as the learner reads them
    Column("manual_score", Float),  # None until an instructor has graded it all
    Column("manual_max", Float, nullable=False, default=0),
    Column("graded_at", Moment, nullable=False),
    Column("release", String(64), nullable=False, default="", server_default=""),  # the lab's, empty before 0004
)

# One line for each time a submission was graded to its end, never changed: `scores` is the newest of each.
gradings = Table(
    "gradings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("submission", ForeignKey("submissions.id"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("max", Float, nullable=False),
    Column("manual_max", Float, nullable=False, default=0),
    Column("report", JSON, nullable=False),
    Column("release", String(64), nullable=False),
    Column("why", String(16), nullable=False),  # submitted | regrade | rescore | button
    Column("seconds", Float),  # how long the pass with the model took; None where there was none
    Column("graded_at", Moment, nullable=False, index=True),
)

# What the model answered while grading, by the hash of everything that bears on it. Never changed, never thrown away.
recordings = Table(
    "recordings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("answer", Text, nullable=False),  # JSON, word for word
    Column("recorded_at", Moment, nullable=False),
)

# Which model answered last, so that recordings are found while it is away.
engines = Table(
    "engines",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("identity", JSON, nullable=False),
    Column("seen_at", Moment, nullable=False),
)
