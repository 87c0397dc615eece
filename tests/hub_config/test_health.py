"""The status of a platform: each part for itself, none too slow, nothing told that is nobody's business."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select, update

from hub_config.backup import LAST
from hub_config.health import READY, PlatformHealth
from hub_config.settings import Settings
from hub_config.state import State
from labkit.database import connect
from labkit.database.tables import scores, submissions
from labkit.pages.site import Part


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(home=tmp_path, teach="testing", database=database_url)


async def parts(settings: Settings, **more: Any) -> dict[str, Part]:
    return {part.name: part for part in await PlatformHealth(settings, State(settings.home), **more).parts()}


def ready(settings: Settings, **addresses: str) -> None:
    State(settings.home).write_config(READY.removesuffix(".json"), addresses)


def receive(settings: Settings, state: str, ago: timedelta) -> None:
    row = {
        "id": os.urandom(8).hex(),
        "username": "ana",
        "course": "testing",
        "lab": "clip",
        "digest": os.urandom(8).hex(),
    }
    more = {"files": {}, "missing": [], "extra": [], "received_at": datetime.now(UTC) - ago, "state": state}
    engine = connect(settings.database_url)
    with engine.begin() as connection:
        connection.execute(insert(submissions).values(**row, **more))
    engine.dispose()


async def test_everything_that_answers_works(settings: Settings, address: str):
    ready(settings, hub=f"{address}/", gateway=f"{address}/health")
    found = await parts(settings)
    assert [name for name, part in found.items() if not part.working] == []
    assert found["hub"].detail == "answers"
    assert "MB" in found["database"].detail
    assert found["grading queue"].detail == "nothing waits"
    assert "certificate" not in found


async def test_what_is_silent_or_broken_is_named_and_the_rest_still_works(settings: Settings, address: str):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    ready(settings, hub=f"{address}/", gateway=gone, model=f"{address}/broken")
    found = await parts(settings)
    assert (found["hub"].working, found["gateway"].working, found["model"].working) == (True, False, False)
    assert found["database"].working


async def test_all_parts_are_asked_at_once_and_none_is_waited_for_long(settings: Settings):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(16)
        silent = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        ready(settings, **{f"part-{number}": silent for number in range(8)})
        began = time.monotonic()
        found = await parts(settings, patience=1.5)
        seconds = time.monotonic() - began
    assert sum(not part.working for part in found.values()) == 8
    # One after another they would take eight times as long as the longest one may.
    assert seconds < 8 * 1.5


@pytest.mark.parametrize("content", [None, "", "[]", "{", '"x"'])
async def test_a_platform_that_does_not_run_says_how_to_start_it(content: str | None, settings: Settings):
    if content is not None:
        (State(settings.home).run / READY).write_text(content)
    found = await parts(settings)
    assert not found["processes"].working
    assert "labkit up" in found["processes"].detail


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/labkit.sqlite", "postgresql+psycopg://ana:hunter2@127.0.0.1:1/labkit"]
)
async def test_a_database_that_is_away_is_said_without_its_password(url: str, tmp_path: Path):
    found = await parts(Settings(home=tmp_path, teach="testing", database=url))
    for name in ("database", "grading queue", "grading faults"):
        assert not found[name].working
        assert "hunter2" not in found[name].detail
    assert found["disk"].working


async def test_work_that_waits_too_long_and_faults_of_ours_are_counted(settings: Settings):
    receive(settings, "queued", timedelta(minutes=1))
    found = await parts(settings)
    assert found["grading queue"].working
    assert "1 wait" in found["grading queue"].detail
    receive(settings, "grading", timedelta(hours=3))
    receive(settings, "graded", timedelta(days=3))
    receive(settings, "fault", timedelta(days=1))
    found = await parts(settings)
    assert (found["grading queue"].working, found["grading queue"].detail) == (False, "2 wait, the oldest for 3 hours")
    assert (found["grading faults"].working, found["grading faults"].detail[:13]) == (False, "1 submissions")


@pytest.mark.parametrize(("ago", "working"), [(timedelta(minutes=1), True), (timedelta(hours=2), False)])
async def test_a_score_that_nbgrader_does_not_have_is_counted(ago: timedelta, working: bool, settings: Settings):
    assert (await parts(settings))["gradebook"].detail == "has every score"
    receive(settings, "graded", ago)
    engine = connect(settings.database_url)
    with engine.begin() as connection:
        connection.execute(update(submissions).values(written=False))
        submission = connection.execute(select(submissions.c.id)).scalar_one()
        score = {"submission": submission, "score": 1, "max": 2, "report": {}, "graded_at": datetime.now(UTC) - ago}
        connection.execute(insert(scores).values(**score))
    engine.dispose()
    found = (await parts(settings))["gradebook"]

    assert found.working == working
    assert found.detail.startswith("1 scores wait")


@pytest.mark.parametrize(
    ("days", "working"), [(0, True), (6, True), (8, False)], ids=["just now", "six days ago", "eight days ago"]
)
async def test_an_old_backup_is_not_good_enough(days: int, working: bool, settings: Settings):
    at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    (settings.home / LAST).write_text(json.dumps({"at": at, "file": "/backups/a.tar", "bytes": 5}))
    assert (await parts(settings))["backup"].working is working


@pytest.mark.parametrize(("demo", "working"), [(True, True), (False, False)])
async def test_without_a_backup_only_a_demonstration_is_well(demo: bool, working: bool, settings: Settings):
    found = await parts(settings.model_copy(update={"demo": demo}))
    assert found["backup"].working is working
    (settings.home / LAST).write_text("half")
    assert not (await parts(settings))["backup"].working


@pytest.mark.parametrize(
    ("days", "working", "said"), [(90, True, "ends in"), (3, False, "ends in"), (-3, False, "ended")]
)
async def test_a_certificate_that_ends_is_said_before_it_does(days: int, working: bool, said: str, settings: Settings):
    key, name = Ed25519PrivateKey.generate(), x509.Name([])
    begins, ends = datetime.now(UTC) - timedelta(days=10), datetime.now(UTC) + timedelta(days=days)
    about = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    about = about.serial_number(1).not_valid_before(begins).not_valid_after(ends)
    file = settings.home / "chain.pem"
    file.write_bytes(about.sign(key, None).public_bytes(serialization.Encoding.PEM))
    found = await parts(settings.model_copy(update={"tls_cert": file}))
    assert found["certificate"].working is working
    assert said in found["certificate"].detail


async def test_a_full_disk_is_not_well(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=5 << 20))
    assert not (await parts(settings))["disk"].working


def test_the_command_says_it_in_words_and_by_its_exit_code(tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    command = [str(Path(sys.executable).parent / "labkit"), "health"]
    environment["LABKIT_HOME"] = str(tmp_path)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "BAD  processes" in done.stdout
    assert "ok   disk" in done.stdout
    done = subprocess.run(
        [*command, "--json"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    table = json.loads(done.stdout)
    assert table["working"] is False
    assert {"name", "working", "detail"} == set(table["parts"][0])
    assert not (tmp_path / "labkit.sqlite").exists()
