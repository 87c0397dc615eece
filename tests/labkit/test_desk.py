"""The learner's desk against a small real HTTP server."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labkit.desk import Desk
from labkit.errors import NotEnrolled, NotInALab, PlatformFault, SubmissionRefused


class Service(ThreadingHTTPServer):
    """Keeps what it was sent and answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str, object]] = []
        self.answers: dict[str, tuple[int, bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.seen.append((self.command, self.path, self.headers["authorization"], body))
        status, content = self.server.answers.get(self.path, (200, b"{}"))
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


LAB = "/services/submissions/courses/testing/labs/clip"


@pytest.fixture
def service():
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield service
        service.shutdown()
        thread.join()


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service.url + "/", "her-token")


def encoded(**contents: bytes) -> bytes:
    files = {name.replace("__", "."): base64.b64encode(content).decode() for name, content in contents.items()}
    return json.dumps({"files": files}).encode()


def test_fetching_writes_what_is_missing_and_keeps_what_is_hers(service: Service, desk: Desk, tmp_path: Path):
    service.answers[f"{LAB}/release"] = (200, encoded(clip__ipynb=b"released", notes__txt=b"notes"))
    (tmp_path / "clip.ipynb").write_text("hers")
    assert desk.fetch("testing", "clip", tmp_path) == [tmp_path / "notes.txt"]
    assert (tmp_path / "clip.ipynb").read_text() == "hers"
    assert (tmp_path / "notes.txt").read_text() == "notes"
    assert service.seen[0][2] == "token her-token"


def test_submitting_sends_the_lab_and_leaves_out_what_does_not_belong(service: Service, desk: Desk, tmp_path: Path):
    service.answers[f"{LAB}/submissions"] = (201, b'{"id": "1"}')
    contents = {"clip.ipynb": b"{}", "data/m.csv": b"a", ".ipynb_checkpoints/clip.ipynb": b"old", "__pycache__/x": b"x"}
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "large.bin").write_bytes(bytes(6 * 2**20))
    secret = tmp_path.parent / "secret.txt"
    secret.write_text("not hers to send")
    (tmp_path / "link.txt").symlink_to(secret)
    assert desk.submit("testing", "clip", tmp_path) == {"id": "1"}
    method, path, _, body = service.seen[0]
    assert (method, path) == ("POST", f"{LAB}/submissions")
    assert {name: base64.b64decode(text) for name, text in body["files"].items()} == {
        "clip.ipynb": b"{}",
        "data/m.csv": b"a",
    }


def test_a_notebook_that_was_never_saved_is_said_before_anything_is_sent(service: Service, desk: Desk, tmp_path: Path):
    with pytest.raises(SubmissionRefused, match="Ctrl-S"):
        desk.submit("testing", "clip", tmp_path)
    assert service.seen == []


def test_the_services_refusal_comes_back_as_its_own_class(service: Service, desk: Desk):
    refusal = {"error": {"code": "NotEnrolled", "message": "You are not enrolled."}}
    service.answers["/services/submissions/courses"] = (403, json.dumps(refusal).encode())
    with pytest.raises(NotEnrolled, match="You are not enrolled"):
        desk.courses()


@pytest.mark.parametrize("answer", [(502, b"<html>bad gateway</html>"), (500, b'{"error": {"code": "What"}}')])
def test_an_answer_that_is_not_the_services_is_the_platforms_fault(service: Service, desk: Desk, answer):
    service.answers["/services/submissions/courses"] = answer
    with pytest.raises(PlatformFault):
        desk.courses()


def test_nobody_there_is_the_platforms_fault_and_says_nothing_is_lost():
    with pytest.raises(PlatformFault, match="nothing of yours is lost"):
        Desk("http://127.0.0.1:9", "token").courses()


def test_outside_the_platform_there_is_no_desk(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LABKIT_URL", raising=False)
    with pytest.raises(NotInALab, match="Open the lab from"):
        Desk.from_environment()
    monkeypatch.setenv("LABKIT_URL", "http://hub")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "t")
    assert Desk.from_environment() == Desk("http://hub", "t")
