"""The hub's API through the public address, with what a learner has: her server's token and her browser's session."""

from __future__ import annotations

import json

import pytest

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

# What neither her server's token nor her session may do: method, path below /hub/api, body.
REFUSED = {
    "list people": ("GET", "/users", None),
    "read another": ("GET", "/users/ben", None),
    "read another's tokens": ("GET", "/users/ben/tokens", None),
    "list groups": ("GET", "/groups", None),
    "read the instructors": ("GET", "/groups/instructors-testing", None),
    "become an instructor": ("POST", "/groups/instructors-testing/users", {"users": ["ana"]}),
    "list services": ("GET", "/services", None),
    "read a service": ("GET", "/services/labkit", None),
    "read routes": ("GET", "/proxy", None),
    "turn the proxy elsewhere": ("PATCH", "/proxy", {"ip": "192.0.2.1", "port": 1, "auth_token": "x"}),
    "check routes": ("POST", "/proxy", {}),
    "read what the hub is": ("GET", "/info", None),
    "shut down": ("POST", "/shutdown", {"proxy": True, "servers": True}),
    "start another's server": ("POST", "/users/ben/server", {}),
    "end another's server": ("DELETE", "/users/ben/server", None),
    "a server with a name": ("POST", "/users/ana/servers/second", {}),
    "watch another's server start": ("GET", "/users/ben/server/progress", None),
    "make herself administrator": ("PATCH", "/users/ana", {"admin": True}),
    "take another's name": ("PATCH", "/users/ana", {"name": "maria"}),
    "add a person": ("POST", "/users/mallory", {}),
    "add people": ("POST", "/users", {"usernames": ["mallory"], "admin": True}),
    "remove a person": ("DELETE", "/users/ben", None),
    "say another was here": ("POST", "/users/ben/activity", {"last_activity": "2030-01-01T00:00:00Z"}),
    "make a token": ("POST", "/users/ana/tokens", {}),
    "make a token for everything": ("POST", "/users/ana/tokens", {"roles": ["admin"], "scopes": ["admin:users"]}),
    "make a token of another's": ("POST", "/users/maria/tokens", {}),
    "make a token by password": ("POST", "/users/maria/tokens", {"auth": {"username": "maria", "password": "x"}}),
    "share her server": ("POST", "/shares/ana/", {"user": "ben"}),
    "share her server by a code": ("POST", "/share-codes/ana/", {}),
    "see what another shares": ("GET", "/shares/ben/", None),
    "end another's sessions": ("POST", "/labkit/sessions/maria/end", {}),
    "the API of old": ("POST", "/authorizations/token", {"username": "maria", "password": "x"}),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("credential", ["token", "session"])
def test_a_learner_has_no_power_over_the_hub_or_another(platform, ana, ana_token, credential: str, case: str):
    method, path, body = REFUSED[case]
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content_Type": "application/json"}
    if credential == "token":
        headers |= {"Cookie": "", "Sec_Fetch_Site": "", "Authorization": f"token {ana_token}"}
    else:
        headers |= {"X_XSRFToken": ana.value("localhost", "_xsrf")}

    answer = ana.ask(method, f"/hub/api{path}", content, **headers)

    assert answer.status in (400, 403, 404, 405), answer.text
    assert "token" not in answer.json() and "servers" not in answer.json()


def test_nothing_of_it_has_happened(platform, maria):
    """What the attacks above would have left behind is seen with the pages' own token."""
    token = (platform.home / "secrets" / "service-labkit").read_text()
    people = json.loads(_as_service(maria, token, "/users").body)
    assert "mallory" not in {one["name"] for one in people}
    assert not any(one.get("admin") for one in people)
    assert maria.follow("/services/labkit/").status == 200


def _as_service(client, token: str, path: str):
    return client.get(f"/hub/api{path}", Cookie="", Sec_Fetch_Site="", Authorization=f"token {token}")


@pytest.mark.parametrize("name", ["token", "access_token", "api_token"])
def test_a_token_in_an_address_counts_for_nothing(platform, ana, ana_token, name: str):
    for path in ("/hub/api/user", "/services/submissions/courses", "/services/labkit/"):
        answer = ana.get(f"{path}?{name}={ana_token}", Cookie="", Sec_Fetch_Site="")
        assert answer.status in (303, 401, 403), path


def test_her_servers_token_is_no_session(platform, ana, ana_token):
    """In the place of a cookie of the hub's, of the pages' or of another server's."""
    for cookie in (f"jupyterhub-hub-login={ana_token}", f"jupyterhub-session-id={ana_token}"):
        assert ana.get("/hub/api/user", Cookie=cookie).status == 403
    assert ana.get("/services/labkit/", Cookie=f"labkit-session={ana_token}").status == 303


# What a browser says of a request made by a page on a learner's host below one site, and what one from nowhere says.
FOREIGN = {
    "a learner's page fetches": {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"},
    "a learner's page embeds": {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"},
    "another site fetches": {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"},
    "a form": {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    "no token at all": {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"},
}


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/hub/api/users/maria/server"),
        ("DELETE", "/hub/api/users/maria/server"),
        ("POST", "/hub/spawn/maria"),
        ("POST", "/hub/spawn"),
        ("POST", "/hub/api/users/maria/tokens"),
        ("POST", "/hub/api/oauth2/authorize"),
    ],
)
def test_with_cookies_alone_nothing_is_changed(platform, maria, case: str, method: str, path: str):
    """Every cookie of hers goes with it; only the token that a page of ours would know is missing."""
    answer = maria.ask(method, path, b"", Origin="http://ana.localhost", **FOREIGN[case])

    assert answer.status in (400, 403, 404, 405), answer.text
    assert not answer.headers["Access-Control-Allow-Origin"]


def test_a_token_of_a_form_is_good_in_its_own_session_alone(platform, ana, maria):
    """Tossed into another's browser as cookie and as field, as a page on a host beside ours might."""
    tossed = ana.value("localhost", "_xsrf")
    cookies = maria.cookie("/hub/").replace(maria.value("localhost", "_xsrf"), tossed)
    assert tossed in cookies

    answer = maria.ask("POST", "/hub/api/users/maria/server", b"{}", Cookie=cookies, X_XSRFToken=tossed)

    assert answer.status == 403


def test_the_hub_allows_no_page_of_another_origin_to_read_it(platform, maria):
    for path in ("/hub/api/user", "/hub/api/users", "/hub/login", "/services/labkit/", "/services/submissions/key"):
        for origin in ("http://ana.localhost:8000", "null", "https://evil.example"):
            for method in ("GET", "OPTIONS"):
                answer = maria.ask(method, path, Origin=origin, Access_Control_Request_Method="POST")
                assert not answer.headers["Access-Control-Allow-Origin"], (method, path)
