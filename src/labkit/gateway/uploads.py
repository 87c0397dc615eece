"""What comes as a file: speech to text in OpenAI's wire format, and text out of images, which is ours.

    POST v1/audio/transcriptions   multipart: file, model, language, prompt, response_format, temperature,
                                   timestamp_granularities[] (segment, word)
    POST v1/ocr                    multipart: file, model, languages ("eng+fil")

What speech and images cost is the backend's to say (`count`), in tokens of the same allowance.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from labkit.errors import RequestRefused, TooManyAtOnce
from labkit.gateway.backends.wire import GRANULARITIES
from labkit.gateway.front import Front, body_of, warnings
from labkit.gateway.place import Place

LARGEST_FILE = 25 * 2**20
_OF_ONE, _IN_ALL = 2, 12
_SPEECH, _READING = "audio/transcriptions", "ocr"
_FORMATS = ("json", "text", "verbose_json")
# As OpenAI's server says it in a verbose answer; what is not here stays as the model says it.
_LANGUAGES = {"en": "english", "fil": "tagalog", "tl": "tagalog"}
_KNOWN = {
    _SPEECH: ("model", "language", "prompt", "response_format", "temperature", GRANULARITIES),
    _READING: ("model", "languages"),
}


class Uploads:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._coming: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        lab = "/labs/{course}/{lab}/v1"
        return [
            Route(f"{lab}/{_SPEECH}", self.transcribe, methods=["POST"]),
            Route(f"{lab}/{_READING}", self.read, methods=["POST"]),
        ]

    async def transcribe(self, request: Request) -> Response:
        """The words of an audio file."""
        return await self._answer(request, _SPEECH)

    async def read(self, request: Request) -> Response:
        """The text in an image."""
        return await self._answer(request, _READING)

    async def _answer(self, request: Request, path: str) -> Response:
        front = self._front
        place = await front.admitted(request)
        await front.model(place, None, path)  # before a byte of the file is kept
        async with self._room(place.caller.username):
            return await self._paid(request, place, path)

    @asynccontextmanager
    async def _room(self, who: str) -> AsyncIterator[None]:
        """Files are held in memory while they come and are read; so few of one learner's at once, and few in all."""
        if self._coming[who] >= _OF_ONE or self._coming.total() >= _IN_ALL:
            raise TooManyAtOnce("Too many files are being read just now.", instead="Send this one again in a moment.")
        self._coming[who] += 1
        try:
            yield
        finally:
            self._coming[who] -= 1
            if not self._coming[who]:
                del self._coming[who]

    async def _paid(self, request: Request, place: Place, path: str) -> Response:
        front = self._front
        fields, file, unknown = await _form(request, _KNOWN[path], strict=front.is_strict(request))
        shape = _one_of("response_format", fields.get("response_format", "json"), _FORMATS)
        model = await front.model(place, fields.get("model"), path)
        body = {**fields, "model": model.id, "file": file}
        cost = await front.router.count(path, body)
        asked = front.asked(path, model.id, file)
        async with front.till.paid(place, cost, 0, asked, f"file {hashlib.sha256(file).hexdigest()}") as call:
            ticket = front.router.join(place.caller.username, path, model.id)
            work = front.router.complete(ticket, path, body, call.begin)
            answer = await front.watched(request, place, model.id, work)
            call.prompt = call.spent = answer["usage"]["total_tokens"]
            call.answered = answer["text"]
            await front.moderate(answer["text"])
        headers = {**call.headers, **warnings(unknown)}
        if shape == "text":
            return PlainTextResponse(answer["text"] + "\n", headers=headers)  # with a line's end, as OpenAI's has it
        told = answer if path == _READING else _transcription(answer, shape, "word" in fields.get(GRANULARITIES, ()))
        return JSONResponse(told, headers=headers)


def _transcription(answer: Mapping[str, Any], shape: str, words: bool) -> dict[str, Any]:
    """OpenAI's Transcription, or its TranscriptionVerbose with all the model tells."""
    cost = answer["usage"]["total_tokens"]
    usage = {"type": "tokens", "input_tokens": cost, "output_tokens": 0, "total_tokens": cost}
    if shape == "json":
        return {"text": answer["text"], "usage": usage}
    language = str(answer.get("language", ""))
    verbose = {
        "task": "transcribe",
        "language": _LANGUAGES.get(language, language),
        "duration": float(answer.get("duration", 0)),
        "text": answer["text"],
        "segments": answer.get("segments", []),
        "usage": usage,
    }
    return {**verbose, "words": answer.get("words", [])} if words else verbose


def _one_of(name: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise RequestRefused(f"{name} is {given[:50]!r}.", instead=f"Use {', '.join(known)}.", param=name)
    return given


async def _form(
    request: Request, known: tuple[str, ...], *, strict: bool
) -> tuple[dict[str, Any], bytes, tuple[str, ...]]:
    """The fields, the file and what was left out of a multipart body."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RequestRefused("This takes a file.", instead="Send multipart/form-data with a part named file.")
    raw = await body_of(request, LARGEST_FILE + 65_536)
    try:
        async with _again(request, raw).form(max_files=1, max_fields=20, max_part_size=65_536) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise RequestRefused("file is missing.", instead="Send the file as a part named file.", param="file")
            file = await upload.read()
            texts: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
            if GRANULARITIES in texts:
                texts[GRANULARITIES] = [
                    _one_of(GRANULARITIES, str(one), ("segment", "word")) for one in form.getlist(GRANULARITIES)
                ]
    except (HTTPException, MultiPartException, UnicodeDecodeError) as error:
        raise RequestRefused("The form cannot be read.", instead="Send multipart/form-data.") from error
    unknown = tuple(name for name in texts if name not in known)
    if unknown and strict:
        raise RequestRefused(f"The field {unknown[0][:50]!r} is unknown.", instead=f"Known: file, {', '.join(known)}.")
    return {name: value for name, value in texts.items() if name in known}, file, unknown


def _again(request: Request, raw: bytes) -> Request:
    """A request whose body can be read once more, now that it has been bounded."""

    async def receive() -> Mapping[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    return Request(request.scope, receive)  # type: ignore[arg-type]
