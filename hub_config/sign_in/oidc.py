"""Sign-in at an OpenID provider, beside the roster's own.

Covers: a sign-in ends in the browser that began it (state, PKCE and nonce, kept in a signed cookie of this host alone
for ten minutes, used once); `next` stays within; who she is, is checked in `provider`, and her account and cohorts are
`labkit.programme.groups`' to decide. Whoever is here by her groups alone gets in through the provider alone, so that
neither a password nor a link outlives her account there. While she is active (her browser, the pages or her notebook
server ask the hub) the provider is asked again every LABKIT_OIDC_REFRESH_MINUTES, and at each start of a server: a
group or account that is gone ends her sessions. Kept of hers are her subject and one token, encrypted.
Does NOT cover: who is not active is looked at when she comes again. While the provider is silent, or refuses us and
not her, people stay as they are, until the first time it is asked after it is back. A process in the server of an
account that is gone goes on; nothing it asks the hub is answered. Without a refresh token an account that is gone is
seen when the access token ends, not before.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from functools import partial
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from oauthenticator.generic import GenericOAuthenticator
from tornado.httpclient import HTTPClientError
from tornado.web import Finish, HTTPError
from traitlets import Bool, Unicode, default

from hub_config.sign_in import provider
from hub_config.sign_in.page import Proven
from hub_config.sign_in.provider import Endpoints, Gone, NotVouched
from hub_config.sign_in.roster import RosterAuthenticator
from hub_config.sign_in.round_trip import Begin, Callback, turn_away
from hub_config.sign_in.sessions import ResumeHandler, end_all
from labkit.errors import PlatformFault
from labkit.programme import groups, sessions
from labkit.programme.groups import Identity, Refusal
from labkit.programme.people import Person
from labkit.programme.suspension import is_suspended

_ENDPOINTS_SECONDS = 3600


class Vouched(Proven):
    """Proven by the provider; `kept` is what asking it again takes."""

    kept: dict[str, str]


class OidcAuthenticator(RosterAuthenticator, GenericOAuthenticator):
    issuer = Unicode(help="As the provider's discovery document says it.").tag(config=True)
    provider_name = Unicode(help="What people call the provider.").tag(config=True)
    groups_claim = Unicode("groups", help="Which claim has her groups.").tag(config=True)
    trust_addresses = Bool(help="Believe an address of which the provider says nothing.").tag(config=True)
    takes_passwords = Bool(True, help="Whether there is a password form too.").tag(config=True)

    extra_authorize_params: Any  # oauthenticator's, which says no type

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self._known: tuple[float, Endpoints] | None = None
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._asked: dict[str, tuple[float, bool]] = {}

    @default("reconcile_auth_state_hook")
    def _keep_what_the_provider_gave(self) -> Any:
        return lambda _self, found, before: _newest(found.get("auth_state"), before)

    def login_url(self, base_url: str) -> str:
        return Authenticator.login_url(self, base_url)  # our page, which has the provider's button

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        return [*super().get_handlers(app), (r"/oauth_login", Begin), (r"/oauth_callback", Callback)]

    async def authenticate(self, handler: BaseHandler, data: Any = None, **_words: Any) -> Any:
        # A ticket goes on with a session that was good.
        may = isinstance(data, Vouched) or not isinstance(data, Proven) or isinstance(handler, ResumeHandler)
        if not may and await asyncio.to_thread(groups.only_by_group, self.engine, data["username"]):
            await turn_away(handler, "elsewhere")
            raise Finish
        username = await RosterAuthenticator.authenticate(self, handler, data)
        kept = data.kept if isinstance(data, Vouched) else None
        return {"name": username, "auth_state": kept} if username else None

    async def endpoints(self) -> Endpoints:
        """The provider's addresses, read at the first need and again every hour."""
        if self._known and time.monotonic() - self._known[0] < _ENDPOINTS_SECONDS:
            return self._known[1]
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        document = await self._ask(
            partial(self.httpfetch, address, "discovery", validate_cert=self.validate_server_cert)
        )
        found = Endpoints.of(self.issuer, document)
        self.authorize_url, self.token_url, self.userdata_url = found.authorization, found.token, found.userinfo
        self.basic_auth = not found.posts_secret
        if not found.offline_scope:  # Google's word for it
            self.extra_authorize_params = {"access_type": "offline", **self.extra_authorize_params}
        self._known = (time.monotonic(), found)
        return found

    async def prove(self, handler: Callback, nonce: str) -> tuple[Identity, Vouched | Refusal]:
        """Who came back with a code, and what that is here."""
        await self.endpoints()
        params = self.build_access_tokens_request_params(handler)
        tokens = await self._ask(partial(self.get_token_info, handler, params))
        return await self._apply(tokens, await self._claims(tokens, nonce))

    async def refresh_user(self, user: Any, handler: BaseHandler | None = None, **_words: Any) -> bool:
        """Asks the provider again. False: she has to sign in again, and her sessions are over."""
        came = time.monotonic()
        async with self._turns[user.name]:
            at, answer = self._asked.get(user.name, (0.0, False))
            if at > came:  # somebody asked while we waited: a refresh token is used once
                return answer
            answer = await self._still_good(user)
            self._asked[user.name] = (time.monotonic(), answer)
            return answer

    async def _still_good(self, user: Any) -> bool:
        kept = await user.get_auth_state()
        if not kept:  # she came by a password or a link; or what was kept can no longer be read
            return not await asyncio.to_thread(self._must_show_herself, user.name)
        try:
            answer = await self._again(kept)
        except PlatformFault as fault:
            self.log.error("%s stays as she is: %s", user.name, fault)
            return True
        except (Gone, NotVouched) as problem:
            self.log.warning("The provider does not answer for %s any more: %s", user.name, problem)
            await asyncio.to_thread(self._without_groups, user.name, kept["subject"])
            answer = None
        if isinstance(answer, Vouched) and answer["username"] == user.name:
            await user.save_auth_state(answer.kept)
            return True
        await asyncio.to_thread(sessions.end, self.engine, user.name)
        end_all(user.db, user.orm_user)
        await user.save_auth_state(None)
        return False

    async def _again(self, kept: dict[str, str]) -> Vouched | Refusal:
        await self.endpoints()
        tokens: dict[str, Any] = {"access_token": kept.get("access_token", ""), "token_type": "Bearer"}
        if refresh := kept.get("refresh_token"):
            params = self.build_refresh_token_request_params(refresh)
            tokens = {"refresh_token": refresh, **await self._ask(partial(self.get_token_info, None, params))}
        elif not tokens["access_token"]:
            raise Gone("the provider gave nothing to ask it again with")
        claims = await self._claims(tokens, None)
        if claims.get("sub") != kept["subject"]:
            raise NotVouched("another subject than before")
        return (await self._apply(tokens, claims))[1]

    def _must_show_herself(self, username: str) -> bool:
        # Her server's token outlives her sessions and comes here too.
        return groups.only_by_group(self.engine, username) or is_suspended(self.engine, username)

    def _without_groups(self, username: str, subject: str) -> None:
        """Who can come in past the provider is not to bring along what her groups gave."""
        if not groups.only_by_group(self.engine, username):
            groups.apply(self.engine, Identity(self.issuer, subject, "", False), ())

    async def _claims(self, tokens: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        """What ID token and userinfo say together; the latter is newer. With a nonce there must be an ID token."""
        known, signed = await self.endpoints(), tokens.get("id_token")
        said: dict[str, Any] = {}
        if signed:
            check = (str(signed), known.keys, self.issuer, self.client_id, nonce)
            said = await asyncio.to_thread(provider.read_token, *check)
        elif nonce is not None:
            raise NotVouched("no ID token")
        more = await self._userinfo(tokens) if known.userinfo else {}
        if not isinstance(more, dict) or (said and more and more.get("sub") != said["sub"]):
            raise NotVouched("userinfo of somebody else")
        if provider.groups(said, self.groups_claim) and provider.groups(more, self.groups_claim) is None:
            tokens.pop("access_token", None)  # asking userinfo again would bring no groups
        return {**said, **more}

    async def _userinfo(self, tokens: dict[str, Any]) -> Any:
        return await self._ask(partial(self.token_to_user, {"token_type": "Bearer", **tokens}), gone=(401, 403))

    async def _apply(self, tokens: dict[str, Any], claims: dict[str, Any]) -> tuple[Identity, Vouched | Refusal]:
        who = provider.identity(claims, self.issuer, self.trust_addresses)
        hers = provider.groups(claims, self.groups_claim) or frozenset()
        answer = await asyncio.to_thread(groups.apply, self.engine, who, hers)
        if not isinstance(answer, Person):
            return who, answer
        proof = Vouched(username=answer.username)
        proof.kept = {"subject": who.subject}
        for name in ("refresh_token", "access_token"):
            if tokens.get(name):
                proof.kept[name] = tokens[name]
                break
        return who, proof

    async def _ask(self, question: Any, gone: tuple[int, ...] = ()) -> Any:
        """Puts a question to the provider. Raises Gone where she is refused, PlatformFault where we are or it fails."""
        try:
            return await question()
        except HTTPClientError as error:
            body = error.response.body.decode("utf-8", "replace") if error.response and error.response.body else ""
            if error.code in gone or (error.code == 400 and "invalid_grant" in body):
                raise Gone(f"answered {error.code}") from error
            raise PlatformFault(f"The provider answered {error.code}.") from error
        except (HTTPError, OSError, ValueError, TypeError, KeyError) as error:
            raise PlatformFault(f"The provider does not answer as it should: {type(error).__name__}.") from error


def _newest(found: dict[str, str] | None, before: dict[str, str] | None) -> dict[str, str] | None:
    """Signing in by a password or link afterwards must not end the questions to the provider; and some providers give
    a refresh token once, which stays the one to ask with."""
    if not found or not before:
        return found or before
    worse = "refresh_token" in before and "refresh_token" not in found
    return before if worse and before["subject"] == found["subject"] else found
