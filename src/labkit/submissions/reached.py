"""How far somebody, or a cohort, has come with each outcome of a course: points reached of points judged so far.

Worked out when it is read, from the reports there are and the course's text as it is now, so that reports from before
outcomes were written down count too. An item the text no longer has counts for nothing.

What a person gave is kept as one sum for a submission: it counts where all that a person grades in the lab is about
one outcome, and for none where it is about several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum
from typing import Any

from labkit.courses import Course
from labkit.courses.course import Outcome
from labkit.courses.graded import outcomes_by_cell
from labkit.submissions.scores import Score


@dataclass(frozen=True)
class Reached:
    """`points` of `max`; `at_least` where hidden checks that do not hold yet are among them, of which she sees words
    only. `max` is 0 while nothing of it is graded."""

    outcome: Outcome
    points: float
    max: float
    at_least: bool = False

    @property
    def share(self) -> int:
        """In percent, for the bar."""
        return round(100 * self.points / self.max) if self.max else 0


@dataclass(frozen=True)
class Shown:
    """A score and as much of its report as the reader may see (`coarsened`, or all of it)."""

    score: Score
    report: Mapping[str, Any]


@dataclass(frozen=True)
class _Part:
    outcome: str
    points: float
    max: float
    at_least: bool = False


def reached(course: Course, scores: Iterable[Shown]) -> tuple[Reached, ...]:
    """Of every outcome of the course, in its order."""
    about = outcomes_by_cell(course)
    parts = [part for one in scores for part in (*_tests(one, about), *_by_hand(one, about))]
    found = []
    for outcome in course.outcomes:
        mine = [part for part in parts if part.outcome == outcome.id]
        points, most = (round(fsum(values), 6) for values in ([p.points for p in mine], [p.max for p in mine]))
        found.append(Reached(outcome, points, most, any(part.at_least for part in mine)))
    return tuple(found)


def whole(scores: Iterable[Score]) -> tuple[Shown, ...]:
    """For a reader who sees everything."""
    return tuple(Shown(score, score.report) for score in scores)


def _tests(one: Shown, about: Mapping[tuple[str, str], str]) -> Iterable[_Part]:
    if one.report.get("fault"):
        return
    for item in one.report["items"]:
        outcome = about.get((one.score.lab, item["name"]))
        if outcome is None or item.get("pending", False):
            continue
        told = "points" in item  # else a word stands for them: see `coarsened`
        points = item["points"] if told else item["max"] * (item["holds"] == "all")
        yield _Part(outcome, points, item["max"], at_least=not told and points < item["max"])


def _by_hand(one: Shown, about: Mapping[tuple[str, str], str]) -> Iterable[_Part]:
    names = [answer["name"] for answer in one.report.get("manual", ())]
    outcomes = {about.get((one.score.lab, name)) for name in names}
    [outcome] = outcomes if len(outcomes) == 1 else [None]
    if outcome is not None and one.score.manual_score is not None:
        yield _Part(outcome, one.score.manual_score, one.score.manual_max)
