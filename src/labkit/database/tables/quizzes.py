"""What learners answered in the short test before and after a course."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Integer, String, Table

from labkit.database.tables.base import Moment, metadata

test_answers = Table(
    "test_answers",
    metadata,
    Column("username", String(64), primary_key=True),
    Column("course", String(64), primary_key=True),
    Column("phase", String(8), primary_key=True),  # before | after
    Column("form", String(1), nullable=False),  # A | B
    Column("chosen", JSON, nullable=False),  # {pair: place of the choice from 0, or null for "I do not know"}
    Column("right", Integer, nullable=False),  # by the text of that day
    Column("asked", Integer, nullable=False),
    Column("answered_at", Moment, nullable=False),
)
