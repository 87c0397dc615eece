"""A gateway on loopback: real uvicorn and ledger, the echo backend or the real model, small doubles of the hub."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from openai import OpenAI
from sqlalchemy import Engine
from starlette.applications import Starlette

from labkit.allowance import Ledger
from labkit.courses import AllowanceRule, Course, Lab, ModelLimits
from labkit.courses.course import TrainingRule
from labkit.database import connect, migrate
from labkit.gateway.app import create
from labkit.gateway.backends import Backend
from labkit.gateway.backends.echo import Echo
from labkit.gateway.keys import Keys
from labkit.programme.cohorts import Cohort, Seat

GRADING_KEY = "the-autograders-key"


class Hub:
    """Hub tokens as the hub would answer for them."""

    async def username(self, token: str) -> str | None:
        return token.removeprefix("token-of-") if token.startswith("token-of-") else None


@dataclass
class Roll:
    """Who is enrolled in the course."""

    people: dict[str, str] = field(default_factory=lambda: {"ana": "learner", "ben": "learner", "tess": "instructor"})

    learns_too: dict[str, set[str]] = field(default_factory=dict)  # in cohorts of other courses
    cohort: Cohort = field(default_factory=lambda: Cohort("first", "prompting"))

    def seat(self, username: str, course: str) -> Seat | None:
        role = self.people.get(username) if course == "prompting" else None
        return Seat(role, self.cohort) if role else None

    def cohorts(self, username: str) -> set[str]:
        own = {self.cohort.name} if self.people.get(username) == "learner" else set()
        return own | self.learns_too.get(username, set())


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Gateway:
    """A running gateway and what a test looks at in it."""

    url: str
    backend: Any
    roll: Roll
    clock: Clock
    keys: Keys
    engine: Engine
    ledger: Ledger
    labs: dict[str, Lab]
    app: Starlette
    clients: list[OpenAI] = field(default_factory=list)

    def key(self, lab: str = "triage", user: str = "ana") -> str:
        answer = httpx.post(f"{self.url}/labs/prompting/{lab}/key", headers={"Authorization": f"token token-of-{user}"})
        key: str = answer.raise_for_status().json()["key"]
        return key

    def openai(self, lab: str = "triage", user: str = "ana") -> OpenAI:
        url = f"{self.url}/labs/prompting/{lab}/v1"
        self.clients.append(OpenAI(base_url=url, api_key=self.key(lab, user), max_retries=2))
        return self.clients[-1]

    def balance(self, lab: str = "triage", user: str = "ana") -> Any:
        return self.ledger.balance(user, "prompting", lab, self.labs[lab].allowance)

    def settled(self, lab: str = "triage", user: str = "ana") -> Any:
        """The balance once nothing is reserved any more."""
        until = time.monotonic() + 10
        while (balance := self.balance(lab, user)).reserved and time.monotonic() < until:
            time.sleep(0.02)
        assert balance.reserved == 0
        return balance


Start = Callable[..., Gateway]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a gateway before a backend, or several, whose model has this name; all are stopped after the test."""
    with _starting(tmp_path) as start_one:
        yield start_one


@pytest.fixture(scope="session")
def starting() -> Callable[[Path], AbstractContextManager[Start]]:
    """For gateways that outlive a test."""
    return _starting


@contextmanager
def _starting(folder: Path) -> Iterator[Start]:
    """Gateways on one database in a folder."""
    running: list[tuple[uvicorn.Server, threading.Thread, Gateway]] = []

    def start_one(backend: Backend | list[Backend], model: str, **settings: Any) -> Gateway:
        url = f"sqlite:///{folder / 'labkit.db'}"
        migrate(url)
        engine, clock = connect(url), Clock(datetime.now(UTC))
        ledger, keys, roll = Ledger(engine, now=clock), Keys("s" * 32, now=clock), Roll()
        rules = {"triage": 2000, "small": 40, "large": 1_000_000}
        labs = [
            Lab("prompting", name, name, folder, models=(model,), allowance=AllowanceRule(tokens))
            for name, tokens in rules.items()
        ]
        labs.append(replace(labs[0], id="tuning", training=TrainingRule(100, "total")))
        labs.append(Lab("prompting", "exam", "exam", folder, ai_policy="closed"))
        labs.append(Lab("prompting", "led", "led", folder, models=(model,), preface="Answer as a pirate would."))
        labs.append(Lab("prompting", "short", "short", folder, models=(model,), model_limits=ModelLimits(6, 3)))
        labs.append(Lab("prompting", "free", "free", folder, ai_policy="open", models=("something-else",)))
        app = create(
            identity=Hub(),
            enrolment=roll,
            courses=[Course("prompting", "Prompting", folder, tuple(labs))],
            engine=engine,
            ledger=ledger,
            backends=backend if isinstance(backend, list) else [backend],
            keys=keys,
            grading_key=GRADING_KEY,
            fresh_seconds=0,
            **settings,
        )
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/services/gateway"
        gateway = Gateway(url, backend, roll, clock, keys, engine, ledger, {lab.id: lab for lab in labs}, app)
        running.append((server, thread, gateway))
        return gateway

    yield start_one
    for server, thread, gateway in running:
        for client in gateway.clients:
            client.close()
        server.should_exit = True
        thread.join()
        gateway.engine.dispose()


@pytest.fixture
def gateway(start: Start) -> Gateway:
    return start(Echo(), "echo")


@dataclass(frozen=True)
class ModelProcess:
    """The settings a gateway needs for the real model process."""

    url: str
    scoring_url: str
    key_file: str


@pytest.fixture(scope="session")
def model_process(prepared_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelProcess]:
    import socket

    folder = tmp_path_factory.mktemp("model")
    (folder / "key").write_text("model-key")
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    table = {
        "home": str(prepared_models),
        "port": ports[0],
        "scoring_port": ports[1],
        "key_file": str(folder / "key"),
        "slots": 2,
        "threads": 1,
    }
    (folder / "model.json").write_text(json.dumps(table))
    command = [sys.executable, "-m", "labkit.models.serve", str(folder / "model.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and "ready" in process.stdout.readline()
        yield ModelProcess(f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", str(folder / "key"))
        process.terminate()


@pytest.fixture
def real_gateway(start: Start, model_process: ModelProcess) -> Gateway:
    from labkit.gateway.backends import open_backend

    return start(open_backend({"kind": "llamacpp", **vars(model_process)}), "smollm2-135m-instruct")


@pytest.fixture
def later(gateway: Gateway) -> Callable[[timedelta], None]:
    """Moves the gateway's clock."""

    def move(by: timedelta) -> None:
        gateway.clock.now += by

    return move
