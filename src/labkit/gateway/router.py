"""Which backend answers for a model: the first healthy one that serves it, and the next where that fails.

A call is tried on another backend only while nothing of an answer has come, so a learner never pays for two: there is
one reservation, and what it settles to is the usage of the answer she got.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.gateway.backends import Backend, Piece, Scored, Served, served_as
from labkit.gateway.queue import FairQueue, Lane, Ticket

T = TypeVar("T")
_log = logging.getLogger(__name__)
_HEALTH_SECONDS = 5.0
_NO_MODEL = ModelUnavailable("The model did not answer.", instead="Try again in a minute; nothing was charged.")


class _Behind:
    """A backend with its lanes, and whether it answered when it was last asked."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.lanes = {name: Lane(slots) for name, slots in backend.lanes.items()}
        self.up = True
        self.served: dict[str, Served] = {}

    def lane(self, path: str) -> Lane:
        return self.lanes[self.backend.lane(path)]


class Router:
    """All backends as one. `queue` says who of the learners is next."""

    def __init__(self, backends: Sequence[Backend], queue: FairQueue | None = None) -> None:
        self._behind = [_Behind(backend) for backend in backends]
        self.queue = queue or FairQueue()

    async def served(self) -> dict[str, Served]:
        """Every model by its name, the first backend's first; ModelUnavailable if no backend answers."""
        found: dict[str, Served] = {}
        for one in self._behind:
            if one.served or await self._ask(one):
                for model in one.served.values():
                    found.setdefault(model.id, model)
        if not found:
            raise _NO_MODEL
        return found

    async def count(self, path: str, body: Mapping[str, Any]) -> int:
        return await self._first(path, body["model"], lambda backend: backend.count(path, body))

    async def cost(self, model: str, prompts: list[str], choices: list[str]) -> int:
        return await self._first("score", model, lambda backend: backend.cost(prompts, choices))

    def join(self, who: str, path: str, model: str, *, further: bool = False) -> Ticket:
        """A place in the queue for a call; see FairQueue.join."""
        return self.queue.join(who, [one.lane(path) for one in self._candidates(path, model)], further=further)

    async def complete(self, ticket: Ticket, path: str, body: Mapping[str, Any], begun: Callable[[], None]) -> Any:
        """A whole answer. `begun` is called once it is this call's turn."""

        async def ask(backend: Backend) -> Any:
            return await backend.complete(path, body)

        return await self._turn(ticket, path, body["model"], ask, begun)

    async def score(
        self, ticket: Ticket, model: str, prompts: list[str], choices: list[str], begun: Callable[[], None]
    ) -> Scored:
        async def ask(backend: Backend) -> Scored:
            return await backend.score(prompts, choices)

        return await self._turn(ticket, "score", model, ask, begun)

    async def stream(
        self, ticket: Ticket, path: str, body: Mapping[str, Any], begun: Callable[[], None]
    ) -> AsyncIterator[Piece]:
        """The pieces of an answer, from a backend that gives a first one."""
        async with self.queue.turn(ticket) as lane:
            begun()
            for one in self._from(lane, path, body["model"]):
                started = False
                try:
                    async with aclosing(one.backend.stream(path, body)) as pieces:  # type: ignore[type-var]
                        async for piece in pieces:
                            started = True
                            yield piece
                    return
                except ModelUnavailable:
                    one.up = await one.backend.health()
                    if started:
                        raise
            raise _NO_MODEL

    async def grading(self) -> Backend:
        """The backend that grades: the first one. Recordings and calibrations are of its model."""
        return self._behind[0].backend

    async def graded(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a learner's own model answers, outside everybody's turn: the grading lane is serial by itself."""
        return await self._first(path, str(body["model"]), lambda backend: backend.complete(path, body))

    async def health(self) -> bool:
        """Whether any backend answers; asks them all."""
        return any(await asyncio.gather(*(self._ask(one) for one in self._behind)))

    async def keep_healthy(self) -> None:
        """Asks every backend again and again, for as long as it runs."""
        while True:
            await asyncio.sleep(_HEALTH_SECONDS)
            try:
                await self.health()
            except Exception:  # this must never end: a backend that is back would not be asked again
                _log.exception("The backends could not be asked whether they are up")

    async def close(self) -> None:
        for one in self._behind:
            await one.backend.close()

    def lanes(self) -> dict[str, Lane]:
        """By "number of the backend/engine", for the metrics."""
        return {f"{number}/{name}": lane for number, one in enumerate(self._behind) for name, lane in one.lanes.items()}

    async def _ask(self, one: _Behind) -> bool:
        was, one.up = one.up, await one.backend.health()
        if one.up:
            try:
                one.served = {model.id: model for model in await one.backend.models()}
            except ModelUnavailable:
                one.up = False
        if was != one.up:
            named = ", ".join(sorted(one.served)) or "models nobody has heard of yet"
            _log.warning("The backend of %s %s", named, "answers again" if one.up else "does not answer")
        return one.up

    def _candidates(self, path: str, model: str) -> list[_Behind]:
        """Whoever serves the model on this path, those that answered last first."""
        name = served_as(model)
        able = [one for one in self._behind if name in one.served and path in one.served[name].paths]
        if not able:
            raise RequestRefused(f"The model {model!r} does not answer {path}.", instead="Ask GET /v1/models.")
        return sorted(able, key=lambda one: not one.up)

    def _from(self, lane: Lane, path: str, model: str) -> list[_Behind]:
        """The backend of the granted lane, and the others after it.

        What the others answer then is beyond their lanes: a backend that fails leaves more to the rest.
        """
        return sorted(self._candidates(path, model), key=lambda one: one.lane(path) is not lane)

    async def _turn(
        self, ticket: Ticket, path: str, model: str, ask: Callable[[Backend], Awaitable[T]], begun: Callable[[], None]
    ) -> T:
        async with self.queue.turn(ticket) as lane:
            begun()
            return await self._one_of(self._from(lane, path, model), ask)

    async def _first(self, path: str, model: str, ask: Callable[[Backend], Awaitable[T]]) -> T:
        return await self._one_of(self._candidates(path, model), ask)

    async def _one_of(self, behind: Sequence[_Behind], ask: Callable[[Backend], Awaitable[T]]) -> T:
        for one in behind:
            try:
                return await ask(one.backend)
            except ModelUnavailable:
                one.up = await one.backend.health()
        raise _NO_MODEL
