"""What the lab's own answer does in each test, looked at once for each release of a lab.

Three things are known from it. The places at which an object of the learner's may come: where the lab's own answer
gives plain data (a list, an array), an object that calls itself one is not believed. Those at which something empty
may come: of an empty array everything holds. And whose a doubt is: a lab whose own answer ends in one has a mistake,
and what it does to a learner is not hers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autograder.lane import Later
from autograder.program import Program, plan
from autograder.verdict import Doubt, Noted, Outcome
from labkit.courses import Lab, LabText, notebook

Run = Callable[[Program], Outcome]


@dataclass(frozen=True)
class Observed:
    """By step: what the test process noted of it (`Names.noted`). A step that is not there was not reached, for want of
    the model."""

    steps: Mapping[str, Noted]
    doubts: tuple[Doubt, ...]


_Key = tuple[str, str, str]
_kept: dict[_Key, Observed] = {}
_without_model: dict[_Key, Observed] = {}  # as far as it was seen while the model was away


def observed(lab: Lab, text: LabText, run: Run, later: Later | None) -> Observed:
    """`run` grades a program as hers is graded. Kept for each release, unless there was a doubt; what was seen without
    a model it asks for is kept for passes without one."""
    key = (str(lab.path), lab.release, text.language)
    known = _kept.get(key) or (_without_model.get(key) if later is not None else None)
    if known is not None:
        return known
    program = plan(lab, text, notebook(lab, text, "reference"))
    outcome = run(program)
    if outcome.doubts:
        outcome = run(program)  # a machine that was busy for a moment ends things too
    steps = {step: noted for step, noted in outcome.noted.items() if step not in outcome.pending}
    found = Observed(steps, tuple(outcome.doubts))
    asked = later is not None and later.asked
    if later is not None:
        later.forget()  # it was not her code that asked
    if not found.doubts:
        (_without_model if asked else _kept)[key] = found
    return found


def forget() -> None:
    """As in a process that has just started."""
    _kept.clear()
    _without_model.clear()
