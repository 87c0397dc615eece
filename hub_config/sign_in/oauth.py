"""The pages' sign-in: OAuth against the hub, kept in two signed cookies.

Covers: a code can only be used in the browser that asked for it (state and PKCE); the cookies are unreadable to
scripts. Does not cover: a learner's notebook server shares this origin until each has a host of its own.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer
from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from tornado.web import HTTPError

from labkit.errors import PlatformFault

_SESSION, _STATE = "labkit-session", "labkit-sign-in"
_SIGN_IN_SECONDS = 600
_SESSION_SECONDS = 14 * 24 * 3600


class HubSignIn:
    """Implements `labkit.pages.site.SignIn`."""

    def __init__(self, hub: HubOAuth, prefix: str, secret: str) -> None:
        self._hub, self._prefix = hub, prefix
        self._signer = URLSafeTimedSerializer(secret, salt="pages")

    async def username(self, request: Request) -> str | None:
        token = self._read(request, _SESSION, _SESSION_SECONDS)
        if token is None:
            return None
        try:
            user = await self._hub.user_for_token(token, sync=False)
        except HTTPError as error:
            raise PlatformFault("The hub does not answer.", instead="Reload this page in a minute.") from error
        return user["name"] if user and user.get("kind") == "user" else None

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
        self._write(response, _STATE, {"state": state, "verifier": verifier, "next": where}, _SIGN_IN_SECONDS)
        return response

    async def finish(self, request: Request) -> Response:
        kept = self._read(request, _STATE, _SIGN_IN_SECONDS)
        if not kept or not secrets.compare_digest(kept["state"], request.query_params.get("state", "")):
            return RedirectResponse(self._prefix, 303)  # an old tab: begin again
        try:
            code = request.query_params.get("code", "")
            token = await self._hub.token_for_code(code, code_verifier=kept["verifier"], sync=False)
        except HTTPError as error:
            raise PlatformFault("The hub refused the sign-in.", instead="Reload this page in a minute.") from error
        response = RedirectResponse(kept["next"], 303)
        response.delete_cookie(_STATE, path=self._prefix)
        self._write(response, _SESSION, token, _SESSION_SECONDS)
        return response

    def end(self, request: Request) -> Response:
        response = RedirectResponse(f"{self._hub.hub_prefix}logout", 303)
        response.delete_cookie(_SESSION, path=self._prefix)
        return response

    def _write(self, response: Response, name: str, value: Any, seconds: int) -> None:
        signed = self._signer.dumps(value)
        assert isinstance(signed, str)
        response.set_cookie(name, signed, max_age=seconds, path=self._prefix, httponly=True, samesite="lax")

    def _read(self, request: Request, name: str, seconds: int) -> Any:
        try:
            return self._signer.loads(request.cookies.get(name, ""), max_age=seconds)
        except BadSignature:
            return None
