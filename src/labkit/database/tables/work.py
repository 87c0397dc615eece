"""What is handed in, how it was judged, what the model answered while it was."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from labkit.database.tables.base import Moment, metadata

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
    Column("holder", String(200)),  # the process at work on it, as `labkit.holder` names it
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
