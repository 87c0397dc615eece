"""The submissions service over HTTP; who asks is told by her hub token."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from labkit.courses import Course, Lab
from labkit.desk import UNWRITTEN
from labkit.errors import KeyRefused, LabkitError, NotEnrolled, SubmissionRefused
from labkit.programme.enrolment import Enrolment
from labkit.programme.identity import HubTokens
from labkit.submissions import files as wire
from labkit.submissions.attempts import Attempts
from labkit.submissions.coarse import coarsened, is_coarse
from labkit.submissions.receipt import Signer
from labkit.submissions.release import Releases
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store, Submission
from labkit.submissions.unwritten import unwritten

# Base64 adds a third; the rest of the body is names.
_MOST_BODY = wire.MOST_BYTES * 4 // 3 + 2**20


@dataclass(frozen=True)
class Service:
    """Everything the routes need, given by the composition root."""

    identity: HubTokens
    enrolment: Enrolment
    language: Callable[[str], str]
    courses: Sequence[Course]
    releases: Releases
    store: Store
    scores: Scores
    signer: Signer

    async def caller(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        name = await self.identity.username(token) if scheme.lower() in ("token", "bearer") and token else None
        if name is None:
            raise KeyRefused("The submissions service does not know you.", instead="Open your notebook server again.")
        return name

    async def enrolled(self, request: Request, *, running: bool = False) -> tuple[str, Lab, str]:
        """Who asks, the lab in the address, and her role; refuses those who are not in its course, and where it has
        to be `running`, learners before their cohort begins and after its end."""
        username = await self.caller(request)
        course_id, lab_id = request.path_params["course"], request.path_params["lab"]
        lab = next((lab for c in self.courses if c.id == course_id for lab in c.labs if lab.id == lab_id), None)
        # One answer for "no such lab" and "not yours", so that names cannot be guessed.
        seat = await run_in_threadpool(self.enrolment.seat, username, course_id) if lab else None
        if lab is None or seat is None:
            raise NotEnrolled(
                f"You are not enrolled in a course {course_id!r} with a lab {lab_id!r}.",
                instead="Ask your instructor to add you to the course.",
            )
        if running:
            seat.check_runs()
        return username, lab, seat.role


def create(service: Service, prefix: str = "/services/submissions", beside: Sequence[BaseRoute] = ()) -> Starlette:
    """The service as an ASGI application under `prefix`, with the routes of another room `beside` its own."""

    def bound(endpoint: Callable[[Service, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def call(request: Request) -> Response:
            return await endpoint(service, request)

        return call

    lab = "/courses/{course}/labs/{lab}"
    routes = [
        Route("/health", _health),
        Route("/key", bound(_key)),
        Route("/courses", bound(_courses)),
        Route(f"{lab}/release", bound(_release)),
        Route(f"{lab}/submissions", bound(_submit), methods=["POST"]),
        Route(f"{lab}/submissions", bound(_own)),
        Route("/submissions/{id}", bound(_one)),
        *beside,
    ]
    return Starlette(routes=[Mount(prefix, routes=routes)], exception_handlers={LabkitError: _refused})


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _key(service: Service, _request: Request) -> Response:
    signer = service.signer
    retired = [vars(one) for one in signer.retired]
    return JSONResponse(
        {"algorithm": "Ed25519", "key": signer.key, "public_key": signer.public_key, "retired": retired}
    )


async def _courses(service: Service, request: Request) -> Response:
    username = await service.caller(request)
    roles = await run_in_threadpool(service.enrolment.courses, username)
    mine = [course for course in service.courses if course.id in roles]
    return JSONResponse(
        {
            "courses": [
                {
                    "id": c.id,
                    "title": c.title,
                    "role": roles[c.id],
                    "labs": [{"id": lab.id, "title": lab.title} for lab in c.labs],
                }
                for c in mine
            ]
        }
    )


async def _release(service: Service, request: Request) -> Response:
    username, lab, _ = await service.enrolled(request, running=True)
    language = await run_in_threadpool(service.language, username)
    files = await run_in_threadpool(service.releases.files, lab.course, lab.id, language)
    return JSONResponse({"files": {name: base64.b64encode(content).decode() for name, content in files.items()}})


async def _submit(service: Service, request: Request) -> Response:
    username, lab, role = await service.enrolled(request, running=True)
    files = wire.decode(await _body(request))
    released = await run_in_threadpool(service.releases.names, lab.course, lab.id)
    if f"{lab.id}.ipynb" not in files:
        raise SubmissionRefused(
            f"The notebook {lab.id}.ipynb is not among the files.",
            instead="Give the notebook its old name back, save it, and submit again.",
        )
    most = lab.attempts if role == "learner" else None
    receipt, new = await run_in_threadpool(service.store.receive, username, lab.course, lab.id, files, released, most)
    told = receipt.to_json()
    if most is not None:
        used = len(await run_in_threadpool(service.store.of_person, username, lab.course, lab.id))
        told["attempts_left"] = Attempts(used, most).left  # beside the receipt: it is not signed
    before = await run_in_threadpool(service.releases.notebooks, lab.course, lab.id)
    left = await run_in_threadpool(unwritten, files[f"{lab.id}.ipynb"], before)
    # Not in the body, which is the receipt: given again, it is the same to the letter, whatever is released by then.
    headers = {UNWRITTEN: json.dumps(left)} if left else {}
    return JSONResponse(told, status_code=201 if new else 200, headers=headers)


async def _own(service: Service, request: Request) -> Response:
    username, lab, role = await service.enrolled(request)
    return JSONResponse({"submissions": await run_in_threadpool(_listed, service, username, lab, role)})


async def _one(service: Service, request: Request) -> Response:
    username = await service.caller(request)
    found = await run_in_threadpool(_found, service, username, request.path_params["id"])
    if found is None:
        raise NotEnrolled("You have no submission of that number.", instead="Look at your labs' page for yours.")
    return JSONResponse(found)


def _listed(service: Service, username: str, lab: Lab, role: str) -> list[dict[str, Any]]:
    """Hers in one lab, newest first, each with its score as she may see it."""
    mine = service.store.of_person(username, lab.course, lab.id)
    coarse = is_coarse(lab, mine, learner=role == "learner")
    return [_shown(service, one, coarse=coarse) for one in mine]


def _found(service: Service, username: str, number: str) -> dict[str, Any] | None:
    one = service.store.get(number)
    if one is None or one.username != username:
        return None
    lab = next((lab for c in service.courses if c.id == one.course for lab in c.labs if lab.id == one.lab), None)
    # Who takes part no more sees what a learner sees.
    learner = service.enrolment.role(username, one.course) in (None, "learner")
    mine = service.store.of_person(username, one.course, one.lab)
    # A lab that is taught no more keeps what it may have hidden.
    coarse = learner if lab is None else is_coarse(lab, mine, learner=learner)
    return _shown(service, one, coarse=coarse)


def _shown(service: Service, submission: Submission, *, coarse: bool) -> dict[str, Any]:
    score = service.scores.get(submission.id)
    shown = {"receipt": service.store.receipt(submission).to_json(), "state": submission.state, "score": None}
    if score is not None:
        report = coarsened(score.report) if coarse else score.report
        report = {name: value for name, value in report.items() if name != "copied"}  # that is for her instructor
        shown["score"] = {"score": report["score"], "max": score.max, "report": report}
    return shown


async def _body(request: Request) -> object:
    """The `files` of the JSON body, read no further than the bound."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BODY:
            raise SubmissionRefused(
                "The submission is larger than 10 MB.",
                instead="Clear large outputs (Edit > Clear All Outputs), save, and submit again.",
            )
    try:
        body = json.loads(bytes(content))
    except (ValueError, RecursionError):
        raise SubmissionRefused("The submission did not arrive whole.", instead="Submit again.") from None
    if not isinstance(body, dict) or set(body) != {"files"}:
        raise SubmissionRefused("A submission is {'files': {name: base64}}.", instead="Send that and nothing else.")
    return body["files"]


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, LabkitError)
    body = {"error": {"message": str(error), "type": "labkit", "code": error.code, "param": None}}
    return JSONResponse(body, status_code=error.status)
