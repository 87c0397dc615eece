"""What a learner's token and key open besides the models: the key, her allowance, which models there are, a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labkit.allowance import Balance, Ledger
from labkit.allowance.training import orders
from labkit.errors import KeyRefused, NotInALab, RequestRefused, TooManyAtOnce
from labkit.gateway.answers import error_answer
from labkit.gateway.backends import Served
from labkit.gateway.front import Front, body_of, credential
from labkit.gateway.keys import Caller
from labkit.gateway.parameters import LARGEST_BODY
from labkit.gateway.place import Place
from labkit.gateway.policy import allowed_models
from labkit.policy import reports

_LONGEST_REASON = 2_000
_MOST_REPORTS = 30
_REPORT = ("reason", "asked", "answered", "model", "call")


class Identity(Protocol):
    """Who holds a hub token."""

    async def username(self, token: str) -> str | None: ...


@dataclass(frozen=True)
class LearnerRoutes:
    identity: Identity
    front: Front
    ledger: Ledger
    engine: Engine

    def routes(self) -> list[Route]:
        lab = "/labs/{course}/{lab}"
        return [
            Route(f"{lab}/key", self.key, methods=["POST"]),
            Route(f"{lab}/allowance", self.allowance),
            Route(f"{lab}/reports", self.report, methods=["POST"]),
            Route(f"{lab}/v1/models", self.models),
            Route(f"{lab}/v1/models/{{model:path}}", self.model),
        ]

    async def key(self, request: Request) -> Response:
        """Exchanges a hub token, which names a person, for a key, which names a person in a lab."""
        token = credential(request, "token")
        username = await self.identity.username(token)
        if username is None:
            raise KeyRefused("The hub does not know this token.", instead="Stop your server and open the lab again.")
        caller = Caller(username, request.path_params["course"], request.path_params["lab"])
        if self.front.places.lab(caller) is None:
            return _no_such_lab(caller)
        await self.front.places.of(caller)
        key = self.front.keys.issue(caller)
        return JSONResponse(
            {"key": key.key, "expires_at": key.expires_at.isoformat(timespec="seconds")},
            headers={"Cache-Control": "no-store"},
        )

    async def allowance(self, request: Request) -> Response:
        """What bounds her calls here: first the lab's allowance, below `all` every one of them by its scope. What
        bounds her trainings stands below `training`: it is in other units, and of old clients' tokens no part."""
        place = await self.front.admitted(request)
        balances = await run_in_threadpool(self.ledger.balances, place.order())
        told = [{"scope": scope, **_told(balance)} for scope, balance in balances if _bounds(balance)]
        first = {"unit": "tokens", "per": place.rules.lab.per, **_told(dict(balances)["lab"])}
        training = await run_in_threadpool(self._training, place)
        return JSONResponse({**first, "all": told, **({"training": training} if training else {})})

    def _training(self, place: Place) -> list[dict[str, Any]]:
        """Where the lab trains, a row for its steps and, where they are bounded, one for its minutes, in seconds."""
        rule = place.rules.training
        asked = orders(place.order(), rule) if rule else {}
        return [
            {"scope": "lab", "unit": unit, "per": one.lab_rule.per, **_told(dict(self.ledger.balances(one))["lab"])}
            for unit, one in asked.items()
        ]

    async def models(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": await self._listed(request)})

    async def model(self, request: Request) -> Response:
        """One model of the list."""
        name = request.path_params["model"]
        for one in await self._listed(request):
            if one["id"] == name:
                return JSONResponse(one)
        return error_answer(
            RequestRefused(f"There is no model {name[:100]!r} here.", instead="Ask GET /v1/models."), 404
        )

    async def report(self, request: Request) -> Response:
        """{"reason", "asked", "answered", "model", "call"}: an answer for her instructor to see."""
        place = await self.front.admitted(request)
        given = _report(await body_of(request, LARGEST_BODY))
        caller = place.caller
        if await run_in_threadpool(reports.sent_today, self.engine, caller.username) >= _MOST_REPORTS:
            raise TooManyAtOnce(
                f"You have sent {_MOST_REPORTS} reports today.", instead="Speak to your instructor about the rest."
            )
        report = reports.Report(
            caller.username,
            place.cohort,
            caller.course,
            caller.lab,
            given.get("model", "")[:100],
            given.get("asked", ""),
            given.get("answered", ""),
            given["reason"],
            given.get("call", "")[:32] or None,
        )
        return JSONResponse({"id": await run_in_threadpool(reports.add, self.engine, report)}, status_code=201)

    async def _listed(self, request: Request) -> list[dict[str, Any]]:
        place = await self.front.admitted(request)
        served = await self.front.served()
        site = [_model(served[name], "labkit") for name in allowed_models(place.lab, served)]
        return site + [_model(one, place.caller.username) for one in await self.front.own(place)]


def _model(model: Served, owner: str) -> dict[str, Any]:
    return {
        **{"id": model.id, "object": "model", "created": 0, "owned_by": owner, "paths": sorted(model.paths)},
        **{"takes": sorted(model.takes), "context_length": model.context or None},
    }


def _bounds(balance: Balance) -> bool:
    return balance.limit is not None or balance.most_requests is not None


def _told(balance: Balance) -> dict[str, Any]:
    return {
        "limit": balance.limit,
        "used": balance.used,
        "reserved": balance.reserved,
        "left": balance.left if balance.limit is not None else None,
        "requests": balance.requests,
        "most_requests": balance.most_requests,
        "resets_at": balance.resets_at.isoformat() if balance.resets_at else None,
    }


def _report(raw: bytes) -> Mapping[str, str]:
    try:
        given = json.loads(raw)
        json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise RequestRefused("The body is not JSON of whole characters.", instead="Send a JSON object.") from error
    if not isinstance(given, dict) or not given.keys() <= set(_REPORT):
        raise RequestRefused("This is no report.", instead=f"Send an object with {', '.join(_REPORT)}.")
    if not all(isinstance(text, str) for text in given.values()) or not str(given.get("reason", "")).strip():
        raise RequestRefused("A report has a reason.", instead="Say in a few words what is wrong with the answer.")
    if len(given["reason"]) > _LONGEST_REASON:
        raise RequestRefused(
            f"Your reason has {len(given['reason']):,} characters.", instead=f"Say it in at most {_LONGEST_REASON:,}."
        )
    return given


def _no_such_lab(caller: Caller) -> Response:
    error = NotInALab(
        f"There is no lab {caller.lab!r} in a course {caller.course!r}.",
        instead="Open the notebook from the lab's own folder.",
    )
    return error_answer(error, status=404)
