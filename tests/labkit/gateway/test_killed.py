"""kill -9 in the middle of streams: after the restart every reservation is settled or given back; the books balance."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, func, select

from labkit.database import connect, migrate
from labkit.database.tables import allowances, calls, charges, reservations
from labkit.gateway.keys import Caller, Keys
from labkit.programme.people import Membership, Person, provision

COURSES = Path(__file__).parents[3] / "courses"
SECRET = "s" * 40
NAMES = [f"learner{number}" for number in range(6)]


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """A gateway process on a folder, with six learners in one lab."""

    def __init__(self, folder: Path, backend: dict[str, object], model: str, url: str) -> None:
        self.url, self.folder, self.port = url, folder, port()
        engine = connect(self.url)
        people = [Person(name, f"{name}@example.org", name, "Cruz") for name in NAMES]
        provision(engine, people, [Membership(name, "first", "testing", "learner") for name in NAMES])
        engine.dispose()
        for name, text in (("keys", SECRET), ("grading", "g" * 40)):
            (folder / name).write_text(text)
        course = folder / "courses" / "testing"
        (course / "clip").mkdir(parents=True)
        (course / "clip" / "lab.py").write_bytes((COURSES / "testing" / "clip" / "lab.py").read_bytes())
        (course / "course.toml").write_text(
            f'title = "T"\n[[labs]]\nid = "clip"\ntitle = "L"\nmodels = ["{model}"]\n'
            'allowance = {tokens = 1000000, per = "total"}\n'
        )
        table = {
            "port": self.port,
            "database_url": self.url,
            "courses": str(folder / "courses"),
            "hub_api_url": "http://127.0.0.1:9/hub/api",
            "key_secret_file": str(folder / "keys"),
            "grading_key_file": str(folder / "grading"),
            "backends": [backend],
        }
        (folder / "gateway.json").write_text(json.dumps(table))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/gateway"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "labkit.gateway", str(self.folder / "gateway.json")]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                soon(lambda: _answers(f"{self.base}/health"))
                yield process
            finally:
                process.kill()

    def stream(self, name: str, body: dict[str, object], heard: list[str]) -> None:
        """Asks and listens until the end, whatever that is."""
        headers = {"Authorization": f"Bearer {Keys(SECRET).issue(Caller(name, 'testing', 'clip')).key}"}
        url = f"{self.base}/labs/testing/clip/v1/chat/completions"
        try:
            with httpx.stream("POST", url, json={**body, "stream": True}, headers=headers, timeout=60) as answer:
                heard.extend(line for line in answer.iter_lines() if line)
        except httpx.HTTPError as error:
            heard.append(f"lost: {type(error).__name__}")

    def check_books(self) -> dict[str, int]:
        """Asserts that they balance and that nothing is reserved; how many calls ended in which way."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            assert connection.execute(select(func.count()).select_from(reservations)).scalar_one() == 0
            counters = connection.execute(select(allowances)).mappings().all()
            lines = connection.execute(select(charges)).mappings().all()
            outcomes = dict(connection.execute(select(calls.c.outcome, func.count()).group_by(calls.c.outcome)).all())
            charged = connection.execute(select(func.sum(calls.c.charged))).scalar_one() or 0
        engine.dispose()
        for row in counters:
            assert (row["reserved"], row["requests_reserved"]) == (0, 0)
            if row["lab"]:
                assert row["used"] == sum(one["amount"] for one in lines if one["username"] == row["username"])
        for own in (True, False):
            used = sum(row["used"] for row in counters if not row["lab"] and bool(row["username"]) is own)
            assert used == sum(one["amount"] for one in lines) == charged
        return outcomes

    def reserved(self) -> int:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = connection.execute(select(func.count()).select_from(reservations)).scalar_one()
        engine.dispose()
        return found


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def soon(holds, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not become so in time"
        time.sleep(0.05)


def all_at_once(site: Site, body: dict[str, object]) -> tuple[list[threading.Thread], dict[str, list[str]]]:
    heard = {name: list[str]() for name in NAMES}
    threads = [threading.Thread(target=site.stream, args=(name, body, heard[name])) for name in NAMES]
    for thread in threads:
        thread.start()
    return threads, heard


SLOW = {"messages": [{"role": "user", "content": "SLOW as can be"}], "max_tokens": 600}
QUICK = {"messages": [{"role": "user", "content": "good morning"}], "max_tokens": 3}


def test_a_gateway_that_is_killed_gives_back_what_its_streams_had_reserved(database_url: str, tmp_path: Path) -> None:
    site = Site(tmp_path, {"kind": "echo"}, "echo", database_url)
    with site.running() as process:
        site.stream(NAMES[0], QUICK, whole := [])
        assert whole[-1] == "data: [DONE]"
        threads, heard = all_at_once(site, SLOW)
        soon(lambda: all(len(lines) >= 3 for lines in heard.values()))
        assert site.reserved() == len(NAMES)
        os.kill(process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        process.wait()
        assert all("[DONE]" not in lines[-1] for lines in heard.values())
    assert site.reserved() == len(NAMES)
    with site.running():
        assert site.check_books() == {"complete": 1, "lost": len(NAMES)}
        site.stream(NAMES[0], QUICK, again := [])
        assert again[-1] == "data: [DONE]"
        assert site.check_books() == {"complete": 2, "lost": len(NAMES)}


@pytest.mark.model
def test_a_model_process_that_is_killed_in_the_middle_of_streams_costs_nobody_anything(
    prepared_models: Path, tmp_path: Path
) -> None:
    url, ports = f"sqlite:///{tmp_path / 'labkit.sqlite'}", [port(), port()]
    migrate(url)
    (tmp_path / "key").write_text("model-key")
    key = str(tmp_path / "key")
    table = {"home": str(prepared_models), "port": ports[0], "scoring_port": ports[1], "key_file": key}
    (tmp_path / "model.json").write_text(json.dumps({**table, "slots": 6, "threads": 1}))
    urls = {"url": f"http://127.0.0.1:{ports[0]}", "scoring_url": f"http://127.0.0.1:{ports[1]}"}
    backend = {"kind": "llamacpp", **urls, "key_file": key, "slots": 6}
    body = {"messages": [{"role": "user", "content": "Tell me a very long story."}], "max_tokens": 900}
    command = [sys.executable, "-m", "labkit.models.serve", str(tmp_path / "model.json")]

    @contextmanager
    def model() -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and "ready" in process.stdout.readline()
            try:
                yield process
            finally:
                process.kill()

    with model() as process:
        site = Site(tmp_path, backend, "smollm2-135m-instruct", url)
        with site.running():
            threads, heard = all_at_once(site, body)
            soon(lambda: all(len(lines) >= 3 for lines in heard.values()))
            os.kill(process.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
            soon(lambda: site.reserved() == 0)
            assert all("The model did not answer" in lines[-1] for lines in heard.values())
            assert site.check_books() == {"failed": len(NAMES)}
            with model():
                soon(lambda: _answers(f"{site.base}/health"))
                site.stream(NAMES[0], {**body, "max_tokens": 4}, again := [])
                assert again[-1] == "data: [DONE]"
                assert site.check_books() == {"failed": len(NAMES), "complete": 1}
