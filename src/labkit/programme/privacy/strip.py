"""Takes what a learner wrote out of submissions and their reports, and leaves what statistics need.

Left: which lab, when it came, which released files were missing; of a report points, names of items, what passed.
Gone: the list of her files, digest, signature, reasons, hints and notes, for each of them may quote her.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from labkit.database.tables import gradings, scores, submissions

# Begins the digest of a submission that has no files any more; no real digest does.
STRIPPED = "erased-"
_OF_ITEM = ("name", "points", "max", "hidden", "pending")
_PLAIN = ("score", "max", "repaired", "limit")


def has_files() -> ColumnElement[bool]:
    """Of a row of `submissions`: it was not stripped."""
    return submissions.c.digest.not_like(f"{STRIPPED}%")


def strip(connection: Connection, *where: ColumnElement[bool]) -> frozenset[str]:
    """Strips the submissions that fit `where`; gives the SHA-256 of the files they had."""
    query = select(submissions.c.id, submissions.c.files).where(*where, has_files())
    found = connection.execute(query).all()
    for one in found:
        values = {"digest": f"{STRIPPED}{uuid.uuid4().hex}", "files": {}, "extra": []}
        # Empty, not none: nobody signs it anew.
        values |= {"signature": "", "signing_key": ""}
        connection.execute(update(submissions).where(submissions.c.id == one.id).values(values))
        for table in (scores, gradings):
            key = next(iter(table.primary_key.columns))
            for row in connection.execute(select(key, table.c.report).where(table.c.submission == one.id)).all():
                connection.execute(update(table).where(key == row[0]).values(report=without_words(row.report)))
    return frozenset(digest for one in found for digest in one.files.values())


def without_words(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report with nothing in it that she, or a check that saw her work, has worded."""
    items = [item for item in report.get("items", ()) if isinstance(item, Mapping)]
    return {
        **{name: report[name] for name in _PLAIN if name in report},
        "items": [
            {**{name: item[name] for name in _OF_ITEM if name in item}, "checks": _checks(item)} for item in items
        ],
        "fault": None,
        "notes": [],
        "early_notes": 0,
        "manual": [{"name": one["name"], "max": one["max"]} for one in report.get("manual", ())],
    }


def _checks(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"reason": "", "passed": bool(check["passed"]), "hint": "", "advice": ""} for check in item.get("checks", ())
    ]
