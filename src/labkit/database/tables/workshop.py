"""The texts of courses that instructors sent, what was found of each, and which were released."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, String, Table

from labkit.database.tables.base import Moment, metadata

# One row for each version; its text is the commit in the course's repository below LABKIT_HOME/workshop.
versions = Table(
    "versions",
    metadata,
    Column("course", String(64), primary_key=True),
    # Two that come at once want the same number, and one of them gets it: nobody's version is laid over another's.
    Column("number", Integer, primary_key=True),
    Column("commit", String(40), nullable=False),
    Column("made_by", String(64)),  # None: whoever runs the platform, from the folder of courses
    Column("made_at", Moment, nullable=False),
    Column("state", String(16), nullable=False, index=True),  # waiting | checking | holds | refused | fault
    Column("tries", Integer, nullable=False, default=0),
    Column("found", JSON, nullable=False),  # what the check says, as `autograder.proof` writes it
    Column("checked_at", Moment),
    # A release is asked for, then made; `release_fault` says why it could not be.
    Column("released_by", String(64)),
    Column("asked_at", Moment),
    Column("released_at", Moment),
    Column("release_fault", String(1000), nullable=False, default=""),
)
