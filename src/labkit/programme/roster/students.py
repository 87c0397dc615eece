"""Students of another system's gradebook as lines of a roster: learners of one course, in a cohort of its name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from labkit.programme.roster.columns import READ, REQUIRED
from labkit.programme.roster.mistake import Wrong

Student = tuple[str, str, str, str]  # id there, given name, family name, e-mail address


def roster(students: Iterable[Student], course: str) -> tuple[str, list[tuple[str, str]]]:
    """The file's text, and who is not in it: the id there and why. A missing name is the id."""
    written, refused, seen = io.StringIO(), list[tuple[str, str]](), set[str]()
    lines = csv.DictWriter(written, REQUIRED, lineterminator="\n")
    lines.writeheader()
    for name, given, family, email in students:
        first, last = (given, family) if given else (family or name, "")
        values = (email, first, last, "learner", course, course)
        try:
            row = {column: READ[column](value) for column, value in zip(REQUIRED, values, strict=True)}
        except Wrong as wrong:
            refused.append((name, f"{wrong.message} {wrong.instead}"))
            continue
        if row["email"] in seen:
            refused.append((name, f"Somebody else has {row['email']} already."))
            continue
        seen.add(str(row["email"]))
        lines.writerow(row)
    return written.getvalue(), refused
