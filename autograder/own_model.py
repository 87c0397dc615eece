"""A check may ask the model that the learner has trained, and no other learner's.

The name is looked up among her own; what is asked, recorded and replayed is the hash of its files, so a regrade asks
the same weights or none. The files are read as safetensors alone, their names and shapes compared with the base's
(`labkit.training.peft`). Does not cover: which data it was trained on; a check must ask what no learner has seen.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from autograder.lane import Lane
from labkit.errors import ModelNotAllowed
from labkit.gateway.backends import ADAPTERS
from labkit.training.events import Events
from labkit.training.jobs import Jobs
from labkit.training.own import own


class OwnModelLane:
    """`lane`, where names of trained models stand for those of `learner`."""

    def __init__(self, lane: Lane, engine: Engine, learner: str) -> None:
        self._lane, self._learner = lane, learner
        self._jobs, self._events = Jobs(engine), Events(engine)

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        if model is not None and model.startswith(ADAPTERS):
            raise ModelNotAllowed("A trained model does not score choices.", instead="Chat with it.")
        return self._lane.score(prompts, choices, model)

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str:
        model = options.get("model")
        if isinstance(model, str) and model.startswith(ADAPTERS):
            options["adapter"] = self._digest(model)
        return self._lane.chat(messages, **options)

    def _digest(self, model: str) -> str:
        """Raises ModelNotAllowed for what is none of hers."""
        if found := own(self._jobs, self._events, self._learner, model):
            return found[1]
        raise ModelNotAllowed(
            f"There is no model {model[:100]!r} of yours.", instead="Train it in this course, and give the name of it."
        )
