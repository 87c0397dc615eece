"""An instructor's notebook server fetches and sends the text of her course; nobody else's does."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount

from labkit.errors import LabkitError
from labkit.programme.enrolment import Enrolment
from labkit.workshop import app, files
from tests.labkit.workshop.conftest import ROLES


class Tokens:
    """As HubTokens, for tokens that are usernames."""

    async def username(self, token: str) -> str | None:
        return token if token in (*ROLES, "ora") else None


@pytest.fixture
async def client(engine, workshop, course):
    workshop.follow(course)

    async def refused(_request, error):
        return JSONResponse({"message": str(error), "code": error.code}, error.status)

    routes = [Mount("/x", routes=app.routes(app.Service(Tokens(), Enrolment(engine), workshop)))]
    transport = httpx.ASGITransport(Starlette(routes=routes, exception_handlers={LabkitError: refused}))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/x/workshop/") as client:
        yield client


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"token {name}"}


async def test_an_instructor_fetches_and_sends(client, workshop):
    told = (await client.get("writing", headers=as_("maria"))).json()
    newest = workshop.newest("writing")
    assert (told["number"], told["commit"]) == (1, newest.commit)
    assert base64.b64decode(told["bundle"]).startswith(b"# v2 git bundle")
    changed = {**workshop.files(newest), "README.md": b"Ours."}
    sent = await client.post(
        "writing", json={"base": told["commit"], "files": files.encode(changed)}, headers=as_("maria")
    )
    assert (sent.status_code, sent.json()["number"]) == (201, 2)
    late = await client.post(
        "writing", json={"base": told["commit"], "files": files.encode(changed)}, headers=as_("nan")
    )
    assert (late.status_code, late.json()["code"]) == (409, "VersionBehind")
    base = sent.json()["commit"]
    again = await client.post("writing", json={"base": base, "files": files.encode(changed)}, headers=as_("maria"))
    assert (again.status_code, again.json()["number"]) == (200, 2)


@pytest.mark.parametrize("who", ["ana", "tes", "vic", "ora"])
async def test_nobody_else_reads_or_writes_it_nor_learns_that_it_is_there(client, workshop, who):
    body = {
        "base": workshop.newest("writing").commit,
        "files": files.encode(workshop.files(workshop.newest("writing"))),
    }
    there = [await client.get("writing", headers=as_(who)), await client.post("writing", json=body, headers=as_(who))]
    nowhere = await client.get("nothing", headers=as_(who))
    assert {one.status_code for one in there} == {403} == {nowhere.status_code}
    assert there[0].json()["message"] == nowhere.json()["message"].replace("nothing", "writing")
    assert len(workshop.versions("writing")) == 1


@pytest.mark.parametrize("headers", [{}, as_("nobody"), {"Authorization": "Basic maria"}, {"Authorization": "token "}])
async def test_without_a_token_of_the_hub_nothing_is_told(client, headers):
    assert (await client.get("writing", headers=headers)).status_code == 401
    assert (await client.post("writing", content=b"x", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"files": {}}',
        b'{"base": 3, "files": {}}',
        b"[" * 100_000,
        b'{"base": "x", "files": {"\\ud800": ""}}',
    ],
)
async def test_what_is_no_version_is_refused(client, workshop, content):
    answer = await client.post("writing", content=content, headers=as_("maria"))
    assert answer.status_code == 400
    assert len(workshop.versions("writing")) == 1


async def test_a_body_beyond_the_bound_is_not_read_to_its_end(client, monkeypatch):
    monkeypatch.setattr(app, "_MOST_BODY", 1000)
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(100_000):
            sent += 1
            yield b"x" * 100

    answer = await client.post("writing", content=endless(), headers=as_("maria"))
    assert (answer.status_code, json.loads(answer.content)["code"]) == (400, "RequestRefused")
    assert sent < 20
