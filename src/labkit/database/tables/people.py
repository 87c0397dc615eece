"""Who takes part, how she signs in, what she agreed to, who looked."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, UniqueConstraint, false

from labkit.database.tables.base import Moment, metadata

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
