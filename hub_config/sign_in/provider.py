"""What an OpenID provider says of itself and of people, checked before anything is believed.

Covers: an ID token must be signed by one of the provider's own keys with a public-key algorithm, be issued by the very
issuer the operator named, for us, now, and for the sign-in this browser began (nonce); userinfo counts only for the
same subject. oauthenticator itself checks no signature, issuer or nonce: it believes whatever comes over TLS.
Does NOT cover: a provider whose own keys or staff are in other hands; encrypted ID tokens and signed userinfo, which
are refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
from jwt import PyJWK, PyJWKClient

from labkit.errors import PlatformFault
from labkit.pages.messages import LANGUAGES
from labkit.programme.groups import Identity

# No `none`, and none whose key we share: our secret would make tokens.
_ALGORITHMS = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)] + ["EdDSA"]
_CLOCKS_APART = 60
_LONGEST_SUBJECT = 255


class NotVouched(Exception):
    """What came does not prove who somebody is."""


class Gone(Exception):
    """The provider no longer answers for her: her account is gone, or she has to show herself there again."""


@dataclass(frozen=True)
class Endpoints:
    authorization: str
    token: str
    userinfo: str
    keys: PyJWKClient
    posts_secret: bool  # the secret goes into the form, not into a header
    offline_scope: bool

    @classmethod
    def of(cls, issuer: str, document: Any) -> Endpoints:
        """From the discovery document. Raises PlatformFault for one that is another provider's or has gaps."""
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            found = document.get("issuer") if isinstance(document, dict) else None
            raise PlatformFault(f"The provider calls itself {found!r}, and the settings {issuer!r}.")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        urls: list[Any] = [document.get(name) for name in (*names, "userinfo_endpoint")]
        secure = issuer.startswith("https://")
        for url in filter(None, urls):
            if not isinstance(url, str) or not urlsplit(url).hostname or (secure and urlsplit(url).scheme != "https"):
                raise PlatformFault(f"The provider's discovery document has an address that is none: {url!r}.")
        if not all(urls[:3]):
            raise PlatformFault(f"The provider's discovery document lacks one of {', '.join(names)}.")
        authorization, token, keys, userinfo = urls
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        offline = "offline_access" in document.get("scopes_supported", ["offline_access"])
        client = PyJWKClient(keys, lifespan=600, timeout=20)
        return cls(authorization, token, userinfo or "", client, "client_secret_post" in methods, offline)


def read_token(token: str, keys: PyJWKClient, issuer: str, client_id: str, nonce: str | None) -> dict[str, Any]:
    """The claims of an ID token that is good. `nonce` is None where none was asked for: after a refresh."""
    try:
        key: PyJWK = keys.get_signing_key_from_jwt(token)
    except jwt.PyJWKClientConnectionError as error:
        raise PlatformFault("The provider's keys could not be read.") from error
    except jwt.PyJWTError as error:
        raise NotVouched(f"signed by no key of the provider's: {error}") from error
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=_CLOCKS_APART,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise NotVouched(f"an ID token that is not good: {error}") from error
    if claims.get("azp", client_id) != client_id or (isinstance(claims["aud"], list) and len(claims["aud"]) > 1):
        raise NotVouched("an ID token for another party too")
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise NotVouched("an ID token of another sign-in")
    return dict(claims)


def identity(claims: Mapping[str, Any], issuer: str, trust_addresses: bool) -> Identity:
    """Who the claims say she is. An address the provider calls unverified is never believed."""
    subject = claims.get("sub")
    plain = isinstance(subject, str) and subject.isascii() and subject.isprintable()  # OpenID Connect Core, 2
    if not isinstance(subject, str) or not plain or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise NotVouched("no subject")
    verified = claims.get("email_verified", trust_addresses)
    given, family = _text(claims, "given_name"), _text(claims, "family_name")
    if not given and not family:
        given, _, family = _text(claims, "name").partition(" ")
    return Identity(
        issuer=issuer,
        subject=subject,
        email=_text(claims, "email"),
        verified=verified is True or verified == "true",
        given_name=given,
        family_name=family,
        language=_language(_text(claims, "locale")),
    )


def groups(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """Her groups; None where the claim is not there, which some providers mean by no groups at all."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if found is None:
        return None
    many = [found] if isinstance(found, str) else found
    return frozenset(one for one in many if isinstance(one, str)) if isinstance(many, list) else frozenset()


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _language(locale: str) -> str | None:
    code = locale.replace("_", "-").partition("-")[0].lower()
    code = "fil" if code == "tl" else code  # the older tag of the same language
    return code if code in LANGUAGES else None
