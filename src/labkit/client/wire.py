"""What goes over the wire and comes back: bodies, events, and the platform's errors as the classes they name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labkit.errors import AllowanceSpent, LabkitError, ModelUnavailable, PlatformFault, RequestRefused, named

if TYPE_CHECKING:
    import httpx


def written(body: dict[str, Any]) -> dict[str, Any]:
    """The body as JSON; RequestRefused for what JSON cannot hold, which only she can put right."""
    try:
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as odd:
        raise RequestRefused(
            f"This cannot be sent to a model: {str(odd)[:200]}.", instead="Send texts, numbers, lists and dicts."
        ) from None
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def call(answer: httpx.Response) -> dict[str, Any]:
    id = answer.headers.get("x-labkit-call")
    return {"labkit": {"call": id}} if id else {}


def event(line: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(line)
    if "error" in told:
        raise error(503, line.encode())
    return told


def lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Lines as server-sent events have them. httpx would also end one at U+2028, which an answer may hold."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode().rstrip("\r") for line in whole)
    if rest:
        yield rest.decode()


def silent(url: str, reason: Exception) -> LabkitError:
    kind = ModelUnavailable if "/services/gateway/" in url else PlatformFault
    return kind(f"The platform did not answer ({type(reason).__name__}).", instead="Wait a minute, run the cell again.")


def error(status: int, content: bytes) -> LabkitError:
    """The error the platform sent, as the class it names."""
    try:
        given = json.loads(content)["error"]
        kind, message = named(given["code"]), str(given["message"])
    except (ValueError, KeyError, TypeError):
        return PlatformFault(
            f"The platform answered {status} without a reason.", instead="Try again; if it stays, tell your instructor."
        )
    if kind is AllowanceSpent:
        return AllowanceSpent(message, resets_at=given.get("resets_at") or "")
    return kind(message)
