"""What bounds somebody's trainings in a lab: their steps and, where the lab bounds them, minutes of the machine.

The ledger counts each in a unit of its own, apart from tokens, and in the lab alone: neither a person's day nor a
cohort's budget has steps in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from labkit.allowance.limits import Limit, farthest_first, nearest
from labkit.allowance.order import SECONDS, STEPS, Order
from labkit.allowance.rule import Share
from labkit.courses import Lab
from labkit.courses.course import TrainingRule
from labkit.programme.cohorts import Seat


def training_rule(found: Sequence[Limit], seat: Seat | None, username: str, lab: Lab) -> TrainingRule | None:
    """The course's, or what somebody gave her or her cohort; None where nothing is trained."""
    rule = lab.training
    if rule is None or lab.ai_policy == "closed":
        return None
    mine = farthest_first(found, "lab", username, seat.cohort.name if seat else "", lab.course, lab.id)
    steps, minutes = nearest(mine, "steps", rule.steps), nearest(mine, "minutes", rule.minutes)
    return replace(rule, steps=rule.steps if steps is None else steps, minutes=minutes)


def shares(rule: TrainingRule) -> dict[str, Share]:
    """What the ledger holds her to, by unit: steps, and seconds where minutes are bounded."""
    found = {STEPS: Share(rule.steps, None, rule.per)}
    if rule.minutes is not None:
        found[SECONDS] = Share(rule.minutes * 60, None, rule.per)
    return found


def orders(order: Order, rule: TrainingRule) -> dict[str, Order]:
    """By unit, what a training of hers asks the ledger for, where `order` is what a call of hers asks it for."""
    # In total, as every budget of a cohort is counted, so that the books of steps balance too.
    alone = replace(order, person=Share(), together=Share(per="total"))
    return {unit: replace(alone, lab_rule=share, unit=unit) for unit, share in shares(rule).items()}
