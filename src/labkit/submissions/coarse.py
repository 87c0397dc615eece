"""What a learner sees of hidden checks while she may still hand in again: words, not points.

A score is an oracle: with exact points and reasons for each try, the hidden inputs could be asked out one by one. What
is kept is always the whole report; how much of it is shown is decided each time it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from labkit.courses import Lab
from labkit.submissions.store import Submission


def is_coarse(lab: Lab, mine: Sequence[Submission], *, learner: bool, now: datetime | None = None) -> bool:
    """Whether she sees words only: a learner, in a lab with `attempts`, before its due date, until her last attempt
    is graded. `mine` are all her submissions of the lab."""
    if lab.attempts is None or not learner:
        return False
    if lab.due is not None and lab.due < (now or datetime.now(UTC)):
        return False
    return len(mine) < lab.attempts or any(one.state != "graded" for one in mine)


def coarsened(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report without what its hidden items would give away; `score` is then "at least".

    A hidden item keeps its name, its `max`, `holds` (all, some, nothing) and the author's hints of what fails, and
    loses its points and its checks. Notes that tell of the time after a hidden test ran are left out. Which items are
    hidden was not written down in the first reports: all of theirs are taken for hidden.
    What this does not cover: a visible item's outcome, which her code could make depend on what a hidden test showed.
    """
    items = [_coarse(item) if item.get("hidden", True) else dict(item) for item in report["items"]]
    known = (item["points"] if "points" in item else item["max"] * (item["holds"] == "all") for item in items)
    return {
        "score": round(sum(known), 6),
        "max": report["max"],
        "at_least": True,
        "items": items,
        "fault": report.get("fault"),
        "notes": list(report.get("notes", ()))[: report.get("early_notes", 0)],
        "manual": list(report.get("manual", ())),
    }


def _coarse(item: Mapping[str, Any]) -> dict[str, Any]:
    failed = [check for check in item["checks"] if not check["passed"]]
    pending = item.get("pending", False)
    holds = "all" if item["points"] >= item["max"] and not failed else "some" if item["points"] > 0 else "nothing"
    return {
        "name": item["name"],
        "max": item["max"],
        "hidden": True,
        "pending": pending,
        "holds": "" if pending else holds,
        "hints": sorted({check.get("advice", "") for check in failed} - {""}),
    }
