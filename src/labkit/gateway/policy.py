"""What a lab allows: which models, and how long an answer may be."""

from __future__ import annotations

from labkit.courses import Lab
from labkit.errors import ModelNotAllowed, OperatorError

# What an answer may cost when the request does not say, and at most.
DEFAULT_ANSWER = 256
LONGEST_ANSWER = 1024
# Scores are computed one call after another, so one call must not keep everybody else waiting for minutes.
MOST_SCORED = 20_000


def allowed_models(lab: Lab, served: list[str]) -> list[str]:
    """The served models a learner may call in this lab."""
    if lab.ai_policy == "closed":
        return []
    if lab.ai_policy == "open":
        return served
    if lab.ai_policy == "assigned-models":
        return [model for model in lab.models if model in served]
    raise OperatorError(f"Lab {lab.id} has an unknown AI policy {lab.ai_policy!r}.", instead="Correct its course.toml.")


def choose_model(lab: Lab, asked: str | None, served: list[str]) -> str:
    """The model of a call: the one asked for if the lab allows it, else the lab's first."""
    allowed = allowed_models(lab, served)
    if lab.ai_policy == "closed":
        raise ModelNotAllowed("This lab is done without a model.", instead="Write the answer yourself.")
    if not allowed:
        raise ModelNotAllowed("None of this lab's models is served here.", instead="Tell your instructor.")
    if asked is None:
        return allowed[0]
    if asked not in allowed:
        raise ModelNotAllowed(f"This lab does not allow the model {asked!r}.", instead=f"Use {', '.join(allowed)}.")
    return asked


def answer_tokens(asked: int | None) -> int:
    """How many tokens an answer may have: what was asked for, a default, never more than the longest."""
    return min(asked or DEFAULT_ANSWER, LONGEST_ANSWER)
