"""Which rules bound somebody's calls in a lab: the gateway holds her to them, the pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.allowance.limits import Limit, applied
from labkit.allowance.rule import Rule, Share
from labkit.allowance.training import training_rule
from labkit.courses import Lab
from labkit.courses.course import TrainingRule
from labkit.programme.cohorts import Seat

_NO_BUDGET = Share(per="total")


@dataclass(frozen=True)
class Rules:
    """`lab` bounds her in the lab, `person` in all labs together, `together` her whole cohort; `budget` is the cohort
    whose budget she draws on, empty for whoever teaches: she tries her labs on the site's account. `training` bounds
    her trainings in the lab; None where nothing is trained in it."""

    lab: Share
    person: Share
    together: Share
    budget: str
    training: TrainingRule | None = None


def lab_rule(found: Sequence[Limit], seat: Seat | None, username: str, lab: Lab) -> Share:
    """Her allowance in the lab: the course's, her cohort's part of it, or another that somebody gave her."""
    taken = (seat.taken(lab) if seat else lab).allowance
    return applied(taken, found, "lab", username, seat.cohort.name if seat else "", lab.course, lab.id)


def rules(found: Sequence[Limit], seat: Seat, username: str, lab: Lab, site: Rule) -> Rules:
    """All that bound a call of hers; `site` is what a person may use in all labs where nothing else is said."""
    cohort = seat.cohort.name

    def within(rule: Rule, scope: str) -> Share:
        return applied(rule, found, scope, username, cohort, lab.course, lab.id)

    budget = cohort if seat.role == "learner" else ""
    return Rules(
        lab_rule(found, seat, username, lab),
        within(site, "person"),
        within(_NO_BUDGET, "cohort"),
        budget,
        training_rule(found, seat, username, lab),
    )
