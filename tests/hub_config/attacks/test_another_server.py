"""One learner against another's notebook server, through the proxy that leads to both."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from hub_config.state import State

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

CONTENTS = "/user/ana/api/contents"
# A request line, and what is said of the host; `ana` and `ben` stand for their hosts with the port.
CLAIMS = {
    "her host": (CONTENTS, ["ana"]),
    "in capitals": (CONTENTS, ["ANA"]),
    "with a dot at its end": (CONTENTS, ["ana.localhost."]),
    "without the port": (CONTENTS, ["ana.localhost"]),
    "another port": (CONTENTS, ["ana.localhost:80"]),
    "a name below it": (CONTENTS, ["x.ana.localhost"]),
    "both, hers first": (CONTENTS, ["ana", "ben"]),
    "both, hers last": (CONTENTS, ["ben", "ana"]),
    "both in one": (CONTENTS, ["ben, ana"]),
    "a space before it": (CONTENTS, [" ana"]),
    "a tab behind it": (CONTENTS, ["ana\t"]),
    "his own host": (CONTENTS, ["ben"]),
    "the main host": (CONTENTS, ["localhost"]),
    "none": (CONTENTS, []),
    "an empty one": (CONTENTS, [""]),
    "a whole address": (f"http://ana{CONTENTS}", ["ben"]),
    "a whole address twice": (f"http://ana{CONTENTS}", ["ana"]),
    "up and over": ("/user/ben/../ana/api/contents", ["ben"]),
    "up and over, escaped": ("/user/ben/%2e%2e/ana/api/contents", ["ben"]),
    "up and over, a slash escaped": ("/user/ben/..%2fana/api/contents", ["ben"]),
    "up and over, a backslash": ("/user/ben/..\\ana\\api\\contents", ["ben"]),
    "a slash too many": ("//user/ana/api/contents", ["ben"]),
    "a letter escaped": ("/user/%61na/api/contents", ["ana"]),
    "hers behind his path": ("/user/ben/user/ana/api/contents", ["ana"]),
}


@pytest.fixture(scope="module")
def bens_everything(opened, ben, ana_kernel, hosts) -> str:
    """Every cookie ben has, of each host, in one header; her server runs."""
    opened(ben, "ben")
    return "; ".join([ben.cookie(hosts.user("ben")), ben.cookie("/hub/"), ben.cookie("/services/labkit/")])


def request(platform, line: str, hosts: list[str], *headers: str) -> bytes:
    def whole(host: str) -> str:
        return re.sub(r"\b(ana|ben|ANA)(?![.\w])", rf"\1.localhost:{platform.port}", host)

    said = [f"Host: {whole(host)}" for host in hosts]
    lines = [f"GET {whole(line) if '://' in line else line} HTTP/1.1", *said, *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("case", CLAIMS)
def test_whatever_host_is_claimed_his_session_opens_nothing_of_hers(platform, send, bens_everything: str, case: str):
    line, claimed = CLAIMS[case]
    answer = send(platform.port, request(platform, line, claimed, f"Cookie: {bens_everything}"))
    status = int(answer.split()[1]) if answer else 0

    assert status in (0, 302, 400, 403, 404, 431), answer[:500]
    assert b'"last_modified"' not in answer


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
def test_a_token_of_his_server_or_of_his_session_is_no_key_to_hers(platform, ana_token, ana, ben, hosts, scheme: str):
    """Turned round: hers at his, which is the same wall."""
    for path in ("api/contents", "api/kernels", "lab", "files/testing/clip/clip.ipynb"):
        answer = ben.get(f"{hosts.user('ben')}{path}", Cookie="", Authorization=f"{scheme} {ana_token}")
        assert answer.status in (302, 403), path


@pytest.mark.parametrize("who", ["maria", "jose"])
def test_not_even_her_instructor_or_an_officer_opens_a_learners_server(platform, enter, ana_kernel, hosts, who: str):
    answer = enter(who).follow(f"{hosts.user('ana')}lab")

    assert answer.status in (403, 404)
    assert "jupyter-config-data" not in answer.text


@pytest.mark.parametrize("path", ["lab", "api/contents", "api/kernels", "files/testing/clip/clip.ipynb"])
def test_a_stranger_is_shown_nothing_of_a_server(platform, stranger, ana_kernel, hosts, path: str):
    answer = stranger.get(f"{hosts.user('ana')}{path}")

    assert answer.status in (302, 403)
    if answer.status == 302:
        assert answer.headers["Location"].startswith(f"{hosts.main}/hub/")


@pytest.mark.parametrize("origin", ["ben", "formgrader", "http://evil.example", "null", ""])
def test_no_page_elsewhere_opens_a_channel_to_her_kernel(platform, send, ana, ana_kernel, hosts, origin: str):
    """A websocket takes cookies wherever it is opened; where it was opened is asked."""
    known = {"ben": hosts.user("ben"), "formgrader": hosts.formgrader("testing")}
    said = "/".join(known.get(origin, origin).split("/")[:3])
    path = f"/user/ana/api/kernels/{ana_kernel.id}/channels"
    headers = [
        *(f"Cookie: {ana.cookie(hosts.user('ana'))}", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Origin: {said}", "Sec-Fetch-Site: same-site"),
        "Sec-Fetch-Mode: websocket",
    ]
    lines = [f"GET {path} HTTP/1.1", f"Host: ana.localhost:{platform.port}", "Connection: Upgrade", *headers, "", ""]
    answer = send(platform.port, "\r\n".join(lines).encode(), seconds=5)

    assert answer.split()[1] == b"403", answer[:300]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_elsewhere_changes_no_file_of_hers(platform, ana, ana_kernel, hosts, method: str):
    for site, origin in (("same-site", hosts.user("ben")), ("cross-site", "http://evil.example/")):
        answer = ana.ask(
            method,
            f"{hosts.user('ana')}api/contents/testing/clip/clip.ipynb",
            b'{"type": "file", "format": "text", "content": "evil"}',
            **{"Content_Type": "text/plain", "Origin": "/".join(origin.split("/")[:3]), "Sec_Fetch_Site": site},
        )
        assert answer.status in (403, 404), (site, answer.text)
    assert "evil" not in ana.get(f"{hosts.user('ana')}api/contents/testing/clip/clip.ipynb").text


def test_the_proxys_own_interface_is_not_at_the_public_address(platform, stranger):
    for path in ("/api/routes", "/api/routes/user/ana", "/_chp_healthz", "/metrics", "/hub/metrics"):
        answer = stranger.get(path)
        assert answer.status != 200 or b"target" not in answer.body, path


@pytest.mark.parametrize("header", ["", "token ", "token x", "Bearer x", "Basic eDp4"])
def test_the_proxys_own_interface_asks_for_its_token(platform, send, header: str):
    port = State(platform.home).ports()["proxy_api"]
    for method in ("GET", "POST", "DELETE"):
        head = f"{method} /api/routes/evil HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {header}\r\n"
        answer = send(port, f"{head}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        assert answer.split()[1] == b"403"


FORWARDED = {
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "host=evil.example;proto=https",
    "X-Original-Host": "evil.example",
    "X-Host": "evil.example",
    "X-Forwarded-Proto": "javascript",
    "X-Scheme": "javascript",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Original-Url": "//evil.example/",
}


@pytest.mark.parametrize("header", FORWARDED)
def test_no_claim_about_a_proxy_leads_a_sign_in_elsewhere(platform, send, ana_kernel, hosts, header: str):
    for address in (
        hosts.user("ana") + "lab",
        hosts.formgrader("testing") + "formgrader/",
        f"{hosts.main}/services/labkit/",
    ):
        parts = urlsplit(address)
        answer = send(platform.port, request(platform, parts.path, [parts.netloc], f"{header}: {FORWARDED[header]}"))
        found = re.search(rb"(?i)\r\nlocation: ([^\r]*)", answer)
        assert found, answer[:300]
        location = urlsplit(found[1].decode())
        assert f"{location.scheme}://{location.netloc}" in (hosts.main, "://"), found[1]
        back = urlsplit(parse_qs(location.query).get("redirect_uri", [""])[0])
        assert back.netloc in ("", parts.netloc), found[1]


REDIRECTS = [
    *("//evil.example/", "///evil.example/", "http://evil.example/", "https:evil.example", "/\\evil.example"),
    *("\\\\evil.example", "http://{main}.evil.example/", "http://{main}@evil.example/", "//{main}@evil.example/"),
    *(
        "javascript:alert(1)",
        "/\t/evil.example/",
        "\t//evil.example/",
        "http://evil.example#{main}",
        "/%2f/evil.example",
    ),
    *("data:text/html,x", "//evil.example/%2f..", "https:///evil.example", "/hub/../../evil.example"),
]


@pytest.mark.parametrize("next_", REDIRECTS)
def test_signing_in_leads_to_no_other_site(platform, maria, hosts, next_: str):
    from urllib.parse import quote

    asked = quote(next_.format(main=f"localhost:{platform.port}"), safe="")
    for page in ("/hub/login", "/hub/labkit/resume", "/hub/oauth_login"):
        answer = maria.get(f"{page}?next={asked}")
        location = answer.headers["Location"] or "/"
        assert re.match(rf"({re.escape(hosts.main)})?/(?![/\\\s])", location), location
