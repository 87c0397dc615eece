"""From our sign-in page to the provider and back, and the page for whoever is not let in.

Covers: what a browser began is in a signed cookie of this host alone, for ten minutes and one try, so a code or a state
from elsewhere is worth nothing here; under https no other host can set that cookie (`__Host-`). Does NOT cover: under
http a host beside ours may plant one that we signed for another browser.
"""

from __future__ import annotations

import hmac
import json
import secrets
from typing import Any

from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler, _serialize_state

from hub_config.sign_in.oauth import cookie
from hub_config.sign_in.page import Page
from hub_config.sign_in.provider import Gone, NotVouched
from labkit.errors import PlatformFault
from labkit.programme.groups import Refusal

_SIGN_IN_SECONDS = 600


class OidcPage(Page):
    """What both halves of the sign-in share: one cookie, and one page for whoever is not let in."""

    @property
    def _secure(self) -> bool:
        return self.authenticator.origin.startswith("https://")

    def _where(self) -> dict[str, Any]:
        return {"path": "/" if self._secure else self.hub.base_url, "secure": self._secure, "httponly": True}

    def keep(self, value: dict[str, str]) -> None:
        name = cookie("oidc", self._secure)
        words = {"expires_days": None, "max_age": _SIGN_IN_SECONDS, "samesite": "Lax"}
        self.set_signed_cookie(name, json.dumps(value), **words, **self._where())

    def take(self) -> dict[str, str]:
        """What this browser began, once; empty if it began nothing lately."""
        name = cookie("oidc", self._secure)
        value = self.get_signed_cookie(name, max_age_days=_SIGN_IN_SECONDS / 86400)
        self.clear_cookie(name, **self._where())
        return json.loads(value) if value else {}

    async def turn_away(self, reason: str, status: int = 403, email: str = "") -> None:
        await turn_away(self, reason, status, email)


async def turn_away(handler: Page, reason: str, status: int = 403, email: str = "") -> None:
    handler.set_status(status)
    name = handler.authenticator.provider_name
    handler.finish(await handler.render("refused.html", reason=reason, provider=name, email=email[:254]))


class Begin(OidcPage, OAuthLoginHandler):
    """To the provider."""

    async def get(self) -> None:
        try:
            await self.authenticator.endpoints()
        except PlatformFault as fault:
            self.log.error("Sign-in at the provider: %s", fault)
            await self.turn_away("silent", 503)
            return
        verifier, challenge = self._generate_pkce_params()
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        then = self._validate_next_url(self.get_argument("next", ""))
        self.keep({"state": state, "nonce": nonce, "code_verifier": verifier, "next": then})
        pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
        self.authorize_redirect(
            redirect_uri=self.authenticator.get_callback_url(self),
            client_id=self.authenticator.client_id,
            scope=self.authenticator.scope,
            extra_params={**self.authenticator.extra_authorize_params, **pkce, "state": state, "nonce": nonce},
            response_type="code",
        )


class Callback(OidcPage, OAuthCallbackHandler):
    """Back from the provider."""

    def get_state_cookie(self) -> str:
        return _serialize_state(self._begun)  # where oauthenticator looks for the code's verifier

    async def get(self) -> None:
        self._begun = self.take()
        shown = self.get_argument("state", "").encode("utf-8", "replace")
        issuer = self.get_argument("iss", self.authenticator.issuer)  # RFC 9207
        began_here = self._begun and hmac.compare_digest(self._begun["state"].encode(), shown)
        if not began_here or issuer != self.authenticator.issuer:
            await self.turn_away("stale", 400)
            return
        if self.get_argument("error", "") or not self.get_argument("code", ""):
            self.log.warning("The provider answered a sign-in with %r", self.get_argument("error", "")[:200])
            await self.turn_away("declined")
            return
        await self._finish()

    async def _finish(self) -> None:
        try:
            identity, answer = await self.authenticator.prove(self, self._begun["nonce"])
        except (NotVouched, Gone) as problem:
            self.log.warning("A sign-in at the provider proves nothing: %s", problem)
            await self.turn_away("unproven")
            return
        except PlatformFault as fault:
            self.log.error("Sign-in at the provider: %s", fault)
            await self.turn_away("silent", 503)
            return
        if isinstance(answer, Refusal):
            self.log.warning("Refused a sign-in at the provider: %s", answer)
            await self.turn_away(answer, email=identity.email)
            return
        if await self.login_user(answer) is None:  # her place was taken in this very moment
            await self.turn_away(Refusal.NOTHING_LEFT)
            return
        self.redirect(self._begun["next"] or self.authenticator.pages)
