"""Scores a submission nobody trusts. The whole story is `grade` and `grade_repaired`."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograder.children import children
from autograder.conversation import Conversation, Fault, Spent
from autograder.copied import is_copied
from autograder.lane import Lane, Later
from autograder.observe import Observed, observed
from autograder.program import Program, Run, Test, plan
from autograder.repair import Repaired, Starters, no_starters, repair
from autograder.report import Report
from autograder.verdict import Doubt, Noted, Outcome, faulty, report
from autograder.warm import NotWarm, Warm
from autograder.wreck import WAYS
from labkit.courses import Lab, LabText, load_text, notebook
from labkit.draw import OPEN
from labkit.errors import AuthorError

_log = logging.getLogger(__name__)
_NOTHING: Noted = {"places": (), "full": ()}
_TOO_MUCH = {"time": "it did not come to an end", "memory": "it took more memory than there is"}


class Wrong(Fault):
    """The lab's own answer does not pass a test either: its author's to mend."""

    def __init__(self, doubt: Doubt) -> None:
        self.doubt = doubt
        super().__init__(f"{doubt.step}: {doubt.found}")


def grade(
    lab: Lab,
    submission: dict[str, Any] | bytes,
    *,
    learner: str,
    lane: Lane | None,
    warm: Warm,
    language: str = "en",
    later: Later | None = None,
    starters: Starters = no_starters,
    key: str = OPEN,
) -> Report:
    """Rebuilds the notebook, runs her cells in one sandbox and the tests in another, and says what held.

    `later` is what stands for the model in `lane` in a pass without one: what asked for it comes back pending. What
    is not pending holds as far as one can know: code that remembers that the model was away may do otherwise with it.
    `key` decides which hidden items are hers (labkit.draw).
    """
    data = submission if isinstance(submission, bytes) else json.dumps(submission).encode()
    repaired = repair(grader_notebook(lab, language), data, starters)
    about: dict[str, Any] = {"learner": learner, "language": language, "later": later, "key": key}
    return grade_repaired(lab, repaired, lane=lane, warm=warm, **about)


def grade_repaired(
    lab: Lab,
    repaired: Repaired,
    *,
    learner: str,
    lane: Lane | None,
    warm: Warm,
    language: str = "en",
    later: Later | None = None,
    for_author: bool = False,
    key: str = OPEN,
    measuring: bool = False,
) -> Report:
    """The same for a notebook that was rebuilt already. `for_author`: it is the lab's own answer, and a test that
    asks for what cannot be raises AuthorError, with its line, instead of being our fault. `measuring`: what the tests
    measure counts, and no calibration is needed for it."""
    text = load_text(lab, language)
    program = replace(plan(lab, text, repaired.notebook), key=key)
    if measuring:
        program = replace(program, settings={**program.settings, "model": ""})
    if not repaired.readable:
        return report(text, program, Outcome(), repaired.notes)
    run = functools.partial(_run, lab, lane=lane, warm=warm, later=later)
    try:
        if for_author:
            outcome = run(program, None)
            if outcome.doubts:
                raise Wrong(outcome.doubts[0])
        else:
            outcome = _compared(program, observed(lab, text, lambda own: run(own, None), later), run, later)
    except Wrong as wrong:
        if for_author:
            raise _to_author(lab, text, wrong.doubt) from None
        return _faulty(lab, learner, wrong, text, program, repaired)
    except (Fault, NotWarm) as fault:
        return _faulty(lab, learner, fault, text, program, repaired)
    found = report(text, program, outcome, repaired.notes, lab.limits)
    return replace(found, repaired=repaired.repaired, copied=not for_author and is_copied(text, repaired.notebook))


def _compared(
    program: Program, own: Observed, run: Callable[[Program, Observed | None], Outcome], later: Later | None
) -> Outcome:
    """One rule for every doubt: what the lab's own answer passes and hers does not is hers, whatever it ends in.

    Hers is looked at once more, because a machine that was busy for a moment ends things too. What a machine does
    twice in a row to her and not to the lab's own answer would be taken for hers.
    """
    if own.doubts:
        raise Wrong(own.doubts[0])
    outcome = run(program, own)
    if not outcome.doubts:
        return outcome
    if later is not None:
        outcome.wait_from(program, outcome.doubts[0].step)  # the pass with the model decides
        return outcome
    return run(program, own)


def _faulty(lab: Lab, learner: str, why: Exception, text: LabText, program: Program, repaired: Repaired) -> Report:
    _log.error("grading %s/%s of %s failed: %s", lab.course, lab.id, learner, why)
    return faulty(text, program, repaired.notes)


def grader_notebook(lab: Lab, language: str = "en") -> dict[str, Any]:
    """The trusted notebook a submission is rebuilt from."""
    return notebook(lab, load_text(lab, language), "grader")


def blind_tests(lab: Lab, repaired: Repaired, *, lane: Lane | None, warm: Warm, language: str = "en") -> list[str]:
    """The tests that hold in full although every call destroyed what it was handed (see wreck.py)."""
    text = load_text(lab, language)
    program = plan(lab, text, repaired.notebook)
    blind = dict[str, None]()
    for how in WAYS:
        wrecked = replace(program, settings={**program.settings, "wreck": how})
        outcome = _run(lab, wrecked, None, lane=lane, warm=warm, later=None)
        items = report(text, program, outcome, (), lab.limits).items
        blind |= {one.name: None for one in items if one.points >= one.max and outcome.results[one.name]["changed"]}
    return list(blind)


def _to_author(lab: Lab, text: LabText, doubt: Doubt) -> AuthorError:
    line = next(cell.line for cell in text.cells if cell.id == doubt.step) + doubt.line
    instead = "Tests meet learners' code through plain data and calls: docs/add-a-lab.md, part 3."
    return AuthorError(str(lab.text_file(text.language)), line, f"{doubt.step!r}: {doubt.found}", instead=instead)


def _run(
    lab: Lab, program: Program, own: Observed | None, *, lane: Lane | None, warm: Warm, later: Later | None
) -> Outcome:
    """Every step in the notebook's order: her cells in her process, each test where it stands. `own` is what the lab's
    own answer did; None where this is that answer."""
    outcome, waits = Outcome(), False
    with children(lab, warm) as (learner, tests):
        talk = Conversation(learner, tests, lane, lab.models, lab.limits.seconds)
        talk.begin(program)
        for step in program.steps:
            waits = waits or _waits(talk, step, outcome, own, later)
            if waits:
                outcome.pending.add(step.name)
        if talk.lane_fault:
            raise Fault(talk.lane_fault)
        return outcome


def _waits(talk: Conversation, step: Run | Test, outcome: Outcome, own: Observed | None, later: Later | None) -> bool:
    """Runs a step; whether it and all that comes after it wait for the model."""
    if later is not None and own is not None and step.name not in own.steps:
        outcome.pending.add(step.name)  # the lab's own answer needs the model here
        return isinstance(step, Run)
    noted = None if own is None else own.steps.get(step.name, _NOTHING)
    try:
        if isinstance(step, Run):
            _run_cell(talk, step, outcome, noted)
        else:
            _run_test(talk, step, outcome, noted)
    except Fault:
        if later is None or not later.asked:
            raise
        return True
    if later is None or not later.asked_since():
        return False
    outcome.pending.add(step.name)
    outcome.doubts = [doubt for doubt in outcome.doubts if doubt.step != step.name]
    return isinstance(step, Run) or not talk.learner.open


def _run_cell(talk: Conversation, step: Run, outcome: Outcome, own: Noted | None) -> None:
    was_open = talk.learner.open
    answer = talk.ask_learner({"op": "run", "index": step.index, "name": step.name, "source": step.source})
    if answer is not None:
        outcome.cell(step, answer.get("error"))
    elif was_open:
        outcome.ended(step, talk.learner_ended)
    try:
        asked = {"op": "prepare", "source": step.trusted, "forget": step.binds, "own": own}
        prepared = talk.ask_tests(asked)
    except Spent as spent:
        prepared = {"fault": _TOO_MUCH[spent.reason]}
    outcome.noted[step.name] = _noted(prepared)
    if prepared.get("fault"):
        outcome.doubts.append(Doubt(step.name, 0, prepared["fault"]))


def _run_test(talk: Conversation, step: Test, outcome: Outcome, own: Noted | None) -> None:
    was_open = talk.learner.open
    try:
        asked = {"op": "test", "name": step.name, "source": step.source, "own": own}
        result = talk.ask_tests(asked)
    except Spent as spent:
        stopped = {"what": f"checked_{spent.reason}", "doubt": _TOO_MUCH[spent.reason], "line": 0}
        result = {"checks": [], "stopped": stopped, "pending": [], "changed": False}
    outcome.results[step.name], outcome.noted[step.name] = result, _noted(result)
    for problem in filter(None, [result["stopped"], *(check.get("problem") for check in result["checks"])]):
        if problem["what"] == "fault":
            raise Fault(f"{step.name}: {problem['text']}")
        if problem["what"] == "gone" and was_open:
            talk.notice_end()
        if problem.get("doubt"):
            outcome.doubts.append(Doubt(step.name, problem["line"], problem["doubt"]))
    if was_open and not talk.learner.open:
        outcome.ended(step, talk.learner_ended)


def _noted(answer: dict[str, Any]) -> Noted:
    return {name: answer.get(name, ()) for name in _NOTHING}
