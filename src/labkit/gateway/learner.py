"""What a learner's key opens: models, chat, completions, scores, her allowance. And how she gets the key.

Every call goes the same way: key, enrolment, the lab's policy, the body, the reservation, the model, the settlement.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.allowance import Ledger
from labkit.courses import Course, Lab
from labkit.errors import KeyRefused, NotEnrolled, NotInALab, RequestRefused
from labkit.gateway.answers import error_answer
from labkit.gateway.backends import Backend
from labkit.gateway.call import Till
from labkit.gateway.keys import Caller, Keys
from labkit.gateway.policy import MOST_SCORED, allowed_models, answer_tokens, choose_model
from labkit.gateway.requests import LARGEST_BODY, Generation, read_generation, read_scoring
from labkit.gateway.stream import PaidStream, events
from labkit.programme.cohorts import Seat


class Identity(Protocol):
    """Who holds a hub token."""

    async def username(self, token: str) -> str | None: ...


class Enrolment(Protocol):
    """Somebody's place in a course, with the cohort that sets her dates and allowance; None: she takes no part."""

    def seat(self, username: str, course: str) -> Seat | None: ...


@dataclass(frozen=True)
class LearnerRoutes:
    identity: Identity
    enrolment: Enrolment
    courses: Mapping[str, Course]
    ledger: Ledger
    till: Till
    keys: Keys
    backend: Backend

    def routes(self) -> list[Route]:
        lab = "/labs/{course}/{lab}"
        return [
            Route(f"{lab}/key", self.key, methods=["POST"]),
            Route(f"{lab}/allowance", self.allowance),
            Route(f"{lab}/v1/models", self.models),
            Route(f"{lab}/v1/chat/completions", self.chat, methods=["POST"]),
            Route(f"{lab}/v1/completions", self.completion, methods=["POST"]),
            Route(f"{lab}/v1/score", self.score, methods=["POST"]),
        ]

    async def key(self, request: Request) -> Response:
        """Exchanges a hub token, which names a person, for a key, which names a person in a lab."""
        token = _credential(request, "token")
        username = await self.identity.username(token)
        if username is None:
            raise KeyRefused("The hub does not know this token.", instead="Stop your server and open the lab again.")
        caller = Caller(username, request.path_params["course"], request.path_params["lab"])
        if self._lab(caller) is None:
            return _no_such_lab(caller)
        await self._enrolled(caller)
        key = self.keys.issue(caller)
        return JSONResponse(
            {"key": key.key, "expires_at": key.expires_at.isoformat(timespec="seconds")},
            headers={"Cache-Control": "no-store"},
        )

    async def allowance(self, request: Request) -> Response:
        caller, lab = await self._admitted(request)
        balance = await run_in_threadpool(self.ledger.balance, caller.username, caller.course, lab.id, lab.allowance)
        return JSONResponse(
            {
                "unit": "tokens",
                "per": lab.allowance.per,
                "limit": balance.limit,
                "used": balance.used,
                "reserved": balance.reserved,
                "left": balance.left,
                "resets_at": balance.resets_at.isoformat() if balance.resets_at else None,
            }
        )

    async def models(self, request: Request) -> Response:
        _, lab = await self._admitted(request)
        allowed = allowed_models(lab, await self.backend.models())
        data = [{"id": model, "object": "model", "created": 0, "owned_by": "labkit"} for model in allowed]
        return JSONResponse({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        return await self._generate(request, "chat/completions")

    async def completion(self, request: Request) -> Response:
        return await self._generate(request, "completions")

    async def score(self, request: Request) -> Response:
        caller, lab = await self._admitted(request)
        asked = read_scoring(await _body(request))
        choose_model(lab, asked.model, await self.backend.models())
        cost = await self.backend.cost(asked.prompts, asked.choices)
        if cost > MOST_SCORED:
            raise RequestRefused(
                f"This would score {cost} tokens at once.", instead=f"Send fewer prompts: {MOST_SCORED} at most."
            )
        async with self.till.paid(caller, lab, cost, 0) as call:
            scored = await self.backend.score(asked.prompts, asked.choices)
            call.spent = scored.tokens
        body = {"scores": scored.rows, "usage": {"total_tokens": scored.tokens}}
        return JSONResponse(body, headers=call.headers)

    async def _generate(self, request: Request, path: str) -> Response:
        caller, lab = await self._admitted(request)
        asked = read_generation(path, await _body(request))
        model = choose_model(lab, asked.model, await self.backend.models())
        longest = answer_tokens(asked.max_tokens)
        body = {**asked.body, "model": model, "max_tokens": longest}
        prompt = await self.backend.count(path, body)
        if asked.stream:
            return await self._stream(caller, lab, asked, body, prompt)
        async with self.till.paid(caller, lab, prompt, longest) as call:
            answer = await self.backend.complete(path, body)
            call.spent = answer["usage"]["total_tokens"]
        return JSONResponse(answer, headers=call.headers)

    async def _stream(self, caller: Caller, lab: Lab, asked: Generation, body: dict[str, Any], prompt: int) -> Response:
        call = await self.till.open(caller, lab, prompt, body["max_tokens"])
        pieces = self.backend.stream(asked.path, body)
        try:
            # The first piece before the status line: a model that cannot answer is a 502, not a broken stream.
            first = await anext(pieces)
            call.spent = max(prompt, first.tokens)
        except BaseException:
            call.failed = True
            await self.till.close(call)
            raise

        async def close() -> None:
            try:
                async with aclosing(pieces):  # type: ignore[type-var]  # every backend's stream is an async generator
                    pass
            finally:
                await self.till.close(call)

        return PaidStream(events(pieces, first, call, close, include_usage=asked.include_usage), close)

    async def _admitted(self, request: Request) -> tuple[Caller, Lab]:
        """The caller whose key fits this lab's address and who is still enrolled."""
        caller = self.keys.read(_credential(request, "bearer"))
        lab = self._lab(caller)
        if (caller.course, caller.lab) != (request.path_params["course"], request.path_params["lab"]) or lab is None:
            raise KeyRefused("This key is for another lab.", instead="Call labkit.credentials() in this lab.")
        seat = await self._enrolled(caller)
        return caller, seat.taken(lab)

    async def _enrolled(self, caller: Caller) -> Seat:
        seat = await run_in_threadpool(self.enrolment.seat, caller.username, caller.course)
        if seat is None:
            raise NotEnrolled(
                f"You are not enrolled in the course {caller.course!r}.", instead="Ask your programme officer."
            )
        seat.check_runs()
        return seat

    def _lab(self, caller: Caller) -> Lab | None:
        course = self.courses.get(caller.course)
        return next((lab for lab in course.labs if lab.id == caller.lab), None) if course else None


def _credential(request: Request, scheme: str) -> str:
    given, _, credential = request.headers.get("authorization", "").partition(" ")
    if given.lower() != scheme or not credential.strip():
        raise KeyRefused("This needs a key.", instead="In a notebook, labkit.credentials() gives one.")
    return credential.strip()


async def _body(request: Request) -> bytes:
    """The body, read no further than a body may be large."""
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > LARGEST_BODY:
            raise RequestRefused("This request is too large.", instead=f"Keep it under {LARGEST_BODY} bytes.")
    return bytes(raw)


def _no_such_lab(caller: Caller) -> Response:
    error = NotInALab(
        f"There is no lab {caller.lab!r} in a course {caller.course!r}.",
        instead="Open the notebook from the lab's own folder.",
    )
    return error_answer(error, status=404)
