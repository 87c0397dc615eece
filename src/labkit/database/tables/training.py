"""What learners train: the files they send, the jobs, what happened in each, and what was kept on the way."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, false

from labkit.database.tables.base import Moment, metadata

training_files = Table(
    "training_files",
    metadata,
    Column("id", String(40), primary_key=True),  # file-...
    Column("username", String(64), nullable=False, index=True),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("purpose", String(16), nullable=False),  # fine-tune
    Column("size", Integer, nullable=False),  # bytes
    Column("digest", String(64), nullable=False),  # SHA-256 of its bytes
    Column("rows", Integer, nullable=False),
    Column("method", String(8), nullable=False),  # sft | dpo, as its rows are written
    Column("sent_at", Moment, nullable=False),
)

training_jobs = Table(
    "training_jobs",
    metadata,
    Column("id", String(40), primary_key=True),  # ftjob-...
    Column("username", String(64), nullable=False, index=True),
    Column("cohort", String(64), nullable=False, default=""),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("spec", JSON, nullable=False),  # labkit.training.spec.Spec
    Column("told", JSON, nullable=False),  # what the caller said of it and hears again: suffix, metadata, method
    Column("training_file", String(40), nullable=False),
    Column("training_digest", String(64), nullable=False),
    Column("validation_file", String(40)),
    Column("validation_digest", String(64)),
    Column("state", String(16), nullable=False, index=True),  # queued | running | succeeded | failed | cancelled
    Column("error", JSON),  # {"code", "message", "param"} of one that failed
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("step", Integer, nullable=False, default=0),
    Column("tokens", BigInteger, nullable=False, default=0),  # that went through the base
    Column("step_tokens", Float, nullable=False, default=0.0),  # of one step, as far as its data tells
    Column("seconds", Float, nullable=False, default=0.0),  # its share of the machine's time
    Column("adapter", String(64)),  # SHA-256 of the finished adapter's files
    Column("cancelling", Boolean, nullable=False, default=False, server_default=false()),
    Column("tries", Integer, nullable=False, default=0),
    Column("not_before", Moment),  # after our own fault: when it is tried again
    Column("holder", String(200)),  # the process at work on it, as `labkit.holder` names it
    Column("held_since", Moment),
)

training_events = Table(
    "training_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(8), nullable=False),  # message | metrics
    Column("level", String(8), nullable=False),  # info | warn | error
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Index("events_of_a_job", "job", "id"),
    sqlite_autoincrement=True,  # an id is never given out twice: whoever asks for what came after one misses nothing
)

training_checkpoints = Table(
    "training_checkpoints",
    metadata,
    Column("id", String(40), primary_key=True),  # ftckpt-...
    Column("job", String(40), nullable=False, index=True),
    Column("step", Integer, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("adapter", String(64), nullable=False),
    Column("at", Moment, nullable=False),
)
