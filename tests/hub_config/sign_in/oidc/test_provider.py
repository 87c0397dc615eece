"""What a provider says is believed only where it is signed, for us, of now and of this sign-in."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hub_config.sign_in import provider
from hub_config.sign_in.provider import Endpoints, NotVouched
from labkit.errors import PlatformFault

ISSUER, CLIENT, NONCE = "https://id.example.org", "labkit", "n" * 43
OURS, OTHERS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/me",
    "jwks_uri": f"{ISSUER}/keys",
}


def token(key: Any = OURS, algorithm: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 60, "nonce": NONCE}
    kept = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(kept, key, algorithm, headers={"kid": "one"})


def read(signed: str, nonce: str | None = NONCE) -> dict[str, Any]:
    """With the provider's keys at hand, as its own address would give them."""
    key = jwt.PyJWK({**jwt.algorithms.RSAAlgorithm.to_jwk(OURS.public_key(), as_dict=True), "alg": "RS256"})
    keys = SimpleNamespace(get_signing_key_from_jwt=lambda _token: key)
    return provider.read_token(signed, keys, ISSUER, CLIENT, nonce)


def test_a_good_token_is_read():
    assert read(token())["sub"] == "1"
    assert read(token(nonce=None), nonce=None)["sub"] == "1"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["labkit", "another"]},
        {"aud": None},
        {"azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"nonce": "m" * 43},
        {"nonce": None},
    ],
    ids=str,
)
def test_a_token_for_another_party_time_or_sign_in_is_refused(claims: dict[str, Any]):
    with pytest.raises(NotVouched):
        read(token(**claims))


def public_pem() -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return OURS.public_key().public_bytes(serialization.Encoding.PEM, form)


def signed_with_what_all_know() -> str:
    """HS256 with the public key as its secret, written by hand: jwt itself refuses to."""
    import base64
    import hashlib
    import hmac

    head, body, _ = token().split(".")
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    mark = hmac.new(public_pem(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "forged",
    [
        token(OTHERS),
        token(None, "none"),
        token("the client's secret, which is long enough", "HS256"),
        signed_with_what_all_know(),
        token()[:-4] + "AAAA",
        "a.b.c",
        "",
    ],
    ids=[
        "another's key",
        "no signature",
        "a shared secret",
        "the public key as secret",
        "changed",
        "nonsense",
        "empty",
    ],
)
def test_a_token_the_provider_did_not_sign_is_refused(forged: str):
    with pytest.raises(NotVouched):
        read(forged)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "https://evil.example"}, "calls itself"),
        ({"issuer": f"{ISSUER}/"}, "calls itself"),
        ({"token_endpoint": None}, "lacks one"),
        ({"jwks_uri": "http://id.example.org/keys"}, "an address that is none"),
        ({"userinfo_endpoint": 7}, "an address that is none"),
    ],
)
def test_a_discovery_document_of_another_or_with_gaps_is_refused(change: dict[str, Any], said: str):
    assert Endpoints.of(ISSUER, DOCUMENT).userinfo == f"{ISSUER}/me"
    with pytest.raises(PlatformFault, match=said):
        Endpoints.of(ISSUER, {**DOCUMENT, **change})


@pytest.mark.parametrize(
    ("said", "trusted", "verified"),
    [
        ({"email_verified": True}, False, True),
        ({"email_verified": "true"}, False, True),
        ({"email_verified": False}, True, False),
        ({"email_verified": "false"}, True, False),
        ({"email_verified": 1}, True, False),
        ({}, True, True),
        ({}, False, False),
    ],
)
def test_an_address_counts_where_the_provider_vouches_for_it(said: dict[str, Any], trusted: bool, verified: bool):
    assert provider.identity({"sub": "1", **said}, ISSUER, trusted).verified is verified


@pytest.mark.parametrize("subject", [None, "", 7, "x" * 256, "a\0b", "\ud800", "ſ"])
def test_no_subject_is_nobody(subject: Any):
    with pytest.raises(NotVouched):
        provider.identity({"sub": subject}, ISSUER, False)


@pytest.mark.parametrize(
    ("claims", "name", "found"),
    [
        ({"groups": ["a", "b", 7]}, "groups", {"a", "b"}),
        ({"hd": "example.org"}, "hd", {"example.org"}),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"https://x.org/groups": ["a"]}, "https://x.org/groups", {"a"}),
        ({"groups": {"a": 1}}, "groups", set()),
        ({"groups": 7}, "groups", set()),
        ({}, "groups", None),
        ({"groups": "a"}, "groups.of", None),
    ],
)
def test_groups_are_found_where_the_settings_say(claims: dict[str, Any], name: str, found: set[str] | None):
    assert provider.groups(claims, name) == found


@pytest.mark.parametrize(
    ("claims", "given", "family", "language"),
    [
        ({"given_name": "Ana", "family_name": "Cruz", "locale": "fil-PH"}, "Ana", "Cruz", "fil"),
        ({"name": "Ana de la Cruz", "locale": "tl_PH"}, "Ana", "de la Cruz", "fil"),
        ({"given_name": ["Ana"], "locale": "de"}, "", "", None),
    ],
)
def test_names_and_language_come_from_the_claims(claims, given, family, language):
    found = provider.identity({"sub": "1", **claims}, ISSUER, False)

    assert (found.given_name, found.family_name, found.language) == (given, family, language)
