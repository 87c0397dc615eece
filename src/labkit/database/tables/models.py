"""What models may be used for, what each call cost, who asked what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from labkit.database.tables.base import Moment, metadata

# What is counted, one row each: her in one lab, her in everything (course and lab empty), a cohort together (username
# empty). Reserving and settling move all rows of a call in one statement, so nobody can overshoot.
allowances = Table(
    "allowances",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("cohort", String(64), primary_key=True, server_default=""),  # empty in a person's own rows
    Column("course", String(64), primary_key=True),
    Column("lab", String(64), primary_key=True),
    Column("unit", String(16), primary_key=True),  # tokens | steps | seconds: the last two of trainings
    Column("window", String(32), primary_key=True),  # the window's first moment, ISO 8601
    Column("used", BigInteger, nullable=False, default=0, server_default="0"),
    Column("reserved", BigInteger, nullable=False, default=0, server_default="0"),
    Column("requests", Integer, nullable=False, default=0, server_default="0"),
    Column("requests_reserved", Integer, nullable=False, default=0, server_default="0"),
    # What the last reservation was held to; None: no limit.
    Column("most", BigInteger),
    Column("most_requests", Integer),
)

# What is reserved and not yet settled, so that a crash can give it back; with what the audit will say of the call.
reservations = Table(
    "reservations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("username", String(64), nullable=False),
    Column("cohort", String(64), nullable=False, default="", server_default=""),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("unit", String(16), nullable=False),
    Column("window", String(32), nullable=False),
    Column("person_window", String(32), nullable=False, default="", server_default=""),
    Column("cohort_window", String(32), nullable=False, default="", server_default=""),
    Column("amount", Integer, nullable=False),
    Column("holder", String(64), nullable=False),  # the process that answers for it
    Column("opened_at", Moment, nullable=False),
    Column("kind", String(32), nullable=False, default="", server_default=""),
    Column("model", String(100), nullable=False, default="", server_default=""),
    Column("digest", String(64), nullable=False, default="", server_default=""),
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

# The audit: one line for each call that reached a model, written when it is closed and never changed.
calls = Table(
    "calls",
    metadata,
    Column("id", String(32), primary_key=True),  # the reservation's
    Column("username", String(64), nullable=False),
    Column("cohort", String(64), nullable=False),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("kind", String(32), nullable=False),  # chat/completions, score, embeddings ...
    Column("model", String(100), nullable=False),
    Column("outcome", String(16), nullable=False),  # complete | cancelled | paused | failed | lost (in a crash)
    Column("prompt_tokens", Integer, nullable=False),
    Column("answer_tokens", Integer, nullable=False),
    Column("charged", Integer, nullable=False),
    Column("seconds", Float, nullable=False),  # for which a model was at work on it
    Column("waited", Float, nullable=False),  # seconds in the queue before that
    Column("digest", String(64), nullable=False),  # of what was asked, keyed: only the site can compare it with a text
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment, nullable=False),
    Index("ix_calls_person", "username", "closed_at"),
    Index("ix_calls_lab", "course", "lab", "closed_at"),
    Index("ix_calls_cohort", "cohort", "closed_at"),
)

# What was asked and answered, where the site keeps it; deleted once its time is over.
prompts = Table(
    "prompts",
    metadata,
    Column("call", String(32), primary_key=True),
    Column("username", String(64), nullable=False, index=True),
    Column("asked", Text, nullable=False),  # JSON, as it was sent
    Column("answered", Text, nullable=False),
    Column("at", Moment, nullable=False, index=True),
)

# Other amounts than the course's and the site's, for one person or a whole cohort. Empty columns mean: all of them.
limits = Table(
    "limits",
    metadata,
    Column("username", String(64), primary_key=True),  # empty: of everybody in the cohort together or each, by `scope`
    Column("cohort", String(64), primary_key=True),
    Column("course", String(64), primary_key=True),
    Column("lab", String(64), primary_key=True),
    Column("scope", String(8), primary_key=True),  # lab | person | cohort: which row of `allowances` it bounds
    Column("tokens", BigInteger),  # None: as it was
    Column("requests", Integer),
    Column("steps", BigInteger),  # of trainings in a lab, as the next
    Column("minutes", BigInteger),
    Column("set_by", String(64)),  # a username; None: whoever runs the platform
    Column("set_at", Moment, nullable=False),
)

# A model that a class may not use for now. Empty columns mean: all of them.
pauses = Table(
    "pauses",
    metadata,
    Column("course", String(64), primary_key=True),
    Column("cohort", String(64), primary_key=True),
    Column("lab", String(64), primary_key=True),
    Column("model", String(100), primary_key=True),
    Column("set_by", String(64)),
    Column("set_at", Moment, nullable=False),
)

# While one is open, its cohort reaches models in its own lab only, and as that lab's policy says.
exams = Table(
    "exams",
    metadata,
    Column("cohort", String(64), primary_key=True),
    Column("course", String(64), primary_key=True),
    Column("lab", String(64), primary_key=True),
    Column("opens_at", Moment, nullable=False),
    Column("closes_at", Moment, nullable=False),
    Column("set_by", String(64)),
    Column("set_at", Moment, nullable=False),
)

# An answer a learner found wrong or harmful, with what she sends along for her instructor to see.
reports = Table(
    "reports",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("username", String(64), nullable=False, index=True),
    Column("cohort", String(64), nullable=False),
    Column("course", String(64), nullable=False),
    Column("lab", String(64), nullable=False),
    Column("call", String(32)),
    Column("model", String(100), nullable=False),
    Column("asked", Text, nullable=False),
    Column("answered", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("seen_by", String(64)),
    Column("seen_at", Moment),
    Index("ix_reports_lab", "course", "lab", "at"),
)
