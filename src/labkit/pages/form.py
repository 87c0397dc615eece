"""Lets a form through only if a page of ours posted it, and only if it is small.

Covers every route of the pages, also one that is added later. Does not cover: GET, which changes nothing but a notebook
server that sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from labkit.pages.origin import is_ours

_READS = ("GET", "HEAD")
_MOST_BYTES = 64 * 1024


class FormGuard:
    """ASGI middleware; `refuse` makes the answer from the request and a status, `larger` says which paths take more
    bytes (a file somebody gives; who may give it is asked before it is read)."""

    def __init__(
        self,
        app: ASGIApp,
        origin: str,
        refuse: Callable[[Request, int], Response],
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app, self._origin, self._refuse, self._larger = app, origin, refuse, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = self._objection(scope) if scope["type"] == "http" and scope["method"] not in _READS else None
        answer = self._refuse(Request(scope), status) if status else self._app
        await answer(scope, receive, send)

    def _objection(self, scope: Scope) -> int | None:
        headers = Headers(scope=scope)
        if not is_ours(headers, self._origin):
            return 403
        kind = headers.get("content-type", "").lower()
        if "charset" in kind and "utf-8" not in kind:
            return 415  # no browser says another one of our pages; a decoder chosen by a stranger is none of ours
        # A browser knows how long its form is; the server below holds it to its word.
        length = headers.get("content-length", "")
        most = self._larger.get(scope["path"], _MOST_BYTES)
        return None if length.isdigit() and int(length) <= most else 413
