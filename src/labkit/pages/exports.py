"""What an officer takes into a spreadsheet: the people of a cohort, and the figures of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from labkit.audit.totals import Total
from labkit.courses import Course
from labkit.programme.figures import STAGES, Funnel
from labkit.programme.learners import Learner
from labkit.programme.spreadsheet import Cell, Sheet, to_csv, to_xlsx

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Column names are the roster's words: a file that was exported can be read again by a program.
_PERSON = ("username", "email", "given_name", "family_name", "region", "signed_in_at", "left")
_COUNTED = ("calls", "people", "prompt_tokens", "answer_tokens", "seconds", "cost", "unpriced")
_FIGURES = ("course", "cohort", "region", *STAGES, "left")


def people(course: Course, cohort: str, rows: Sequence[Learner], form: str, zone: ZoneInfo) -> bytes:
    """One line a person: who she is, when she last signed in (as clocks in `zone` show it), her points in each lab."""
    header = [*_PERSON, *(name for lab in course.labs for name in (lab.id, f"{lab.id} of"))]
    return _written([Sheet(cohort, header, [_line(one, zone) for one in rows])], form)


def figures(funnels: Sequence[Funnel], form: str) -> bytes:
    """One line a cohort, and one for each region of it."""
    return _written([Sheet("figures", _FIGURES, [_counted(one) for one in funnels])], form)


def costs(found: Sequence[Total], currency: str, form: str) -> bytes:
    """One line a cohort and model; a cost that is not known stays empty."""
    header = ["cohort", "model", *_COUNTED[:-2], f"cost {currency}".strip(), "calls without a price"]
    rows = [[*one.key, *(getattr(one, name) for name in _COUNTED)] for one in found]
    return _written([Sheet("models", header, rows)], form)


def _line(one: Learner, zone: ZoneInfo) -> list[Cell]:
    who = one.person
    # Without its zone: a spreadsheet knows none, and people read it beside the pages.
    came = one.signed_in_at.astimezone(zone).replace(tzinfo=None) if one.signed_in_at else None
    points: list[Cell] = []
    for cell in one.cells:
        points += [round(cell.total, 4) if cell.total is not None else None, cell.total_max]
    return [
        *(who.username, who.email, who.given_name, who.family_name, who.region, came, one.left),
        *points,
    ]


def _counted(one: Funnel) -> list[Cell]:
    region = "all" if one.region is None else one.region or "unknown"
    return [one.course, one.cohort, region, *(getattr(one, stage) for stage in STAGES), one.left]


def _written(sheets: Sequence[Sheet], form: str) -> bytes:
    return to_xlsx(sheets) if form == "xlsx" else to_csv(sheets[0])
