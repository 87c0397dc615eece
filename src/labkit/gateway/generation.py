"""Chat and completions, whole or streamed.

Every call goes the same way: key, place, policy, the body, moderation, the reservation, its turn, the model, the
settlement. Several answers to one prompt (`n`) are asked one after another and pay for the prompt once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import anyio
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from labkit.courses import Lab
from labkit.errors import ModelNotAllowed
from labkit.gateway.answers import Json
from labkit.gateway.backends import ADAPTERS, Piece, Served, served_as
from labkit.gateway.call import Call
from labkit.gateway.front import Front, body_of, warnings
from labkit.gateway.messages import plain, text_of
from labkit.gateway.parameters import LARGEST_BODY
from labkit.gateway.place import Place
from labkit.gateway.policy import answer_tokens, check_prompt, check_takes, with_preface
from labkit.gateway.queue import Standing
from labkit.gateway.requests import Generation, read_generation
from labkit.gateway.stream import PaidStream, Step, events

_TELL_SECONDS = 2.0
_MODERATED_EVERY = 200


@dataclass(frozen=True)
class _Job:
    """A checked call: `body` is what the model gets."""

    request: Request
    place: Place
    asked: Generation
    model: Served
    body: dict[str, Any]

    def numbered(self, number: int) -> dict[str, Any]:
        """The body of the answer of this number: with a seed, each answer has its own."""
        return {**self.body, "seed": self.body["seed"] + number} if number and "seed" in self.body else self.body


class Generations:
    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> list[Route]:
        paths = {"chat/completions": self.chat, "completions": self.completion}
        return [Route(f"/labs/{{course}}/{{lab}}/v1/{path}", one, methods=["POST"]) for path, one in paths.items()]

    async def chat(self, request: Request) -> Response:
        return await self._generate(request, "chat/completions")

    async def completion(self, request: Request) -> Response:
        return await self._generate(request, "completions")

    async def _generate(self, request: Request, path: str) -> Response:
        front = self._front
        place = await front.admitted(request)
        asked = read_generation(path, await body_of(request, LARGEST_BODY), strict=front.is_strict(request))
        model = await front.model(place, asked.model, path)
        body = _body(place.lab, asked, model)
        text = _text(body)
        await front.moderate(*_asked_texts(body))
        prompt = await front.router.count(path, body)
        check_prompt(place.lab, prompt)
        # A model of hers is told by its base: what it is called may say who she is.
        entry = front.asked(path, served_as(model.id), text.encode())
        call = await front.till.open(place, prompt, body["max_tokens"] * asked.n, entry, text)
        job = _Job(request, place, asked, model, body)
        return await (self._stream(call, job) if asked.stream else self._whole(call, job))

    async def _whole(self, call: Call, job: _Job) -> Response:
        try:
            answer = await self._front.watched(job.request, job.place, job.model.id, self._answers(call, job))
        except BaseException as error:
            call.broken(error, paid=(ClientDisconnect,))
            raise
        finally:
            await self._front.till.close(call)
        return Json(answer, headers={**call.headers, **warnings(job.asked.unknown)})

    async def _answers(self, call: Call, job: _Job) -> dict[str, Any]:
        front, path, who = self._front, job.asked.path, job.place.caller.username
        choices: list[dict[str, Any]] = []
        answer: dict[str, Any] = {}
        made = 0
        for number in range(job.asked.n):
            ticket = front.router.join(who, path, job.model.id, further=number > 0)
            answer = await front.router.complete(ticket, path, job.numbered(number), call.begin)
            choices += [{**one, "index": number} for one in answer["choices"][:1]]
            made += answer["usage"]["completion_tokens"]
            call.prompt = answer["usage"]["prompt_tokens"]
            call.spent = call.prompt + made
        call.answered = "\n".join(_said(one) for one in choices)
        await front.moderate(call.answered)
        usage = answer["usage"] | {"completion_tokens": made, "total_tokens": call.spent}
        return {**answer, "choices": choices, "usage": usage}

    async def _stream(self, call: Call, job: _Job) -> Response:
        front = self._front
        steps = self._steps(call, job)
        try:
            # The first piece before the status line: a model that cannot answer is a 502, not a broken stream. Whoever
            # wants to be told her place in the queue gets the status line at once.
            first = await self._first(call, job, steps)
        except BaseException as error:
            call.broken(error, paid=(ClientDisconnect,))
            await steps.aclose()  # type: ignore[attr-defined]  # an async generator
            await front.till.close(call)
            raise

        async def close() -> None:
            try:
                async with aclosing(steps):  # type: ignore[type-var]
                    pass
            finally:
                await front.till.close(call)

        sent = events(steps, first, call, close, include_usage=job.asked.include_usage)
        return PaidStream(sent, close, {**call.left, **warnings(job.asked.unknown)})

    async def _first(self, call: Call, job: _Job, steps: AsyncIterator[Step]) -> Step | None:
        async def first() -> Step:
            return await anext(one async for one in steps if isinstance(one, Piece))

        if job.request.headers.get("x-labkit-queue") == "1":
            return None
        return await self._front.watched(job.request, job.place, job.model.id, first())

    async def _steps(self, call: Call, job: _Job) -> AsyncIterator[Step]:
        """Standings while the call waits, then the pieces of every answer, the last one with `usage`."""
        made, looked, last = 0, 0, Piece({}, 0)
        for number in range(job.asked.n):
            before = made
            async with aclosing(self._one(call, job, number)) as steps:  # type: ignore[type-var]
                async for step in steps:
                    if isinstance(step, Standing):
                        yield step
                        continue
                    made, last = before + step.answer, step
                    call.prompt = step.prompt or call.prompt
                    call.spent = call.prompt + made
                    call.answered += _delta(step)
                    if len(call.answered) - looked >= _MODERATED_EVERY:
                        looked = len(call.answered)
                        await self._front.moderate(call.answered)
                    if not (job.asked.n > 1 and step.chunk.get("usage")):
                        yield step.numbered(number)
        if looked < len(call.answered):
            await self._front.moderate(call.answered)
        if job.asked.n > 1 and (usage := last.chunk.get("usage")):
            total = usage | {"completion_tokens": made, "total_tokens": usage["prompt_tokens"] + made}
            yield Piece({**last.chunk, "choices": [], "usage": total}, made)

    async def _one(self, call: Call, job: _Job, number: int) -> AsyncIterator[Step]:
        """One answer. Looks once a second whether the model is paused, also while nothing comes."""
        front, path, model = self._front, job.asked.path, job.model.id
        queue, base = front.router.queue, served_as(model).removeprefix(ADAPTERS)
        ticket = front.router.join(job.place.caller.username, path, model, further=number > 0)
        try:
            while not ticket.granted.done():
                yield queue.standing(ticket)
                await asyncio.wait({ticket.granted}, timeout=_TELL_SECONDS)
                front.check_pause(job.place, base)
            pieces = front.router.stream(ticket, path, job.numbered(number), call.begin)
            async with aclosing(pieces):  # type: ignore[type-var]
                async for piece in _ticking(pieces):
                    front.check_pause(job.place, base)
                    if piece:
                        yield piece
        finally:
            queue.leave(ticket)


async def _ticking(pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece | None]:
    """The pieces, and None for every second in which none came."""
    while True:
        coming = asyncio.ensure_future(anext(pieces))
        try:
            while not (await asyncio.wait({coming}, timeout=1.0))[0]:
                yield None
        finally:
            if not coming.done():
                coming.cancel()
                # A caller who has gone cancels again and again; the stream must have ended before it is closed.
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({coming})
        try:
            piece = coming.result()
        except StopAsyncIteration:
            return
        yield piece


def _body(lab: Lab, asked: Generation, model: Served) -> dict[str, Any]:
    body = {**asked.body, "model": model.id, "max_tokens": answer_tokens(asked.max_tokens, lab)}
    if model.adapter:
        body["adapter"] = model.adapter
    check_takes(model, body)
    if asked.path == "chat/completions":
        body["messages"] = with_preface(lab, plain(body["messages"]))
    elif lab.preface:
        raise ModelNotAllowed("This lab's model is reached by chat only.", instead="Call chat/completions.")
    return body


def _text(body: dict[str, Any]) -> str:
    """What is asked, as one text."""
    if "messages" in body:
        said = [{"role": one["role"], "content": text_of(one)} for one in body["messages"]]
        return orjson.dumps(said).decode()
    return str(body["prompt"])


def _asked_texts(body: dict[str, Any]) -> list[str]:
    """What is asked, as it would be read: for moderation."""
    tools = [orjson.dumps(one).decode() for one in body.get("tools", ())]
    return [*(text_of(one) for one in body.get("messages", ())), body.get("prompt", ""), *tools]


def _said(choice: dict[str, Any]) -> str:
    return text_of(choice["message"]) if "message" in choice else str(choice.get("text", ""))


def _delta(piece: Piece) -> str:
    choice = (piece.chunk.get("choices") or [{}])[0]
    return str((choice.get("delta") or {}).get("content") or choice.get("text") or "")
