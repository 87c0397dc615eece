"""How grading reaches a model: one call at a time, charged to nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from labkit.errors import OperatorError, RequestRefused


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
    """The embedded model in this very process, prepared and loaded at the first call. It scores; it does not chat."""

    def __init__(self, home: Path, progress: Callable[[str], None]) -> None:
        self._home, self._progress = home, progress
        self._lock = threading.Lock()
        self._scorer: Any = None
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], list[list[float]]] = {}

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        asked = (tuple(prompts), tuple(choices))
        with self._lock:
            if self._scorer is None:
                self._scorer = self._load()
            if asked not in self._known:  # a check grades the same answer several times, and gets the same again
                self._known[asked] = self._scorer.score(prompts, choices)
            return [list(row) for row in self._known[asked]]

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str:
        raise RequestRefused(
            "Grading without the platform running can score choices, but not chat.", instead="Use labkit.score."
        )

    def _load(self) -> Any:
        from labkit.models import embedded, scoring

        try:
            prepared = embedded.prepare(self._home, self._progress)
        except OSError as error:
            instead = "Name another folder with --model-home DIR."
            raise OperatorError(f"The model cannot be prepared in {self._home}: {error}.", instead=instead) from error
        return scoring.ChoiceScorer(prepared.safetensors)
