"""Turns what happened into points and sentences, and lets nothing hidden through.

After a hidden test has run, her code may have seen its inputs: from then on no word her code could choose reaches the
report, only names of builtin errors, line numbers and the author's own reasons and hints.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.blame import LIMITS, NAMED
from autograder.program import Program, Run, Test
from autograder.report import Check, Item, Manual, Report
from autograder.words import say
from labkit.courses import LabText, Limits

_LONGEST = 500


Noted = Mapping[str, Any]


@dataclass(frozen=True)
class Doubt:
    """A step that ended in a way that can be hers or the lab's: it asked for what cannot be, or for too much.

    `line` counts from 1 in the step's source; 0 where nobody knows.
    """

    step: str
    line: int
    found: str


@dataclass
class Outcome:
    """What was seen while the steps ran, in their order."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    end: tuple[str, str] | None = None  # the step her process ended in, and why
    pending: set[str] = field(default_factory=set)  # the steps that wait for the model
    doubts: list[Doubt] = field(default_factory=list)
    noted: dict[str, Noted] = field(default_factory=dict)  # by step: what the lab's own answer is compared with

    def cell(self, step: Run, error: Any) -> None:
        """Keeps of `error`, which comes from her process and may be anything, what is read of it."""
        given = error if isinstance(error, dict) else {}
        text, line = given.get("text"), given.get("line")
        told = {name: one for name in ("kind", "limit") if isinstance(one := given.get(name), str) and len(one) < 60}
        told |= {"text": text[:_LONGEST]} if isinstance(text, str) else {}
        self.cells[step.name] = {**told, **({"line": line} if type(line) is int else {})} if error else None

    def wait_from(self, program: Program, step: str) -> None:
        """That step and all after it wait for the next pass."""
        names = [one.name for one in program.steps]
        self.pending |= set(names[names.index(step) :])

    def ended(self, step: Run | Test, reason: str) -> None:
        self.end = self.end or (step.name, reason)


def report(
    text: LabText, program: Program, outcome: Outcome, notes: tuple[str, ...], limits: Limits | None = None
) -> Report:
    """Points, checks and notes, in the lab's language."""
    words = text.language
    items, seen_hidden = [], False
    said, early = list(notes), len(notes)
    for step in program.steps:
        seen_hidden = seen_hidden or (isinstance(step, Test) and step.hidden)
        if isinstance(step, Test):
            items.append(_item(step, outcome, words, seen_hidden))
        elif outcome.cells.get(step.name) is not None and step.name not in outcome.pending:
            said.append(_stopped_cell(step, outcome.cells[step.name], words, seen_hidden))
        if outcome.end and outcome.end[0] == step.name and step.name not in outcome.pending:
            said.append(_ended(outcome.end, words, limits or Limits()))
        early = early if seen_hidden else len(said)
    limit = _limit(outcome)
    if limit in LIMITS and not (outcome.end and outcome.end[1] == limit):
        said.append(say(f"limit_{limit}", words, limit=(limits or Limits()).memory_mb))
        early = early if seen_hidden else len(said)
    score = round(math.fsum(item.points for item in items), 6)
    most = math.fsum(item.max for item in items if not item.pending)
    figures = {name: value for one in outcome.results.values() for name, value in one.get("figures", {}).items()}
    return Report(score, most, tuple(items), None, tuple(said), _manual(text), early, limit=limit, figures=figures)


def _limit(outcome: Outcome) -> str:
    """The limit her code met first, as far as it can be told; what her process says is taken for a word of ours or
    for nothing."""
    told = [cell.get("limit") for cell in outcome.cells.values() if cell]
    for result in outcome.results.values():
        problems = [result["stopped"], *(check.get("problem") for check in result["checks"])]
        told += [problem.get("limit") for problem in problems if problem]
    named = next((word for word in told if isinstance(word, str) and word in LIMITS), "")
    end = outcome.end[1] if outcome.end else ""
    return named if end in ("", "exit") else end  # whoever ends her own program meets no limit


def faulty(text: LabText, program: Program, notes: tuple[str, ...]) -> Report:
    """No score: ours to mend, and said so."""
    most = math.fsum(test.points for test in program.tests)
    return Report(0, most, (), say("fault", text.language), notes, _manual(text), len(notes))


def _manual(text: LabText) -> tuple[Manual, ...]:
    return tuple(Manual(cell.id, cell.points) for cell in text.manual)


def _item(test: Test, outcome: Outcome, words: str, quiet: bool) -> Item:
    result = outcome.results.get(test.name)
    if result is None or test.name in outcome.pending:
        return Item(test.name, 0, test.points, (), test.hidden, test.name in outcome.pending)
    made, stopped = result["checks"], result["stopped"]
    checks = [_check(one, words, quiet) for one in made]
    if stopped:
        reason = _sentence(stopped, words, quiet)
        pending = [Check(_clean(one["reason"]), False, "") for one in result["pending"]]
        checks += [Check(pending[0].reason, False, reason), *pending[1:]] if pending else [Check(reason, False)]
    if made or result["pending"]:
        points = math.fsum(one["points"] for one in made if one["passed"])
    else:
        points = 0 if stopped else test.points
        checks = checks or [Check(say("all_hold", words), True)]
    return Item(test.name, round(min(max(points, 0), test.points), 6), test.points, tuple(checks), test.hidden)


def _check(one: dict[str, Any], words: str, quiet: bool) -> Check:
    hint = advice = _clean(one["hint"])
    if one.get("problem"):
        hint = " ".join(part for part in (_sentence(one["problem"], words, quiet), hint) if part)
    return Check(_clean(one["reason"]), one["passed"], hint, advice)


def _sentence(problem: dict[str, Any], words: str, quiet: bool) -> str:
    """Why a check could not be made. With `quiet`, none of the words her code or a hidden test could choose."""
    what, kind = problem["what"], problem.get("kind") or say("an_error", words)
    if what == "assert":
        return say("assert_hidden", words) if quiet else say("assert", words, text=_clean(problem["text"]))
    text = "" if quiet or not problem.get("text") or what != "raised" else f": {_clean(problem['text'])}"
    if what == "raised" and problem.get("kind") == "NotImplementedError":
        return say("not_written", words, name=problem["label"])
    label = problem.get("label", "")
    # An attribute's name may be one that only a hidden test asks for.
    return say(what, words, kind=kind, label=re.split("[.(]", label)[0] if quiet else label, text=text)


def _stopped_cell(step: Run, error: Any, words: str, quiet: bool) -> str:
    """`error` comes from her process: shapes are checked, and nothing of it is more than text."""
    given = error if isinstance(error, dict) else {}
    kind = given.get("kind")
    known = kind if isinstance(kind, str) and kind in NAMED else ""
    if known == "NotImplementedError":
        return say("not_written", words, name=step.name)
    line, text = given.get("line"), given.get("text")
    on_line = say("on_line", words, number=line) if type(line) is int and 0 < line < 100_000 and not quiet else ""
    if known == "EOFError":
        return say("asked_somebody", words, name=step.name, line=on_line)
    told = f": {_clean(text)}" if isinstance(text, str) and text and not quiet else ""
    return say("cell_stopped", words, name=step.name, kind=known or say("an_error", words), line=on_line, text=told)


def _ended(end: tuple[str, str], words: str, limits: Limits) -> str:
    name, reason = end
    limit = limits.memory_mb if reason == "memory" else limits.seconds
    return say(f"ended_{reason or 'exit'}", words, name=name, limit=limit)


def _clean(text: object) -> str:
    """One line, bounded, no control characters."""
    return "".join(sign if sign.isprintable() else " " for sign in str(text)[:_LONGEST])
