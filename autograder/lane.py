"""How grading reaches a model: one call at a time, charged to nobody."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from labkit.errors import ModelNotAllowed, OperatorError
from labkit.gateway.backends import ADAPTERS
from labkit.gateway.policy import as_graded


class Lane(Protocol):
    """Asked by the grader's own process on behalf of sandboxed code."""

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]: ...

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str: ...


class ModelLater(Exception):
    """The model is asked in a later pass. Nobody's mistake and nobody's fault: what asked for it is pending."""


class Later:
    """Stands where the model will: whoever asks is told to wait, and the grader sees that somebody asked."""

    def __init__(self) -> None:
        self.asked, self._since = False, False

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        raise self._note()

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str:
        raise self._note()

    def asked_since(self) -> bool:
        """Whether the model was asked since this was asked the last time."""
        since, self._since = self._since, False
        return since

    def forget(self) -> None:
        """As if nobody had asked yet."""
        self.asked = self._since = False

    def _note(self) -> ModelLater:
        self.asked = self._since = True
        return ModelLater("The model is asked in a later pass.")


class ModelLane:
    """The embedded model in this very process, prepared and loaded at the first call; what was asked is remembered.

    A check grades the same answer several times, and gets the same again. `spent` is the CPU time in seconds that all
    calls would have cost, remembered ones too: what a learner's submission costs.
    """

    def __init__(self, home: Path, progress: Callable[[str], None]) -> None:
        self._home, self._progress = home, progress
        self._lock = threading.Lock()
        self._scorer: Any = None
        self._chatter: Any = None
        self._known: dict[str, tuple[Any, float]] = {}
        self.spent = 0.0

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        with self._lock:
            self._scorer = self._scorer or self._load_scorer()
            asked = {"prompts": prompts, "choices": choices}
            return [list(row) for row in self._remembered(asked, lambda: self._scorer.score(prompts, choices))]

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str:
        if str(options.get("model") or "").startswith(ADAPTERS):
            raise ModelNotAllowed("A trained model answers on the platform alone.", instead="Hand it in there.")
        body = as_graded({"messages": messages, **options})
        with self._lock:
            self._chatter = self._chatter or self._load_chatter()
            return str(self._remembered(body, lambda: self._chatter.answer(body)))

    def _remembered(self, asked: dict[str, Any], compute: Callable[[], Any]) -> Any:
        name = json.dumps(asked, sort_keys=True)
        if name not in self._known:
            begun = time.process_time()
            answer = compute()
            self._known[name] = (answer, time.process_time() - begun)
        answer, seconds = self._known[name]
        self.spent += seconds
        return answer

    def _load_scorer(self) -> Any:
        from labkit.models import scoring

        return scoring.ChoiceScorer(self._prepared().safetensors)

    def _load_chatter(self) -> Any:
        from labkit.models import chatting

        return chatting.Chatter(self._prepared())

    def _prepared(self) -> Any:
        from labkit.models import embedded

        try:
            return embedded.prepare(self._home, self._progress)
        except OSError as error:
            instead = "Name another folder with --model-home DIR."
            raise OperatorError(f"The model cannot be prepared in {self._home}: {error}.", instead=instead) from error
