"""The pages' sign-in: OAuth against the hub, kept in two signed cookies.

Covers: a code can only be used in the browser that asked for it (state and PKCE); the cookies are unreadable to
scripts, stay with this host, and under https cannot be set by another (`__Host-`); a session says when it began, so
that ended ones are refused at once. Does not cover: under http a host beside ours may plant a cookie of its own; it
cannot sign one, only replay what was issued to somebody who uses it.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from itsdangerous import BadSignature, URLSafeTimedSerializer
from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from tornado.web import HTTPError

from labkit.errors import PlatformFault
from labkit.pages.site import Session

_SIGN_IN_SECONDS = 600
_SESSION_SECONDS = 14 * 24 * 3600
# JupyterHub's name for the cookie that tells one browser's sessions from another's.
_BROWSER = "jupyterhub-session-id"


def cookie(purpose: str, secure: bool) -> str:
    """The name of a cookie of the pages; under https no other host can set it."""
    return f"{'__Host-' if secure else ''}labkit-{purpose}"


class HubSignIn:
    """Implements `labkit.pages.site.SignIn`. `origin` is the address people open, such as `http://localhost:8000`."""

    def __init__(self, hub: HubOAuth, prefix: str, secret: str, origin: str) -> None:
        self._hub, self._prefix, self._origin = hub, prefix, origin
        self._signer = URLSafeTimedSerializer(secret, salt="pages")
        self._secure = origin.startswith("https://")
        self._session, self._state = cookie("session", self._secure), cookie("sign-in", self._secure)
        self._client = httpx.AsyncClient(
            base_url=hub.api_url, headers={"Authorization": f"token {hub.api_token}"}, timeout=httpx.Timeout(20)
        )

    async def session(self, request: Request) -> Session | None:
        kept = self._read(request, self._session, _SESSION_SECONDS)
        if not isinstance(kept, dict):
            return None
        try:
            user = await self._hub.user_for_token(kept["token"], sync=False)
        except HTTPError as error:
            raise PlatformFault("The hub does not answer.", instead="Reload this page in a minute.") from error
        if not user or user.get("kind") != "user":
            return None
        return Session(user["name"], datetime.fromtimestamp(kept["began"], UTC))

    def begin(self, request: Request) -> Response:
        verifier, challenge, method = self._hub.generate_pkce_code_challenge()
        state = secrets.token_urlsafe(16)
        where = request.url.path if request.method == "GET" else self._prefix
        query = {
            "client_id": self._hub.oauth_client_id,
            "redirect_uri": self._hub.oauth_redirect_uri,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": method,
        }
        target = f"{self._hub.oauth_authorization_url}?{urlencode(query)}"
        if request.headers.get("hx-request"):  # a part of a page is asked for: the whole page must go
            return Response(headers={"HX-Redirect": self._prefix})
        response = RedirectResponse(target, 303)
        self._write(response, self._state, {"state": state, "verifier": verifier, "next": where}, _SIGN_IN_SECONDS)
        return response

    async def finish(self, request: Request) -> Response:
        kept = self._read(request, self._state, _SIGN_IN_SECONDS)
        if not kept or not secrets.compare_digest(
            kept["state"].encode(), request.query_params.get("state", "").encode("utf-8", "replace")
        ):
            return RedirectResponse(self._prefix, 303)  # an old tab: begin again
        began = time.time()  # before the hub is asked: what is ended meanwhile is ended
        try:
            code = request.query_params.get("code", "")
            token = await self._hub.token_for_code(code, code_verifier=kept["verifier"], sync=False)
        except HTTPError as error:
            raise PlatformFault("The hub refused the sign-in.", instead="Reload this page in a minute.") from error
        response = RedirectResponse(kept["next"], 303)
        self._delete(response, self._state)
        self._write(response, self._session, {"token": token, "began": began}, _SESSION_SECONDS)
        return response

    def end(self, request: Request) -> Response:
        # 307 keeps it a POST: the hub's sign-out takes no other.
        response = RedirectResponse(f"{self._hub.hub_prefix}logout", 307)
        self._delete(response, self._session)
        return response

    async def end_everywhere(self, username: str) -> None:
        await self._end_in_hub(username, {})

    async def end_elsewhere(self, request: Request, username: str, then: str) -> Response:
        browser = request.cookies.get(_BROWSER, "")
        ticket = (await self._end_in_hub(username, {"browser": browser})).get("ticket")
        query = urlencode({"ticket": ticket or "", "next": then})
        response = RedirectResponse(f"{self._hub.hub_prefix}labkit/resume?{query}", 303)
        self._delete(response, self._session)
        return response

    def link(self, token: str) -> str:
        return f"{self._origin}{self._hub.hub_prefix}link/{token}"

    async def close(self) -> None:
        await self._client.aclose()

    async def _end_in_hub(self, username: str, body: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await self._client.post(f"/labkit/sessions/{quote(username, safe='')}/end", json=body)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise PlatformFault("The hub did not end the sessions.", instead="Try again in a minute.") from error
        return dict(answer.json())

    def _path(self) -> str:
        return "/" if self._secure else self._prefix

    def _write(self, response: Response, name: str, value: Any, seconds: int) -> None:
        signed = self._signer.dumps(value)
        assert isinstance(signed, str)
        response.set_cookie(
            name, signed, max_age=seconds, path=self._path(), secure=self._secure, httponly=True, samesite="lax"
        )

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path=self._path(), secure=self._secure, httponly=True, samesite="lax")

    def _read(self, request: Request, name: str, seconds: int) -> Any:
        try:
            return self._signer.loads(request.cookies.get(name, ""), max_age=seconds)
        except BadSignature:
            return None
