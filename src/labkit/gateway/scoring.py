"""Log-probabilities of given choices: what prompt labs are graded with; reproducible (see labkit.models.scoring)."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.errors import RequestRefused
from labkit.gateway.front import Front, body_of
from labkit.gateway.parameters import LARGEST_BODY
from labkit.gateway.policy import MOST_SCORED, check_prompt
from labkit.gateway.requests import read_scoring


class Scorings:
    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> list[Route]:
        return [Route("/labs/{course}/{lab}/v1/score", self.score, methods=["POST"])]

    async def score(self, request: Request) -> Response:
        """{"prompts", "choices"} -> {"scores": one row per prompt, one number per choice, "usage"}."""
        front = self._front
        place = await front.admitted(request)
        asked = read_scoring(await body_of(request, LARGEST_BODY))
        model = await front.model(place, asked.model, "score")
        text = json.dumps([asked.prompts, asked.choices], ensure_ascii=False)
        await front.moderate(*asked.prompts, *asked.choices)
        cost = await front.router.cost(model.id, asked.prompts, asked.choices)
        check_prompt(place.lab, cost // len(asked.prompts))
        if cost > MOST_SCORED:
            raise RequestRefused(
                f"This would score {cost} tokens at once.", instead=f"Send fewer prompts: {MOST_SCORED} at most."
            )
        async with front.till.paid(place, cost, 0, front.asked("score", model.id, text.encode()), text) as call:
            ticket = front.router.join(place.caller.username, "score", model.id)
            work = front.router.score(ticket, model.id, asked.prompts, asked.choices, call.begin)
            scored = await front.watched(request, place, model.id, work)
            call.prompt = call.spent = scored.tokens
        body = {"model": model.id, "scores": scored.rows, "usage": {"total_tokens": scored.tokens}}
        return JSONResponse(body, headers=call.headers)
