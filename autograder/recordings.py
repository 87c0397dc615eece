"""What the model answered while grading is kept, and a regrade replays it.

The key of a recording is a hash over the whole request and over everything that bears on the answer: weights,
tokenizer, chat template and the engine's build. Another model makes other keys; nothing recorded is ever changed,
thrown away or charged. What this does not cover: that the engine answers alike twice. The first answer is what counts.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from autograder.lane import Lane
from labkit.database import reading
from labkit.database.tables import engines, recordings
from labkit.errors import LabkitError, ModelUnavailable

# So long a model that was asked who it is counts as the same one when an answer is looked up.
_SECONDS = 5.0
_NAME = "grading"


class Identity:
    """Which model answers, as `ask` says, remembered in the database for the time it is away."""

    def __init__(self, ask: Callable[[], dict[str, Any]], engine: Engine) -> None:
        self._ask, self._engine = ask, engine
        self._lock, self._until = threading.Lock(), 0.0
        self._known: dict[str, Any] | None = None

    def last(self) -> dict[str, Any] | None:
        """The model as of a few seconds ago; while it is away, the one that answered last; None if none ever did."""
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._keep(self._ask())
                except LabkitError:
                    self._known = self._known or self._remembered()
                self._until = time.monotonic() + _SECONDS
            return self._known

    def now(self) -> dict[str, Any]:
        """The model at this moment. Raises ModelUnavailable while it is away."""
        with self._lock:
            self._keep(self._ask())
            assert self._known is not None
            return self._known

    def _keep(self, identity: dict[str, Any]) -> None:
        if identity != self._known and identity != self._remembered():
            row = {"name": _NAME, "identity": identity, "seen_at": datetime.now(UTC)}
            # Where two notice at once, either may write it down.
            with suppress(IntegrityError), self._engine.begin() as connection:
                connection.execute(delete(engines).where(engines.c.name == _NAME))
                connection.execute(insert(engines).values(row))
        self._known, self._until = identity, time.monotonic() + _SECONDS

    def _remembered(self) -> dict[str, Any] | None:
        with reading(self._engine) as connection:
            found = connection.execute(select(engines.c.identity).where(engines.c.name == _NAME)).scalar()
        return dict(found) if found is not None else None


class RecordedLane:
    """A lane that replays what is known, and records what is not before it answers."""

    def __init__(self, lane: Lane, engine: Engine, identity: Identity, course: str = "", lab: str = "") -> None:
        self._lane, self._engine, self._identity = lane, engine, identity
        self._course, self._lab = course, lab

    def of(self, course: str, lab: str, instead: Lane | None = None) -> RecordedLane:
        """The same for one lab; where nothing is recorded, `instead` is asked."""
        return RecordedLane(instead or self._lane, self._engine, self._identity, course, lab)

    def score(self, prompts: list[str], choices: list[str], model: str | None) -> list[list[float]]:
        body = {"prompts": prompts, "choices": choices, "model": model}
        rows: list[list[float]] = self._answer("/v1/score", body, lambda: self._lane.score(prompts, choices, model))
        return rows

    def chat(self, messages: list[dict[str, Any]], **options: Any) -> str:
        body = {**options, "messages": messages}
        return str(self._answer("/v1/chat/completions", body, lambda: self._lane.chat(messages, **options)))

    def _answer(self, path: str, body: Mapping[str, Any], ask: Callable[[], Any]) -> Any:
        identity = self._identity.last()
        if identity is not None and (found := self._find(key(path, body, identity))) is not None:
            return json.loads(found)
        answer = ask()
        now = self._identity.now()
        if identity not in (None, now):
            raise ModelUnavailable("The model was changed while it answered.", instead="It is asked again.")
        return json.loads(self._record(key(path, body, now), json.dumps(answer)))

    def _find(self, key: str) -> str | None:
        with reading(self._engine) as connection:
            return connection.execute(select(recordings.c.answer).where(recordings.c.key == key)).scalar()

    def _record(self, key: str, answer: str) -> str:
        """Keeps the answer, unless another grading was faster: then both go by the first."""
        row = {"key": key, "course": self._course, "lab": self._lab, "answer": answer, "recorded_at": datetime.now(UTC)}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(recordings).values(row))
        except IntegrityError:
            return self._find(key) or answer
        return answer


def key(path: str, body: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of the request and of what answers it."""
    whole = {"path": path, "body": body, "engine": identity}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
