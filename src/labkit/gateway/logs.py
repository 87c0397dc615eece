"""Logs for programs: one JSON object a line on stderr, with nobody's name, address or key in it.

Every answered request is a line (but health and metrics, which are asked all the time). Refusals of one code,
and warnings of one wording, are held to a few a second, with the number of those that were left out, so that a flood of
bad keys fills no disk.

Masked in every text: e-mail addresses, keys after `Bearer` and `token`, signed tokens, hexadecimal secrets, what a
database error quotes, and names in addresses of people's own servers. Does not cover: a name in the middle of a
sentence; so nothing here writes one.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import uvicorn.config
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labkit.errors import LabkitError

# Where an error's handler leaves it in the request's scope, for the line that tells of it.
ERROR = "labkit.error"
_log = logging.getLogger("labkit.requests")
_CODES = {0: "Gone", 499: "Gone", 404: "NotFound", 405: "MethodNotAllowed"}
_QUIET = ("/health", "/metrics")
_LONGEST_PATH = 300
_LONGEST = 4_000
_MOST_WORDINGS = 1_000
_A_SECOND, _AT_ONCE = 2.0, 10.0
_MASKS = tuple(
    (re.compile(pattern, flags), shown)
    for pattern, flags, shown in (
        (r"\[(SQL|parameters): .*", re.DOTALL, r"[\1: …]"),
        (r"(Key) \(.*?\)=\(.*?\)", 0, r"\1 (…)"),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", 0, "[token]"),
        (r"\b(bearer|token)(\s+|=|%20|:\s*)[^\s\"',;&]+", re.IGNORECASE, r"\1 [key]"),
        (r"[\w.+%-]{1,64}(@|%40)[\w-]{1,63}(\.[\w-]{1,63})+", 0, "[address]"),
        (r"\b[0-9a-fA-F]{32,}\b", 0, "[secret]"),
        (r"/(user|users|homes)/[^/\s\"']+", 0, r"/\1/[name]"),
        (r"(['\"]?username['\"]?\s*[:=]\s*)['\"]?[^'\",\s}]+['\"]?", 0, r"\1[name]"),
    )
)


def masked(text: str) -> str:
    """The text with what names a person or opens something left out, cut to some thousand characters."""
    text = text[: 2 * _LONGEST]
    for pattern, shown in _MASKS:
        text = pattern.sub(shown, text)
    return text[:_LONGEST]


# Paths and wordings come again and again, and there are few of them.
_masked_again = lru_cache(maxsize=512)(masked)


class JsonLines(logging.Formatter):
    """A record as one line. What a caller gives as `extra={"told": {...}}` becomes fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": at, "level": record.levelname.lower(), "logger": record.name}
        line["event"] = masked(record.getMessage()) if record.args else _masked_again(str(record.msg))
        line |= getattr(record, "told", {})
        if record.exc_info:
            line["traceback"] = masked(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def set_up(level: int = logging.INFO) -> None:
    """Every logger of this process writes such lines, uvicorn's own too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(Bounded())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    uvicorn.config.LOGGING_CONFIG["formatters"]["default"] = {"()": JsonLines}


class Bounded(logging.Filter):
    """Holds warnings and errors of one wording to a few a second, whoever provokes them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or hasattr(record, "told"):
            return True
        if len(self._buckets) >= _MOST_WORDINGS:
            self._buckets.clear()
        bucket = self._buckets.setdefault((record.name, str(record.msg)), _Bucket(self._clock()))
        if not bucket.take(self._clock()):
            return False
        if bucket.left_out:
            record.told, bucket.left_out = {"left_out": bucket.left_out}, 0
        return True


class RequestLog:
    """ASGI middleware: a line for each answer."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._clock = app, clock
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, told = self._clock(), {"status": 0, "call": ""}

        async def listen(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                told["call"] = Headers(raw=message["headers"]).get("x-labkit-call", "")
            await send(message)

        try:
            await self._app(scope, receive, listen)
        except Exception:
            told["status"] = 500  # answered behind us, by whoever catches everything
            raise
        finally:
            self._tell(scope, told, (self._clock() - began) * 1000)

    def _tell(self, scope: Scope, told: dict[str, Any], milliseconds: float) -> None:
        error, status, path = scope.get(ERROR), told["status"], scope["path"][:_LONGEST_PATH]
        if status < 400 and path.endswith(_QUIET):
            return
        line = {
            "method": scope["method"],
            "path": _masked_again(path),
            "status": status,
            "milliseconds": round(milliseconds, 1),
        }
        line |= {"call": told["call"]} if told["call"] else {}
        if status < 400 and status:
            _log.info("answered", extra={"told": line})
            return
        line["code"] = error.code if isinstance(error, LabkitError) else _CODES.get(status, "PlatformFault")
        bucket = self._buckets.setdefault(line["code"], _Bucket(self._clock()))
        if not bucket.take(self._clock()):
            return
        if bucket.left_out:
            line["left_out"], bucket.left_out = bucket.left_out, 0
        _log.log(logging.ERROR if status >= 500 else logging.WARNING, "refused", extra={"told": line})


class _Bucket:
    """Some at once, then a few a second; counts what it leaves out."""

    def __init__(self, now: float) -> None:
        self._full, self._at, self.left_out = _AT_ONCE, now, 0

    def take(self, now: float) -> bool:
        self._full, self._at = min(_AT_ONCE, self._full + (now - self._at) * _A_SECOND), now
        if self._full < 1:
            self.left_out += 1
            return False
        self._full -= 1
        return True
