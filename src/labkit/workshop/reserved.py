"""What of a course.toml whoever runs the platform decides: what a lab may cost and what it may use.

An instructor writes text, titles, summaries, dates, attempts and outcomes. Every other key of a lab that is there
stays as it is, and of a new lab it is left out: a key that is invented later is reserved until it is named here.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from labkit.courses import Course, Lab
from labkit.errors import RequestRefused

_HERS = {
    *("course", "id", "title", "titles", "path", "due", "attempts", "preface", "labs", "description", "descriptions"),
    *("summary", "summaries", "minutes", "after", "prerequisite", "prerequisites", "outcomes", "quiz"),
}


def refuse_reserved(before: Course, after: Course) -> None:
    """Raises RequestRefused for a reserved key that changed."""
    _compare("the course", before, after)
    known = {lab.id: lab for lab in before.labs}
    for lab in after.labs:
        usual = Lab(lab.course, lab.id, lab.title, Path())
        _compare(f"the lab {lab.id}", known.get(lab.id, usual), lab)


def _compare(what: str, before: object, after: object) -> None:
    for field in fields(after):  # type: ignore[arg-type]
        name = field.name
        if name not in _HERS and getattr(before, name) != getattr(after, name):
            raise RequestRefused(
                f"`{name}` of {what} in course.toml is for whoever runs the platform to decide.",
                instead="Put it back as it was (in a new lab, leave it out), or ask them to change it.",
            )
