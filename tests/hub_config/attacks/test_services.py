"""Gateway and submissions through the public address: keys, tokens, names and receipts that are not hers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub_config.state import State
from labkit.database import connect
from labkit.gateway.keys import Caller, Keys
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Receipt, Signer, verify
from labkit.submissions.store import Store

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

LAB = "/services/gateway/labs/testing/clip"
WORK = "/services/submissions/courses/testing/labs/clip"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def ask(platform, ana) -> Callable[..., object]:
    """With a credential and no cookie: as a program does."""

    def go(method: str, path: str, authorization: str, body: object = None, **headers: str):
        content = None if body is None else json.dumps(body).encode()
        said = {"Cookie": "", "Sec_Fetch_Site": "", "Content_Type": "application/json"}
        return ana.ask(method, path, content, **{**said, "Authorization": authorization, **headers})

    return go


@pytest.fixture(scope="module")
def key(ask, ana_token) -> str:
    answer = ask("POST", f"{LAB}/key", f"token {ana_token}")
    assert answer.status == 200, answer.text
    return answer.json()["key"]


@pytest.fixture(scope="module")
def secret(platform) -> str:
    return (platform.home / "secrets" / "gateway-keys").read_text()


def claims(**more: object) -> dict[str, object]:
    whole = {"aud": "labkit-gateway", "sub": "ana", "course": "testing", "lab": "clip"}
    return {**whole, "exp": datetime.now(UTC) + HOUR, **more}


def unsigned(payload: dict[str, object], algorithm: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{jwt.encode(payload, 'x' * 64, 'HS256').split('.')[1]}."


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in claims().items() if key != name}


# Made with the platform's own secret, but not as the platform makes them.
MADE = {
    "expired": lambda secret, _key: (
        Keys(secret, now=lambda: datetime.now(UTC) - HOUR).issue(Caller("ana", "testing", "clip")).key
    ),
    "of another lab": lambda secret, _key: Keys(secret).issue(Caller("ana", "testing", "linear")).key,
    "of another course": lambda secret, _key: Keys(secret).issue(Caller("ana", "prompting", "clip")).key,
    "of somebody not enrolled": lambda secret, _key: Keys(secret).issue(Caller("jose", "testing", "clip")).key,
    "of nobody": lambda secret, _key: Keys(secret).issue(Caller("mallory", "testing", "clip")).key,
    "of another audience": lambda secret, _key: jwt.encode(claims(aud="labkit-pages"), secret, "HS256"),
    "of no audience": lambda secret, _key: jwt.encode(without("aud"), secret, "HS256"),
    "of no person": lambda secret, _key: jwt.encode(without("sub"), secret, "HS256"),
    "for ever": lambda secret, _key: jwt.encode(without("exp"), secret, "HS256"),
    "with another secret": lambda _secret, _key: jwt.encode(claims(), "x" * 64, "HS256"),
    "with another algorithm": lambda secret, _key: jwt.encode(claims(), secret, "HS512"),
    "unsigned": lambda _secret, _key: unsigned(claims(exp=4102444800), "none"),
    "unsigned, said otherwise": lambda _secret, _key: unsigned(claims(exp=4102444800), "nOnE"),
    "its signature cut": lambda _secret, key: key.rpartition(".")[0] + ".",
    "another's name in hers": lambda _secret, key: ".".join(
        (key.split(".")[0], jwt.encode(claims(sub="carla"), "x" * 64, "HS256").split(".")[1], key.split(".")[2])
    ),
}


@pytest.mark.parametrize("case", MADE)
def test_a_key_that_is_not_for_this_person_and_lab_and_hour_is_refused(ask, key, secret, case: str):
    bad = MADE[case](secret, key)
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    for method, path, content in (("GET", "allowance", None), ("POST", "v1/chat/completions", body)):
        answer = ask(method, f"{LAB}/{path}", f"Bearer {bad}", content)
        assert answer.status in (401, 403), answer.text


def test_a_key_and_a_token_do_not_stand_in_for_each_other(ask, key, ana_token):
    assert ask("GET", f"{LAB}/allowance", f"Bearer {key}").status == 200
    assert ask("GET", f"{LAB}/allowance", f"Bearer {ana_token}").status == 401
    for scheme in ("token", "Bearer"):
        assert ask("GET", "/services/submissions/courses", f"{scheme} {key}").status == 401
        assert ask("GET", "/hub/api/user", f"{scheme} {key}").status == 403
        assert ask("POST", f"{LAB}/key", f"{scheme} {key}").status == 401


@pytest.mark.parametrize(
    "name", ["service-labkit", "service-gateway", "service-formgrader-testing", "grader", "grading"]
)
def test_a_secret_of_one_part_opens_no_other(platform, ask, name: str):
    """Each part has its own; that of a service names no person."""
    token = (platform.home / "secrets" / name).read_text()
    for scheme in ("token", "Bearer"):
        assert ask("GET", "/services/submissions/courses", f"{scheme} {token}").status == 401
        assert ask("GET", f"{LAB}/allowance", f"{scheme} {token}").status == 401
        assert ask("POST", f"{LAB}/key", f"{scheme} {token}").status == 401


def test_the_graders_lane_is_closed_to_a_learner(ask, key, ana_token):
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    for path in ("chat/completions", "score"):
        for credential in ("", f"Bearer {key}", f"token {ana_token}", f"Bearer {ana_token}", "Bearer ", "Bearer x"):
            answer = ask("POST", f"/services/gateway/grading/v1/{path}", credential, body)
            assert answer.status == 401, answer.text


@pytest.mark.parametrize("course", ["testing", "prompting"])
def test_who_is_in_no_course_gets_no_lab_and_hands_nothing_in(platform, ask, enter, course: str):
    """An officer: known to the hub, enrolled nowhere. The token is what his browser holds for the pages."""
    signed = enter("jose").value("localhost", "labkit-session").split(".")[0]
    token = json.loads(base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)))["token"]
    work = f"/services/submissions/courses/{course}/labs/clip"
    for method, path, body in (
        ("GET", f"{work}/release", None),
        ("GET", f"{work}/submissions", None),
        ("POST", f"{work}/submissions", {"files": {"clip.ipynb": "e30="}}),
        ("POST", f"/services/gateway/labs/{course}/clip/key", None),
    ):
        assert ask(method, path, f"token {token}", body).status in (403, 404), path


@pytest.fixture(scope="module")
def hers(platform, ask, ana_token) -> Receipt:
    """The receipt of what ana hands in."""
    released = ask("GET", f"{WORK}/release", f"token {ana_token}").json()["files"]
    answer = ask("POST", f"{WORK}/submissions", f"token {ana_token}", {"files": released})
    assert answer.status in (200, 201), answer.text
    return Receipt.of(answer.json())


@pytest.fixture(scope="module")
def carlas(platform) -> str:
    """The number of a submission of another's."""
    engine = connect(f"sqlite:///{platform.home / 'labkit.sqlite'}")
    state = State(platform.home)
    store = Store(engine, Blobs(state.folder("blobs", mode=0o700)), Signer(platform.home / "secrets" / "receipts.pem"))
    found = store.of_person("carla")
    engine.dispose()
    return found[0].id


def test_a_receipt_and_a_submission_are_their_owners_alone(ask, ana, ana_token, hers, carlas: str):
    assert ask("GET", f"/services/submissions/submissions/{hers.id}", f"token {ana_token}").status == 200
    for id_ in (carlas, carlas.upper(), "..", "%2e%2e", f"{hers.id}%2f..%2f{carlas}", "1' OR '1'='1", "%25"):
        path = id_.replace(" ", "%20").replace("'", "%27")
        assert ask("GET", f"/services/submissions/submissions/{path}", f"token {ana_token}").status in (403, 404), id_
        assert ana.get(f"/services/labkit/receipts/{path}.json").status == 404, id_


@pytest.mark.parametrize(
    "body",
    [
        {"username": "carla", "files": {"clip.ipynb": "e30="}},
        {"files": {"clip.ipynb": "e30="}, "received_at": "2020-01-01T00:00:00Z"},
        {"files": {"clip.ipynb": "e30="}, "score": 5},
        {"files": {"clip.ipynb": "e30=", "../../carla/clip.ipynb": "e30="}},
        {"files": {"clip.ipynb": "e30=", "/etc/passwd": "e30="}},
        {"files": {"clip.ipynb": "e30=", "a/../../b": "e30="}},
        {"files": {"clip.ipynb": "e30=", "a\x00b": "e30="}},
        {"files": {"clip.ipynb": "e30=", "a\\..\\b": "e30="}},
        {"files": {"clip.ipynb": "e30=", "\ud800": "e30="}},
        {"files": {"clip.ipynb": ["e30="]}},
        {"files": {"other.ipynb": "e30="}},
        {"files": []},
        [],
    ],
)
def test_nobody_hands_in_as_another_or_outside_a_labs_folder(ask, ana_token, body: object):
    for headers in ({}, {"X_Forwarded_User": "carla", "Remote_User": "carla"}):
        answer = ask("POST", f"{WORK}/submissions", f"token {ana_token}", body, **headers)
        assert answer.status in (400, 413), answer.text
        assert answer.json()["error"]["code"] == "SubmissionRefused"


OUTSIDE = [
    *("..", "%2e%2e", "..%2f..%2f..%2f..%2fetc", "%2e%2e%2f%2e%2e%2fsecrets", "....//....//secrets", "%252e%252e"),
    *("..%5c..%5csecrets", "testing%00", "/etc", "~root", "$HOME", "testing%2f..%2fprompting"),
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_a_course(ask, ana, key, ana_token, name: str):
    """In the place of a course, of a lab and of a number, through the proxy."""
    for path in (
        f"/services/submissions/courses/{name}/labs/clip/release",
        f"/services/submissions/courses/testing/labs/{name}/release",
        f"/services/submissions/courses/testing/labs/{name}/submissions",
        f"/services/submissions/submissions/{name}",
    ):
        answer = ask("GET", path, f"token {ana_token}")
        assert answer.status in (403, 404), (path, answer.text)
    for path in (f"/services/gateway/labs/{name}/clip/key", f"/services/gateway/labs/testing/{name}/key"):
        assert ask("POST", path, f"token {ana_token}").status in (403, 404), path
    for path in (f"static/{name}/labkit.css", f"static/{name}", f"labs/{name}/clip", f"labs/testing/{name}/open"):
        answer = ana.get(f"/services/labkit/{path}")
        # The proxy takes dots for what they mean, and then it may be a page of hers.
        assert answer.status in (303, 404) or answer.text.startswith("<!doctype html>"), path


@pytest.mark.parametrize(
    "path",
    [
        "/hub/static/../../secrets/cookie",
        "/hub/static/%2e%2e/%2e%2e/secrets/cookie",
        "/hub/labkit/..%2f..%2fsecrets%2fcookie",
        "/hub/logo/../../secrets/cookie",
        "/services/labkit/static/..%2fapp.py",
        "/services/labkit/static/%2e%2e/app.py",
    ],
)
def test_no_static_file_is_outside_its_folder(send, platform, path: str):
    head = f"GET {path} HTTP/1.1\r\nHost: localhost:{platform.port}\r\nConnection: close\r\n\r\n"
    answer = send(platform.port, head.encode())

    assert answer.split()[1] in (b"302", b"303", b"400", b"403", b"404"), answer[:300]


def test_a_receipt_is_good_as_it_was_given(platform, ask, hers):
    known = ask("GET", "/services/submissions/key", "").json()
    assert verify(hers, known["public_key"])
    assert Signer(platform.home / "secrets" / "receipts.pem").check(hers)


FORGED = {
    "another's name": lambda r: replace(r, username="carla"),
    "another lab": lambda r: replace(r, lab="linear"),
    "another course": lambda r: replace(r, course="prompting"),
    "another number": lambda r: replace(r, id="0" * 32),
    "an earlier moment": lambda r: replace(r, received_at="2020-01-01T00:00:00.000+00:00"),
    "another digest": lambda r: replace(r, digest="0" * 64),
    "another file's hash": lambda r: replace(r, files=dict.fromkeys(r.files, "0" * 64)),
    "a file more": lambda r: replace(r, files={**r.files, "more.txt": "0" * 64}),
    "nothing missing": lambda r: replace(r, missing=(*r.missing, "x")),
    "no signature": lambda r: replace(r, signature=""),
    "one bit of the signature": lambda r: replace(r, signature=_turned(r.signature)),
    "no key's name": lambda r: replace(r, key=""),
    "another key's name": lambda r: replace(r, key="0" * 16),
    "another key, under our key's name": lambda r: _by_another(r, r.key),
    "another key, under its own name": lambda r: _by_another(r, ""),
}


def _turned(signature: str) -> str:
    raw = bytearray(base64.b64decode(signature))
    raw[0] ^= 1
    return base64.b64encode(raw).decode()


def _by_another(receipt: Receipt, name: str) -> Receipt:
    key = Ed25519PrivateKey.generate()
    own = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]
    body = replace(receipt, key=name or own).to_json()
    del body["signature"]
    signed = key.sign(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode())
    return replace(receipt, key=name or own, signature=base64.b64encode(signed).decode())


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_receipt_is_refused_by_whoever_checks_it(platform, ask, hers, case: str):
    """By the platform, with its key file, and by anybody, with the public key the service tells."""
    forged = FORGED[case](hers)
    known = ask("GET", "/services/submissions/key", "").json()

    assert not verify(forged, known["public_key"])
    assert not Signer(platform.home / "secrets" / "receipts.pem").check(forged)
