"""Scores a submission nobody trusts. The whole story is `grade` and `grade_repaired`."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

from autograder.children import children
from autograder.conversation import Conversation, Fault, Spent
from autograder.lane import Lane, Later
from autograder.program import Program, Run, Test, plan
from autograder.repair import Repaired, Starters, no_starters, repair
from autograder.report import Report
from autograder.verdict import Doubt, Outcome, faulty, report
from autograder.warm import NotWarm, Warm
from labkit.courses import Lab, LabText, load_text, notebook
from labkit.errors import AuthorError

_log = logging.getLogger(__name__)
_TOO_MUCH = {"time": "it did not come to an end", "memory": "it took more memory than there is"}
_sound: dict[tuple[str, str, str, str], bool] = {}  # whether the lab's own answer passes a step that was in doubt


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
) -> Report:
    """Rebuilds the notebook, runs her cells in one sandbox and the tests in another, and says what held.

    `later` is what stands for the model in `lane` in a pass without one: what asked for it comes back pending. What
    is not pending holds as far as one can know: code that remembers that the model was away may do otherwise with it.
    """
    data = submission if isinstance(submission, bytes) else json.dumps(submission).encode()
    repaired = repair(grader_notebook(lab, language), data, starters)
    return grade_repaired(lab, repaired, learner=learner, lane=lane, warm=warm, language=language, later=later)


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
) -> Report:
    """The same for a notebook that was rebuilt already. `for_author`: it is the lab's own answer, and a test that
    asks for what cannot be raises AuthorError, with its line, instead of being our fault."""
    text = load_text(lab, language)
    program = plan(lab, text, repaired.notebook)
    if not repaired.readable:
        return report(text, program, Outcome(), repaired.notes)
    try:
        outcome = _run(lab, program, lane, warm, later)
        if outcome.doubts and later is not None:
            outcome.wait_from(program, outcome.doubts[0].step)  # the pass with the model decides
        elif outcome.doubts and for_author:
            raise Wrong(outcome.doubts[0])
        elif outcome.doubts:
            outcome = _decided(lab, text, program, outcome.doubts[0], lane, warm)
    except Wrong as wrong:
        if for_author:
            raise _to_author(lab, text, wrong.doubt) from None
        return _faulty(lab, learner, wrong, text, program, repaired)
    except (Fault, NotWarm) as fault:
        return _faulty(lab, learner, fault, text, program, repaired)
    found = report(text, program, outcome, repaired.notes, lab.limits)
    return replace(found, repaired=repaired.repaired)


def _decided(lab: Lab, text: LabText, program: Program, doubt: Doubt, lane: Lane | None, warm: Warm) -> Outcome:
    """One rule for every doubt: what the lab's own answer passes and hers does not is hers, whatever it ends in.

    Hers is looked at once more, because a machine that was busy for a moment ends things too. What a machine does
    twice in a row to her and not to the lab's own answer would be taken for hers.
    """
    known = (str(lab.path), lab.release, text.language, doubt.step)
    if known not in _sound:
        _sound[known] = _reference_passes(lab, text, doubt.step, lane, warm)
    if not _sound[known]:
        raise Wrong(doubt)
    return _run(lab, program, lane, warm, None)


def _reference_passes(lab: Lab, text: LabText, step: str, lane: Lane | None, warm: Warm) -> bool:
    program = plan(lab, text, notebook(lab, text, "reference"))
    outcome = _run(lab, program, lane, warm, None)
    lost = {item.name for item in report(text, program, outcome, ()).items if item.points < item.max}
    return step not in lost | {doubt.step for doubt in outcome.doubts}


def _faulty(lab: Lab, learner: str, why: Exception, text: LabText, program: Program, repaired: Repaired) -> Report:
    _log.error("grading %s/%s of %s failed: %s", lab.course, lab.id, learner, why)
    return faulty(text, program, repaired.notes)


def grader_notebook(lab: Lab, language: str = "en") -> dict[str, Any]:
    """The trusted notebook a submission is rebuilt from."""
    return notebook(lab, load_text(lab, language), "grader")


def blind_tests(lab: Lab, repaired: Repaired, *, lane: Lane | None, warm: Warm, language: str = "en") -> list[str]:
    """The tests that hold in full although every call emptied what it was handed (see wreck.py)."""
    text = load_text(lab, language)
    program = plan(lab, text, repaired.notebook)
    outcome = _run(lab, replace(program, settings={**program.settings, "wreck": True}), lane, warm, None)
    items = report(text, program, outcome, (), lab.limits).items
    return [item.name for item in items if item.points >= item.max and outcome.results[item.name].get("changed")]


def _to_author(lab: Lab, text: LabText, doubt: Doubt) -> AuthorError:
    line = next(cell.line for cell in text.cells if cell.id == doubt.step) + doubt.line
    instead = "Tests meet learners' code through plain data and calls: docs/add-a-lab.md, part 3."
    return AuthorError(str(lab.text_file(text.language)), line, f"{doubt.step!r}: {doubt.found}", instead=instead)


def _run(lab: Lab, program: Program, lane: Lane | None, warm: Warm, later: Later | None) -> Outcome:
    """Every step in the notebook's order: her cells in her process, each test where it stands."""
    outcome, waits = Outcome(), False
    with children(lab, warm) as (learner, tests):
        talk = Conversation(learner, tests, lane, lab.models, lab.limits.seconds)
        talk.begin(program.settings, program.allowed)
        for step in program.steps:
            waits = waits or _waits(talk, step, outcome, later)
            if waits:
                outcome.pending.add(step.name)
        if talk.lane_fault:
            raise Fault(talk.lane_fault)
        return outcome


def _waits(talk: Conversation, step: Run | Test, outcome: Outcome, later: Later | None) -> bool:
    """Runs a step; whether it and all that comes after it wait for the model."""
    try:
        if isinstance(step, Run):
            _run_cell(talk, step, outcome)
        else:
            _run_test(talk, step, outcome)
    except Fault:
        if later is None or not later.asked:
            raise
        return True
    if later is None or not later.asked_since():
        return False
    outcome.pending.add(step.name)
    return isinstance(step, Run) or not talk.learner.open


def _run_cell(talk: Conversation, step: Run, outcome: Outcome) -> None:
    was_open = talk.learner.open
    answer = talk.ask_learner({"op": "run", "index": step.index, "name": step.name, "source": step.source})
    if answer is not None:
        outcome.cell(step, answer.get("error"))
    elif was_open:
        outcome.ended(step, talk.learner_ended)
    try:
        prepared = talk.ask_tests({"op": "prepare", "source": step.trusted, "forget": step.binds})
    except Spent as spent:
        prepared = {"fault": _TOO_MUCH[spent.reason]}
    if prepared.get("fault"):
        outcome.doubts.append(Doubt(step.name, 0, prepared["fault"]))


def _run_test(talk: Conversation, step: Test, outcome: Outcome) -> None:
    was_open = talk.learner.open
    try:
        result = talk.ask_tests({"op": "test", "name": step.name, "source": step.source})
    except Spent as spent:
        stopped = {"what": f"checked_{spent.reason}", "doubt": _TOO_MUCH[spent.reason], "line": 0}
        result = {"checks": [], "stopped": stopped, "pending": []}
    outcome.results[step.name] = result
    for problem in filter(None, [result["stopped"], *(check.get("problem") for check in result["checks"])]):
        if problem["what"] == "fault":
            raise Fault(f"{step.name}: {problem['text']}")
        if problem["what"] == "gone" and was_open:
            talk.notice_end()
        if problem.get("doubt"):
            outcome.doubts.append(Doubt(step.name, problem["line"], problem["doubt"]))
    if was_open and not talk.learner.open:
        outcome.ended(step, talk.learner_ended)
