"""Answers a sandboxed process's questions to the model, within bounds, and remembers when it was us who failed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from autograder.lane import Lane, ModelLater
from labkit.errors import LabkitError, LearnerError, ModelNotAllowed, ModelUnavailable, PlatformFault, RequestRefused
from labkit.gateway.backends import ADAPTERS

_log = logging.getLogger(__name__)
_MOST_PROMPTS, _MOST_CHOICES, _LONGEST = 1_000, 64, 20_000
# What a chat may ask besides its messages, and of what type. A wrong type is the caller's mistake, never a fault.
_OPTIONS: dict[str, type | tuple[type, ...]] = {
    "model": str,
    "max_tokens": int,
    "temperature": (int, float),
    "top_p": (int, float),
    "seed": int,
    "stop": (str, list),
    "response_format": dict,
}


class LaneService:
    """One process's share of the lane: `most` calls and `characters` of text in all, only the lab's models.

    Time in the lane is not counted against a learner, so it is her text that is bounded.
    """

    def __init__(self, lane: Lane | None, models: tuple[str, ...], most: int, characters: int) -> None:
        self.fault = ""
        self._lane, self._models = lane, models
        self._left, self._most = most, most
        self._characters_left, self._characters = characters, characters

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"lane": self._answer(message.get("path"), message.get("body"))}
        except LearnerError as error:
            return _told(error)
        except ModelLater as later:
            return _told(ModelUnavailable(str(later)))
        except Exception as error:
            _log.exception("the model's lane failed")
            self.fault = self.fault or f"{type(error).__name__}: {error}"
            return _told(error if isinstance(error, LabkitError) else PlatformFault("The model did not answer."))

    def _answer(self, path: object, body: object) -> dict[str, Any]:
        paths: dict[str, Callable[[dict[str, Any], Lane], dict[str, Any]]]
        paths = {"/v1/score": _score, "/v1/chat/completions": _chat}
        if not isinstance(path, str) or path not in paths or not isinstance(body, dict):
            raise RequestRefused(f"{str(path)[:100]} is not answered while a submission is graded.")
        if not _can_be_sent(body):
            raise RequestRefused(
                "A request holds half a character or a number that is none.",
                instead="Look for text that was cut in the middle of an emoji, for NaN and for infinity.",
            )
        if self._lane is None:
            raise RequestRefused("This lab is graded without a model.", instead="Take the call out of your answer.")
        model = body.get("model")
        if model is not None and model not in self._models and not _is_trained(model):
            allowed = ", ".join(self._models) or "none"
            raise ModelNotAllowed("This lab's policy does not allow that model.", instead=f"Allowed: {allowed}.")
        self._left -= 1
        if self._left < 0:
            raise RequestRefused(
                f"Your code asked the model more than {self._most} times.", instead="Ask for many at once."
            )
        self._characters_left -= _size(body)
        if self._characters_left < 0:
            raise RequestRefused(
                f"Your code sent the model more than {self._characters} characters.", instead="Send it less text."
            )
        return paths[path](body, self._lane)


def _is_trained(model: object) -> bool:
    """Whose it is, the lane knows (`autograder.own_model`)."""
    return isinstance(model, str) and model.startswith(ADAPTERS)


def _size(body: dict[str, Any]) -> int:
    """How much text a call asks the model to read and write, about."""
    prompts, choices = body.get("prompts"), body.get("choices")
    if isinstance(prompts, list) and isinstance(choices, list):
        return sum(len(str(prompt)) for prompt in prompts) + len(prompts) * sum(len(str(choice)) for choice in choices)
    written = body.get("max_tokens")
    return len(str(body.get("messages"))) + (4 * written if type(written) is int and written > 0 else 1_000)


def _score(body: dict[str, Any], lane: Lane) -> dict[str, Any]:
    prompts, choices = _texts(body.get("prompts"), _MOST_PROMPTS), _texts(body.get("choices"), _MOST_CHOICES)
    model = body.get("model")
    rows = lane.score(prompts, choices, model if isinstance(model, str) else None)
    return {"scores": rows, "usage": {"total_tokens": 0}}


def _chat(body: dict[str, Any], lane: Lane) -> dict[str, Any]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise RequestRefused("`messages` is not a list of messages, each with a role and a content that are text.")
    if sum(len(one["content"]) for one in messages) > _LONGEST:
        raise RequestRefused(f"The messages are longer than {_LONGEST} characters.")
    options = {name: body[name] for name in _OPTIONS if body.get(name) is not None}
    for name, value in options.items():
        if not isinstance(value, _OPTIONS[name]):
            raise RequestRefused(f"`{name}` cannot be {str(value)[:50]!r}.")
    text = lane.chat(messages, **options)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 0}}


def _is_message(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("role"), str) and isinstance(one.get("content"), str)


def _texts(value: object, most: int) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise RequestRefused("`prompts` and `choices` are lists of text, with something in them.")
    if len(value) > most or max(map(len, value)) > _LONGEST:
        raise RequestRefused(f"At most {most} texts of {_LONGEST} characters are scored at once.")
    return value


def _told(error: LabkitError) -> dict[str, Any]:
    return {"error": {"code": error.code, "message": str(error)}}


def _can_be_sent(body: dict[str, Any]) -> bool:
    """Whether it can be written as JSON in UTF-8, as every way to a model does."""
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return True
