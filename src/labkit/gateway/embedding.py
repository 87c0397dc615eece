"""Embeddings: a text as a row of numbers, in OpenAI's wire format."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.gateway.front import Front, body_of, warnings
from labkit.gateway.parameters import LARGEST_BODY
from labkit.gateway.requests import read_embedding

_PATH = "embeddings"


class Embeddings:
    def __init__(self, front: Front) -> None:
        self._front = front

    def routes(self) -> list[Route]:
        return [Route("/labs/{course}/{lab}/v1/embeddings", self.embed, methods=["POST"])]

    async def embed(self, request: Request) -> Response:
        front = self._front
        place = await front.admitted(request)
        asked = read_embedding(await body_of(request, LARGEST_BODY), strict=front.is_strict(request))
        model = await front.model(place, asked.model, _PATH)
        body = {"model": model.id, "input": asked.texts}
        text = json.dumps(asked.texts, ensure_ascii=False)
        await front.moderate(*asked.texts)
        cost = await front.router.count(_PATH, body)
        async with front.till.paid(place, cost, 0, front.asked(_PATH, model.id, text.encode()), text) as call:
            ticket = front.router.join(place.caller.username, _PATH, model.id)
            work = front.router.complete(ticket, _PATH, body, call.begin)
            answer = await front.watched(request, place, model.id, work)
            call.prompt = call.spent = answer["usage"]["total_tokens"]
        data = [{**row, "embedding": _written(row["embedding"], asked.base64)} for row in answer["data"]]
        return JSONResponse({**answer, "data": data}, headers={**call.headers, **warnings(asked.unknown)})


def _written(numbers: list[float], as_base64: bool) -> Any:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode() if as_base64 else numbers
