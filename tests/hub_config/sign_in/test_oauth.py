"""The pages' cookies, and where a request is counted to come from."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from itsdangerous import URLSafeTimedSerializer
from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request

from hub_config.sign_in.address import address
from hub_config.sign_in.oauth import HubSignIn

PREFIX = "/services/labkit/"


def sign_in(origin: str) -> HubSignIn:
    hub = HubOAuth(
        api_url="http://127.0.0.1:9/hub/api",
        api_token="t",
        oauth_client_id="service-labkit",
        oauth_redirect_uri=f"{PREFIX}oauth_callback",
        hub_host="",
        base_url=PREFIX,
    )
    return HubSignIn(hub, PREFIX, "secret", origin)


def request(path: str = PREFIX, cookie: str = "", query: str = "") -> Request:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": headers}
    return Request(scope)


def cookies(answer) -> SimpleCookie:
    found = SimpleCookie()
    for value in answer.headers.getlist("set-cookie"):
        found.load(value)
    return found


@pytest.mark.parametrize(
    ("origin", "name", "path", "secure"),
    [
        ("http://localhost:8000", "labkit-sign-in", PREFIX, ""),
        ("https://labs.example.org", "__Host-labkit-sign-in", "/", True),
    ],
)
def test_cookies_are_for_this_host_and_no_script(origin: str, name: str, path: str, secure: object):
    morsel = cookies(sign_in(origin).begin(request()))[name]
    assert (morsel["path"], morsel["secure"], morsel["domain"]) == (path, secure, "")
    assert morsel["httponly"] is True
    assert morsel["samesite"] == "lax"


def test_signing_out_deletes_the_cookie_it_set():
    morsel = cookies(sign_in("https://labs.example.org").end(request()))["__Host-labkit-session"]
    assert (morsel["path"], morsel["secure"], morsel["max-age"]) == ("/", True, "0")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "made up",
        URLSafeTimedSerializer("another secret", salt="pages").dumps({"token": "t", "began": 1}),
        URLSafeTimedSerializer("secret", salt="other").dumps({"token": "t", "began": 1}),
        URLSafeTimedSerializer("secret", salt="pages").dumps("only a token, as it was once"),
    ],
    ids=["none", "made up", "another secret", "another purpose", "an old form"],
)
async def test_a_cookie_we_did_not_sign_is_nobodys(value: str):
    assert await sign_in("http://localhost:8000").session(request(cookie=f"labkit-session={value}")) is None


@pytest.mark.parametrize("query", ["", "state=", "state=guess&code=x", "code=x", "state=%ff"])
async def test_coming_back_with_another_state_begins_again(query: str):
    hub = sign_in("http://localhost:8000")
    kept = cookies(hub.begin(request()))["labkit-sign-in"].value
    for cookie in ("", f"labkit-sign-in={kept}"):
        answer = await hub.finish(request(f"{PREFIX}oauth_callback", cookie, query))
        assert answer.headers["location"] == PREFIX
        assert "labkit-session" not in cookies(answer)


@pytest.mark.parametrize(
    ("forwarded", "trusted", "counted"),
    [
        ([], [], "direct"),
        (["203.0.113.7"], [], "203.0.113.7"),
        (["192.0.2.1, 203.0.113.7"], [], "203.0.113.7"),
        (["192.0.2.1", "203.0.113.7"], [], "203.0.113.7"),
        (["192.0.2.1, 203.0.113.7, 10.0.0.1"], ["10.0.0.1"], "203.0.113.7"),
        (["192.0.2.1, 203.0.113.7, 10.0.0.1"], [], "10.0.0.1"),
        (["10.0.0.1, 203.0.113.7, 10.0.0.1"], ["10.0.0.1"], "203.0.113.7"),
        (["10.0.0.1"], ["10.0.0.1"], "10.0.0.1"),
        (["2001:db8:1:2:aaaa::1"], [], "2001:db8:1:2::/64"),
        (["2001:db8:1:2:bbbb::2"], [], "2001:db8:1:2::/64"),
        (["::ffff:203.0.113.7"], [], "203.0.113.7"),
        (["fe80::1%eth0"], [], "fe80::/64"),
        (["nonsense"], [], "unreadable"),
        ([" , "], [], "direct"),
    ],
)
def test_a_request_is_counted_where_the_last_believed_proxy_heard_it(forwarded, trusted, counted: str):
    assert address(forwarded, trusted) == counted
