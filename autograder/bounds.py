"""What a lab's own notebooks must score: the reference nearly all, the starter nearly nothing, attempts as they say."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.express import refuse_inexpressible
from autograder.grade import blind_tests, grade, grade_repaired, grader_notebook
from autograder.kept import Kept
from autograder.lane import Lane
from autograder.repair import Repaired, repair
from autograder.report import Report
from autograder.warm import Warm
from labkit.courses import Bound, Lab, load_attempts, load_text, notebook
from labkit.courses.lint import Finding
from labkit.errors import AuthorError

REFERENCE = Bound(">=", 95, percent=True)
STARTER = Bound("<=", 5, percent=True)
# Seconds of CPU time in which one submission must be graded.
MOST_CPU = 180


@dataclass(frozen=True)
class Measured:
    """One notebook of a lab: what it scored, in points, and the bound it was held to."""

    name: str
    score: float
    max: float
    limit: Bound
    ok: bool
    why: str = ""
    cpu: float = 0  # seconds of CPU time, of the model and of the sandboxes


@dataclass(frozen=True)
class LabResult:
    course: str
    lab: str
    bounds: tuple[Measured, ...]

    @property
    def ok(self) -> bool:
        return all(bound.ok for bound in self.bounds)

    def to_json(self) -> dict[str, Any]:
        bounds = [
            {"name": b.name, "score": b.score, "limit": str(b.limit), "ok": b.ok, "cpu": b.cpu} for b in self.bounds
        ]
        return {"course": self.course, "lab": self.lab, "ok": self.ok, "bounds": bounds}


def measure(
    lab: Lab, lane: Lane | None, warm: Warm, progress: Callable[[str], None], kept: Kept | None = None
) -> LabResult:
    """Grades the reference and the starter in every language, and every attempt in `submissions/`; and the reference
    once more as an answer that destroys its arguments. What `kept` knows is not graded again. Raises AuthorError for a
    test that asks what cannot be."""
    refuse_inexpressible(lab)
    kept = kept or Kept(None)

    def found(name: str, run: Callable[[], Report], bound: Bound, answers: object = "") -> Measured:
        def compute() -> dict[str, Any]:
            progress(f"{lab.course}/{lab.id}: {name}")
            before = _cpu(lane, warm)
            report = run()
            return {"report": report.to_json(), "fault": report.fault, "cpu": round(_cpu(lane, warm) - before, 2)}

        told = kept.find(lab, name, compute, answers)
        return _held(name, Report.from_json(told["report"]), bound, told["cpu"])

    measured = []
    for language in lab.languages:
        mark = "" if language == "en" else f" ({language})"
        for name, face, bound in (("reference", "reference", REFERENCE), ("starter", "learner", STARTER)):
            run = functools.partial(_graded, lab, face, language, name, lane, warm)
            measured.append(found(name + mark, run, bound))
    blind = kept.find(lab, "destroys", functools.partial(_blind, lab, lane, warm, progress))["tests"]
    _refuse_blind(lab, blind)
    for attempt in load_attempts(lab):
        answered = with_answers(grader_notebook(lab), attempt.answers)
        run = functools.partial(grade, lab, answered, learner=attempt.name, lane=lane, warm=warm)
        measured.append(found(attempt.name, run, attempt.bound, sorted(attempt.answers.items())))
    return LabResult(lab.course, lab.id, tuple(measured))


def too_dear(lab: Lab, result: LabResult) -> list[Finding]:
    """That a lab takes longer to grade than a class can wait for; in CPU time, since a machine has other work too. Of
    a model that another process runs, nothing is known here."""
    dear = next((bound for bound in result.bounds if bound.cpu > MOST_CPU), None)
    if dear is None:
        return []
    found = f"grading {dear.name} takes {dear.cpu:.0f} s of CPU time"
    return [Finding(str(lab.text_file()), 1, found, f"At most {MOST_CPU} s: draw fewer items.")]


def _cpu(lane: Lane | None, warm: Warm) -> float:
    return float(getattr(lane, "spent", 0.0)) + warm.cpu_seconds()


def _blind(lab: Lab, lane: Lane | None, warm: Warm, progress: Callable[[str], None]) -> dict[str, Any]:
    progress(f"{lab.course}/{lab.id}: an answer that destroys its arguments")
    return {"tests": list(blind_tests(lab, built(lab, "reference", "en"), lane=lane, warm=warm))}


def refuse_wrong(lab: Lab, lane: Lane | None, warm: Warm) -> None:
    """Raises AuthorError for a lab whose own answer does not pass it: nobody is graded by that."""
    refuse_inexpressible(lab)
    for language in lab.languages:
        found = _held("reference", _graded(lab, "reference", language, "reference", lane, warm), REFERENCE)
        if not found.ok:
            scored = f"the lab's own answer scores {found.score:g} of {found.max:g}: {found.why}"
            raise AuthorError(
                str(lab.text_file(language)),
                1,
                scored,
                instead=f"labkit courses check {lab.course}/{lab.id} says more.",
            )


def _graded(lab: Lab, face: str, language: str, name: str, lane: Lane | None, warm: Warm) -> Report:
    repaired, own = built(lab, face, language), face == "reference"
    return grade_repaired(lab, repaired, learner=name, lane=lane, warm=warm, language=language, for_author=own)


def built(lab: Lab, face: str, language: str) -> Repaired:
    """One face of the lab as if it had been handed in."""
    made = notebook(lab, load_text(lab, language), face)
    return repair(grader_notebook(lab, language), json.dumps(made).encode())


def _refuse_blind(lab: Lab, tests: Sequence[str]) -> None:
    for cell in load_text(lab).of("test"):
        if cell.id in tests:
            raise AuthorError(
                str(lab.text_file()),
                cell.line,
                f"test {cell.id!r} still holds when a call empties or overwrites what it was handed",
                instead="Compare with what you worked out before the call, or hand over a copy.",
            )


def with_answers(built: dict[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    """The notebook a learner who wrote these answers would send."""
    cells = [
        {**cell, "source": answers[cell["id"]].splitlines(keepends=True)} if cell["id"] in answers else cell
        for cell in built["cells"]
    ]
    return {**built, "cells": cells}


def _held(name: str, report: Report, bound: Bound, cpu: float = 0) -> Measured:
    if report.fault:
        return Measured(name, 0, report.max, bound, False, report.fault, cpu)
    kept = [item.name for item in report.items if item.name in bound.loses and item.points >= item.max]
    ok = not kept and bound.holds(report.score, report.max)
    return Measured(name, report.score, report.max, bound, ok, "" if ok else _why(report, bound, kept), cpu)


def _why(report: Report, bound: Bound, kept: Sequence[str]) -> str:
    """What an author would look for: where too much was given, or what went wrong and in which words."""
    if kept:
        return f"does not lose {', '.join(kept)}"
    if bound.sign == "<=":
        given = [f"{item.name} gives {item.points:g} of {item.max:g}" for item in report.items if item.points]
        return "; ".join(given)
    failed = [(item.name, one) for item in report.items for one in item.checks if not one.passed]
    told = [f"{name}: {' '.join(filter(None, (one.reason, one.hint and f'({one.hint})')))}" for name, one in failed]
    return "; ".join([*report.notes, *told][:3])
