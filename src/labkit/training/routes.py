"""The fine-tuning part of OpenAI's wire, in a lab:

    POST GET v1/files                     GET DELETE v1/files/FILE          GET v1/files/FILE/content
    DELETE v1/models/MODEL
    POST GET v1/fine_tuning/jobs          GET v1/fine_tuning/jobs/JOB       POST v1/fine_tuning/jobs/JOB/cancel
    GET v1/fine_tuning/jobs/JOB/events    GET v1/fine_tuning/jobs/JOB/checkpoints

and three of our own: `fine_tuning/bases` (what may be trained here), `JOB/progress?after=EVENT` (the job and what
happened since, the oldest first) and `JOB/adapter?format=` (her model to take home). Every id is looked up among her
own; another's does not exist for her.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from labkit.errors import RequestRefused
from labkit.training import request as asked
from labkit.training.asker import while_there
from labkit.training.files import LARGEST, TrainingFile
from labkit.training.job import Job
from labkit.training.service import Member, Service
from labkit.training.takeaway import Takeaway
from labkit.training.wire import checkpoint_object, event_object, file_object, job_object, listed

_BODY = 65_536
_MOST_LISTED = 100
Admit = Callable[[Request], Awaitable[Member]]
Body = Callable[[Request, int], Awaitable[bytes]]


class _NotFound(RequestRefused):
    status = 404

    @property
    def code(self) -> str:
        return "RequestRefused"


class TrainingRoutes:
    """`admit` says who asks, or raises; `body` reads a request's body, no further than it may be large."""

    def __init__(self, service: Service, takeaway: Takeaway, admit: Admit, body: Body) -> None:
        self._service, self._takeaway, self._admit, self._body = service, takeaway, admit, body

    def routes(self) -> list[Route]:
        v1 = "/labs/{course}/{lab}/v1"
        jobs = f"{v1}/fine_tuning/jobs"
        return [
            Route(f"{v1}/files", self.send, methods=["POST"]),
            Route(f"{v1}/files", self.files),
            Route(f"{v1}/files/{{file}}", self.file, methods=["GET", "DELETE"]),
            Route(f"{v1}/files/{{file}}/content", self.content),
            Route(f"{v1}/models/{{model:path}}", self.delete, methods=["DELETE"]),
            Route(f"{v1}/fine_tuning/bases", self.bases),
            Route(jobs, self.begin, methods=["POST"]),
            Route(jobs, self.jobs),
            Route(f"{jobs}/{{job}}", self.job),
            Route(f"{jobs}/{{job}}/cancel", self.cancel, methods=["POST"]),
            Route(f"{jobs}/{{job}}/events", self.events),
            Route(f"{jobs}/{{job}}/checkpoints", self.checkpoints),
            Route(f"{jobs}/{{job}}/progress", self.progress),
            Route(f"{jobs}/{{job}}/adapter", self.adapter),
        ]

    async def send(self, request: Request) -> Response:
        """multipart: file, purpose ("fine-tune")."""
        member = await self._admit(request)
        name, content, purpose = await self._form(request)
        if purpose != "fine-tune":
            raise RequestRefused(f"purpose is {purpose[:50]!r}.", instead='Write "fine-tune".', param="purpose")
        lab = member.lab
        add = self._service.files.add
        return JSONResponse(
            file_object(await run_in_threadpool(add, member.username, lab.course, lab.id, name, content))
        )

    async def files(self, request: Request) -> Response:
        member = await self._admit(request)
        found = await run_in_threadpool(self._service.files.of, member.username)
        return JSONResponse(listed([file_object(one) for one in found]))

    async def file(self, request: Request) -> Response:
        member, file = await self._file(request)
        if request.method != "DELETE":
            return JSONResponse(file_object(file))
        await run_in_threadpool(self._service.files.delete, member.username, file.id)
        return JSONResponse({"id": file.id, "object": "file", "deleted": True})

    async def content(self, request: Request) -> Response:
        _, file = await self._file(request)
        content = await run_in_threadpool(self._service.files.content, file)
        # Hers, and never a page: whatever it holds, a browser saves it.
        headers = {"Content-Disposition": 'attachment; filename="rows.jsonl"', "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def delete(self, request: Request) -> Response:
        """A model of hers, as OpenAI has it for fine-tuned ones."""
        member, model = await self._admit(request), request.path_params["model"]
        if not await run_in_threadpool(self._service.delete, member, model):
            raise _NotFound(f"You have no model {model[:100]!r} to give up.", instead="Ask GET v1/models.")
        return JSONResponse({"id": model, "object": "model", "deleted": True})

    async def bases(self, request: Request) -> Response:
        member = await self._admit(request)
        found = self._service.bases_of(member.lab)
        return JSONResponse(listed([{"id": one, "object": "model"} for one in found]))

    async def begin(self, request: Request) -> Response:
        member = await self._admit(request)
        wanted = asked.read(await self._body(request, _BODY))
        return await self._told(await run_in_threadpool(self._service.begin, member, wanted))

    async def jobs(self, request: Request) -> Response:
        member = await self._admit(request)
        found = await run_in_threadpool(self._service.jobs.of, member.username, member.lab.course, member.lab.id)
        page, more = _page(found, request, lambda job: job.id)
        forecasts = await run_in_threadpool(self._service.forecasts)
        return JSONResponse(listed([job_object(job, forecasts.get(job.id)) for job in page], more=more))

    async def job(self, request: Request) -> Response:
        return await self._told(await self._job(request))

    async def cancel(self, request: Request) -> Response:
        job = await self._job(request)
        if not job.open:
            raise RequestRefused(f"This training is over: it {job.state}.", instead="There is nothing to cancel.")
        return await self._told(await run_in_threadpool(self._service.cancel, job))

    async def events(self, request: Request) -> Response:
        """The newest first, as OpenAI lists them."""
        job = await self._job(request)
        after, most = request.query_params.get("after", ""), _limit(request)
        before = _number(after.removeprefix("ftevent-")) if after else None
        found = await run_in_threadpool(self._service.events.newest, job.id, before, most + 1)
        return JSONResponse(listed([event_object(one) for one in found[:most]], more=len(found) > most))

    async def checkpoints(self, request: Request) -> Response:
        job = await self._job(request)
        found = await run_in_threadpool(self._service.events.checkpoints, job.id)
        page, more = _page(found, request, lambda one: one.id)
        return JSONResponse(listed([checkpoint_object(one, job) for one in page], more=more))

    async def progress(self, request: Request) -> Response:
        job = await self._job(request)
        after = _number(request.query_params.get("after", "0"))
        found = await run_in_threadpool(self._service.events.of, job.id, after)
        forecasts = await run_in_threadpool(self._service.forecasts)
        told = job_object(job, forecasts.get(job.id))
        return JSONResponse({"job": told, "events": [{**event_object(one), "number": one.id} for one in found]})

    async def adapter(self, request: Request) -> Response:
        """A zip file of her model: `format` "peft", "gguf", "safetensors" or "ollama"."""
        job = await self._job(request)
        pieces = self._takeaway.pieces(job, request.query_params.get("format", "peft"))
        first = await while_there(request, anext(pieces))  # what is refused is refused before anything is sent
        name = f"{job.id}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(_with(first, pieces), media_type="application/zip", headers=headers)

    async def _told(self, job: Job) -> Response:
        forecasts = await run_in_threadpool(self._service.forecasts) if job.open else {}
        return JSONResponse(job_object(job, forecasts.get(job.id)))

    async def _job(self, request: Request) -> Job:
        member, id = await self._admit(request), request.path_params["job"]
        found = await run_in_threadpool(self._service.jobs.get, id, member.username)
        if found is None or (found.course, found.lab) != (member.lab.course, member.lab.id):
            raise _NotFound(f"You have no training {id[:60]!r} in this lab.", instead="Ask GET v1/fine_tuning/jobs.")
        return found

    async def _file(self, request: Request) -> tuple[Member, TrainingFile]:
        member, id = await self._admit(request), request.path_params["file"]
        found = await run_in_threadpool(self._service.files.get, member.username, id)
        if found is None:
            raise _NotFound(f"You have no file {id[:60]!r}.", instead="Ask GET v1/files.")
        return member, found

    async def _form(self, request: Request) -> tuple[str, bytes, str]:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise RequestRefused("This takes a file.", instead="Send multipart/form-data with file and purpose.")
        raw = await self._body(request, LARGEST + _BODY)
        try:
            async with _again(request, raw).form(max_files=1, max_fields=8, max_part_size=_BODY) as form:
                upload = form.get("file")
                if not isinstance(upload, UploadFile):
                    raise RequestRefused("file is missing.", instead="Send it as a part named file.", param="file")
                return upload.filename or "rows.jsonl", await upload.read(), str(form.get("purpose", ""))
        except (HTTPException, MultiPartException, UnicodeDecodeError) as error:
            raise RequestRefused("The form cannot be read.", instead="Send multipart/form-data.") from error


async def _with(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


def _again(request: Request, raw: bytes) -> Request:
    """A request whose body can be read once more, now that it has been bounded."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    return Request(request.scope, receive)


def _limit(request: Request) -> int:
    found = _number(request.query_params.get("limit", "20"), "limit")
    if not 1 <= found <= _MOST_LISTED:
        raise RequestRefused(f"limit is {found}.", instead=f"Write a number from 1 to {_MOST_LISTED}.", param="limit")
    return found


def _number(text: str, name: str = "after") -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        instead = "Write what the last page ended with." if name == "after" else "Write a whole number."
        raise RequestRefused(f"{name} is {text[:40]!r}.", instead=instead, param=name)
    return int(text)


def _page(found: list[Any], request: Request, id_of: Callable[[Any], str]) -> tuple[list[Any], bool]:
    """Those after the one that `after` names, so many as `limit` says, and whether there are more."""
    after = request.query_params.get("after")
    ids = [id_of(one) for one in found]
    if after and after not in ids:
        raise RequestRefused(f"after is {after[:60]!r}.", instead="Write what the last page ended with.", param="after")
    rest = found[ids.index(after) + 1 :] if after else found
    most = _limit(request)
    return rest[:most], len(rest) > most
