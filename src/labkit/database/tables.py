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
    Index,
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
    # Reads the programme's pages, changes nothing. An observer of single cohorts is enrolled as one instead.
    Column("observer", Boolean, nullable=False, default=False, server_default=false()),
    Column("region", String(64)),
    Column("sex", String(8)),  # female | male | other
    Column("disability", Boolean),
    Column("employer", String(200)),
    Column("added_at", Moment),  # None: before this was kept
    Column("signed_in_at", Moment),  # the last time
    # She takes part in nothing any more and cannot sign in; her work is kept.
    Column("suspended_at", Moment),
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
    Column("starts_at", Moment),  # before it nothing can be opened
    Column("ends_at", Moment),  # from then on results are read and nothing else
    Column("language", String(8)),  # of those whose own is not known
    # Of each lab's allowance, in percent.
    Column("allowance_percent", Integer, nullable=False, default=100, server_default="100"),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("username", ForeignKey("people.username"), primary_key=True),
    Column("cohort", ForeignKey("cohorts.name"), primary_key=True),
    Column("role", String(16), nullable=False),  # learner | assistant | instructor | observer
    # Who has put her there, and so may take her away: roster | group | invitation.
    Column("source", String(16), nullable=False, default="roster", server_default="roster"),
    Column("added_at", Moment),  # None: before this was kept
    Column("suspended_at", Moment),  # kept, with all that belongs to it, and counts for nothing
    Index("ix_enrolments_cohort", "cohort"),
)

# Which group at the identity provider puts people into which cohort, as what.
cohort_groups = Table(
    "cohort_groups",
    metadata,
    Column("group", String(200), primary_key=True),
    Column("cohort", ForeignKey("cohorts.name"), primary_key=True),
    Column("role", String(16), nullable=False),
)

# Who somebody is at an identity provider, bound at her first sign-in there: from then on her address names nobody.
identities = Table(
    "identities",
    metadata,
    Column("issuer", String(200), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("username", ForeignKey("people.username"), nullable=False),
    Column("bound_at", Moment, nullable=False),
    UniqueConstraint("issuer", "username", name="one_account_each"),
)

# A code with which people ask for a place in an open programme.
invitations = Table(
    "invitations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the code
    Column("cohort", ForeignKey("cohorts.name"), nullable=False, index=True),
    Column("places", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("made_by", String(64)),  # a username; None: whoever runs the platform
    Column("made_at", Moment, nullable=False),
    Column("closed_at", Moment),
)

# Who asked for a place, in order. Somebody with a place has an enrolment, and no row here any more.
applicants = Table(
    "applicants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("invitation", ForeignKey("invitations.id"), nullable=False),
    Column("email", String(254), nullable=False),  # as it is compared: case-folded
    Column("given_name", String(100), nullable=False),
    Column("family_name", String(100), nullable=False),
    Column("language", String(8), nullable=False),
    Column("region", String(64)),
    Column("asked_at", Moment, nullable=False),
    UniqueConstraint("invitation", "email", name="asked_once"),
)

# Who has agreed to which version of the privacy notice, in which language she read it.
consents = Table(
    "consents",
    metadata,
    Column("username", ForeignKey("people.username"), primary_key=True),
    Column("notice", String(16), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("given_at", Moment, nullable=False),
)

# Who looked at whose data.
looks = Table(
    "looks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("viewer", String(64), nullable=False, index=True),  # a username; "" for whoever runs the platform
    Column("subject", String(64), nullable=False, index=True),  # a username
    Column("what", String(64), nullable=False),  # such as "result prompting/first"
    Column("at", Moment, nullable=False, index=True),
)

# That somebody was erased, and nothing of who it was.
erasures = Table(
    "erasures",
    metadata,
    Column("pseudonym", String(64), primary_key=True),  # the username her rows have now
    Column("at", Moment, nullable=False),
    Column("by", String(64)),  # a username; None: whoever runs the platform
    Column("finished_at", Moment),  # None: files and other parts are still to be cleared
    # Until then {"username": ..., "files": [SHA-256, ...]}: what they still have of hers. Afterwards nothing.
    Column("pending", JSON(none_as_null=True)),
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
    Column(
        "state", String(16), nullable=False, index=True
    ),  # queued | grading | graded | fault | withdrawn (its owner was erased)
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
