"""The service over HTTP: who may fetch, hand in and look, and what is refused."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from labkit.courses import Course, Lab
from labkit.programme.enrolment import Enrolment
from labkit.programme.people import Membership, Person, provision
from labkit.submissions import files
from labkit.submissions.app import Service, create
from labkit.submissions.receipt import Receipt, Signer, verify
from labkit.submissions.release import Releases
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

# JSON can spell half of a character.
HALF = b'{"files": {"clip.ipynb": "e30=", "half\\ud800": "e30="}}'
LAB = "/services/submissions/courses/testing/labs/clip"


class Tokens:
    """As HubTokens, for tokens that are usernames."""

    async def username(self, token: str) -> str | None:
        return token if token in ("ana", "ben", "stranger") else None


@pytest.fixture
def service(engine: Engine, store: Store, signer: Signer, tmp_path: Path) -> Service:
    people = [Person(name, f"{name}@example.org", name.title(), "X") for name in ("ana", "ben", "stranger")]
    provision(engine, people, [Membership(name, "first", "testing", "learner") for name in ("ana", "ben")])
    released = tmp_path / "build" / "testing" / "learner" / "clip"
    (released / "data").mkdir(parents=True)
    (released / "clip.ipynb").write_bytes(b'"English"')
    (released / "clip.fil.ipynb").write_bytes(b'"Filipino"')
    (released / "data" / "m.csv").write_bytes(b"a,b")
    lab = Lab("testing", "clip", "Clip", tmp_path)
    return Service(
        identity=Tokens(),
        enrolment=Enrolment(engine),
        language=lambda username: "fil" if username == "ben" else "en",
        courses=[Course("testing", "Testing", tmp_path, (lab,))],
        releases=Releases(tmp_path / "build"),
        store=store,
        scores=Scores(engine),
        signer=signer,
    )


@pytest.fixture
async def client(service: Service):
    transport = httpx.ASGITransport(create(service), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_written_answers_that_are_as_they_were_are_told_beside_the_receipt(client, service, tmp_path):
    about = {"nbgrader": {"grade": True, "solution": True, "points": 10, "grade_id": "reflect"}}
    cell = {"cell_type": "markdown", "metadata": about, "source": "Bakit?"}
    released = json.dumps({"cells": [cell]}).encode()
    (tmp_path / "build" / "testing" / "learner" / "clip" / "clip.fil.ipynb").write_bytes(released)
    answered = json.dumps({"cells": [{**cell, "source": "Bakit?\n\nDahil dito."}]}).encode()
    told = {}
    for name, content in (("as it was", released), ("answered", answered)):
        body = {"files": {"clip.ipynb": base64.b64encode(content).decode()}}
        answer = await client.post(f"{LAB}/submissions", json=body, headers={"Authorization": "token ana"})
        assert answer.status_code == 201
        told[name] = json.loads(answer.headers.get("X-Labkit-Unwritten", "[]"))
        assert "unwritten" not in answer.json()

    assert told == {"as it was": [{"begins": "Bakit?", "points": 10}], "answered": []}


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"token {name}"}


def body(**contents: bytes) -> dict[str, object]:
    return {
        "files": {name.replace("__", "."): base64.b64encode(content).decode() for name, content in contents.items()}
    }


async def test_handing_in_brings_a_signed_receipt(client: httpx.AsyncClient, signer: Signer):
    answer = await client.post(f"{LAB}/submissions", json=body(clip__ipynb=b"{}"), headers=as_("ana"))
    assert answer.status_code == 201
    given = answer.json()
    receipt = Receipt(**{**given, "missing": tuple(given["missing"]), "extra": tuple(given["extra"])})
    assert verify(receipt, (await client.get("/services/submissions/key")).json()["public_key"])
    assert receipt.missing == ("data/m.csv",)


async def test_the_same_again_is_the_same_receipt(client: httpx.AsyncClient):
    first = await client.post(f"{LAB}/submissions", json=body(clip__ipynb=b"{}"), headers=as_("ana"))
    again = await client.post(f"{LAB}/submissions", json=body(clip__ipynb=b"{}"), headers=as_("ana"))
    assert (again.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({}, 401, "KeyRefused"), (as_("thief"), 401, "KeyRefused"), (as_("stranger"), 403, "NotEnrolled")],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_who_is_not_known_or_not_enrolled_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str, method: str
):
    answer = await client.request(method, f"{LAB}/submissions", json=body(clip__ipynb=b"{}"), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/courses/testing/labs/nothing/release", "/courses/nothing/labs/clip/release"])
async def test_a_lab_that_does_not_exist_is_told_as_one_that_is_not_hers(client: httpx.AsyncClient, path: str):
    answer = await client.get(f"/services/submissions{path}", headers=as_("ana"))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"files": {}},
        {"files": []},
        {"files": {"clip.ipynb": "%%%"}},
        {"files": {"clip.ipynb": None}},
        {"files": {"other.ipynb": "e30="}},
        {"files": {"clip.ipynb": "e30="}, "username": "ben"},
        {"files": {"clip.ipynb": "e30=", "../ben/clip.ipynb": "e30="}},
        {"files": {"clip.ipynb": "e30=", "/etc/passwd": "e30="}},
        {"files": {"clip.ipynb": "e30=", "a//b": "e30="}},
        {"files": {"clip.ipynb": "e30=", "a\\b": "e30="}},
        {"files": {"clip.ipynb": "e30=", "nul\x00": "e30="}},
        {"files": {"clip.ipynb": "e30=", **{f"f{number}": "" for number in range(files.MOST_FILES)}}},
        [],
        "files",
    ],
    ids=str,
)
async def test_what_is_no_submission_is_refused_and_nothing_is_kept(
    client: httpx.AsyncClient, store: Store, bad: object
):
    answer = await client.post(f"{LAB}/submissions", json=bad, headers=as_("ana"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "SubmissionRefused")
    assert store.of_person("ana") == ()


async def test_a_body_that_never_ends_is_cut_off(client: httpx.AsyncClient, store: Store):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 2**20
            yield b"x" * 2**20

    answer = await client.post(f"{LAB}/submissions", content=endless(), headers=as_("ana"))
    assert answer.status_code == 400
    assert sent < 30 * 2**20
    assert store.of_person("ana") == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 200_000, b"\xff\xfe", HALF, json.dumps({"files": {"clip.ipynb": "e30="}}).encode()[:-3]],
)
async def test_a_torn_body_is_refused(client: httpx.AsyncClient, content: bytes):
    answer = await client.post(f"{LAB}/submissions", content=content, headers=as_("ana"))
    assert answer.status_code == 400


async def test_she_sees_her_own_and_nobody_elses(client: httpx.AsyncClient):
    hers = (await client.post(f"{LAB}/submissions", json=body(clip__ipynb=b"{}"), headers=as_("ana"))).json()
    mine = (await client.get(f"{LAB}/submissions", headers=as_("ana"))).json()["submissions"]
    assert [one["receipt"]["id"] for one in mine] == [hers["id"]]
    assert (await client.get(f"{LAB}/submissions", headers=as_("ben"))).json()["submissions"] == []
    one = f"/services/submissions/submissions/{hers['id']}"
    assert (await client.get(one, headers=as_("ana"))).json()["state"] == "queued"
    assert (await client.get(one, headers=as_("ben"))).status_code == 403


async def test_a_graded_submission_shows_its_score(client: httpx.AsyncClient, service: Service):
    hers = (await client.post(f"{LAB}/submissions", json=body(clip__ipynb=b"{}"), headers=as_("ana"))).json()
    report = {"score": 1.0, "max": 2.0, "items": [], "fault": None}
    service.scores.record(hers["id"], report, 0)
    mine = (await client.get(f"{LAB}/submissions", headers=as_("ana"))).json()["submissions"]
    assert mine[0]["score"] == {"score": 1.0, "max": 2.0, "report": report}


@pytest.mark.parametrize(("who", "text"), [("ana", b'"English"'), ("ben", b'"Filipino"')])
async def test_a_lab_is_fetched_in_her_language_under_one_name(client: httpx.AsyncClient, who: str, text: bytes):
    released = (await client.get(f"{LAB}/release", headers=as_(who))).json()["files"]
    assert sorted(released) == ["clip.ipynb", "data/m.csv"]
    assert base64.b64decode(released["clip.ipynb"]) == text


async def test_her_courses_are_hers(client: httpx.AsyncClient):
    courses = (await client.get("/services/submissions/courses", headers=as_("ana"))).json()["courses"]
    assert courses == [
        {"id": "testing", "title": "Testing", "role": "learner", "labs": [{"id": "clip", "title": "Clip"}]}
    ]
    assert (await client.get("/services/submissions/courses", headers=as_("stranger"))).json()["courses"] == []


class TestALabWithAttempts:
    """What a learner reads over HTTP while she may hand in again, and after."""

    @pytest.fixture
    def service(self, service: Service, tmp_path: Path) -> Service:
        lab = Lab("testing", "clip", "Clip", tmp_path, attempts=2)
        provision(
            service.enrolment._engine,
            [Person("stranger", "stranger@example.org", "S", "X")],
            [Membership("stranger", "first", "testing", "instructor")],
        )
        return replace(service, courses=[Course("testing", "Testing", tmp_path, (lab,))])

    async def hand_in(self, client: httpx.AsyncClient, content: bytes, who: str = "ana") -> httpx.Response:
        return await client.post(f"{LAB}/submissions", json=body(clip__ipynb=content), headers=as_(who))

    async def test_the_receipt_says_how_many_are_left_and_the_next_is_refused(self, client: httpx.AsyncClient):
        left = [(await self.hand_in(client, content)).json()["attempts_left"] for content in (b"1", b"not json", b"1")]
        assert left == [1, 0, 0]
        refused = await self.hand_in(client, b"3")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "AttemptsSpent")

    async def test_what_is_signed_does_not_change_with_the_attempts(self, client: httpx.AsyncClient, signer: Signer):
        given = (await self.hand_in(client, b"1")).json()
        del given["attempts_left"]
        receipt = Receipt(**{**given, "missing": tuple(given["missing"]), "extra": tuple(given["extra"])})
        assert verify(receipt, signer.public_key)

    async def test_an_instructor_is_not_limited(self, client: httpx.AsyncClient):
        answers = [await self.hand_in(client, bytes([number]), "stranger") for number in range(4)]
        assert {answer.status_code for answer in answers} == {201}
        assert "attempts_left" not in answers[0].json()

    @pytest.mark.parametrize("who", ["ana", "stranger"])
    async def test_neither_list_nor_one_submission_gives_a_hidden_check_away_until_the_last_is_graded(
        self, client: httpx.AsyncClient, service: Service, who: str
    ):
        hidden = {
            "name": "part",
            "points": 1.37,
            "max": 3.0,
            "hidden": True,
            "checks": [{"reason": "SECRET", "passed": False, "hint": "SECRET", "advice": "look"}],
        }
        report = {"score": 1.37, "max": 3.0, "items": [hidden], "fault": None, "notes": ["SECRET"], "early_notes": 0}
        first = (await self.hand_in(client, b"1", who)).json()["id"]
        service.scores.record(first, report, 0)
        addresses = (f"{LAB}/submissions", f"/services/submissions/submissions/{first}")
        for address in addresses:
            told = (await client.get(address, headers=as_(who))).text
            assert ("SECRET" in told or "1.37" in told) == (who == "stranger")
            assert who == "stranger" or '"holds":"some"' in told
        service.scores.record((await self.hand_in(client, b"2", who)).json()["id"], report, 0)
        for address in addresses:
            assert "SECRET" in (await client.get(address, headers=as_(who))).text
