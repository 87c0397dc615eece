"""What a lab allows: which models, how long a prompt and an answer may be, what the model is told first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.courses import Lab
from labkit.errors import ModelNotAllowed, OperatorError, RequestRefused
from labkit.gateway.backends import Served
from labkit.gateway.messages import images_of

# The paths a lab assigns models for.
GENERATING = frozenset({"chat/completions", "completions", "score"})
# What an answer may cost when the request does not say, and at most.
DEFAULT_ANSWER = 256
LONGEST_ANSWER = 1024
# In the grading lane, the hash of a trained model's files; whose they are, the autograder has looked up.
ADAPTER = "X-Labkit-Adapter"
# While a submission is graded, whatever was asked for.
GRADED = {"temperature": 0, "seed": 0}
# Scores are computed one call after another, so one call must not keep everybody else waiting for minutes.
MOST_SCORED = 20_000


def allowed_models(lab: Lab, served: Mapping[str, Served]) -> list[str]:
    """The served models a learner may call in this lab, its own first.

    A lab assigns the models that answer or score for its learners. What only embeds, hears or reads is an aide, and is
    there in every lab that has models at all.
    """
    if lab.ai_policy == "closed":
        return []
    if lab.ai_policy == "open":
        return list(served)
    if lab.ai_policy == "assigned-models":
        assigned = [name for name in lab.models if name in served]
        aides = [name for name, model in served.items() if name not in assigned and not model.paths & GENERATING]
        return assigned + aides
    raise OperatorError(f"Lab {lab.id} has an unknown AI policy {lab.ai_policy!r}.", instead="Correct its course.toml.")


def choose_model(lab: Lab, asked: str | None, served: Mapping[str, Served]) -> str:
    """The model of a call, among those `served` on its path: the one asked for if the lab allows it, else the first."""
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


def answer_tokens(asked: int | None, lab: Lab | None = None) -> int:
    """How many tokens an answer may have: what was asked for, a default, never more than the lab's or our longest."""
    longest = lab.model_limits.answer if lab and lab.model_limits.answer else LONGEST_ANSWER
    return min(asked or DEFAULT_ANSWER, longest)


def as_graded(body: Mapping[str, Any]) -> dict[str, Any]:
    """A request as it goes to a model while a submission is graded: as reproducible as an engine can be."""
    return {**body, "max_tokens": answer_tokens(body.get("max_tokens")), **GRADED}


def check_prompt(lab: Lab, tokens: int) -> None:
    """Raises RequestRefused for a prompt over what the lab allows."""
    most = lab.model_limits.prompt
    if most is not None and tokens > most:
        raise RequestRefused(f"Your prompt has {tokens} tokens; this lab allows {most}.", instead="Shorten it.")


def with_preface(lab: Lab, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages behind what the lab's author says to the model first."""
    return [{"role": "system", "content": lab.preface}, *messages] if lab.preface else messages


def check_takes(model: Served, body: Mapping[str, Any]) -> None:
    """Raises RequestRefused, by the parameter's name, for what this model does not know."""
    if "tool_choice" in body and not body.get("tools"):
        raise RequestRefused("tool_choice chooses among tools.", instead="Send tools too.", param="tool_choice")
    if "tools" in body and "tools" not in model.takes:
        raise RequestRefused(f"The model {model.id!r} uses no tools.", instead="Leave tools out.", param="tools")
    if "images" not in model.takes and any(images_of(message) for message in body.get("messages", ())):
        raise RequestRefused(
            f"The model {model.id!r} sees no images.",
            instead="Send text; v1/ocr gives the text in an image.",
            param="messages",
        )
    if "json_schema" not in model.takes and body.get("response_format", {}).get("type", "text") != "text":
        raise RequestRefused(
            f"The model {model.id!r} keeps to no format.", instead="Leave response_format out.", param="response_format"
        )
    if "logprobs" not in model.takes and (body.get("logprobs") or body.get("top_logprobs")):
        raise RequestRefused(
            f"The model {model.id!r} tells no log-probabilities.", instead="Leave logprobs out.", param="logprobs"
        )
