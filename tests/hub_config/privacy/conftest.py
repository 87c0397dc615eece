"""A platform's folder with two cohorts at work: rows, files, homes, a real gradebook, and a double of the hub's API."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import Engine

from autograder.bounds import with_answers
from autograder.gradebook import CourseGradebook
from autograder.repair import repair
from autograder.report import Check, Item, Manual, Report
from hub_config.holdings import holdings
from hub_config.settings import Settings
from hub_config.state import State
from labkit.allowance import Ledger
from labkit.courses import AllowanceRule, build, load_course
from labkit.database import connect
from labkit.programme import links
from labkit.programme.password import Passwords
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy import consent, looks
from labkit.programme.privacy.holding import Holding
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

COURSES = Path(__file__).parents[3] / "courses"
HER = Person(
    "dimaguiba", "lualhati@bulaklak.example", "Lualhati", "Sampaguita", "fil", region="Bicol", employer="Pabrika"
)
# What is in nobody else's work, or name, or anywhere in the platform itself.
HERS = ("dimaguiba", "lualhati", "bulaklak", "sampaguita", "kundiman-7431", "pabrika")
WORDS = "kundiman-7431"
OTHERS = (
    Person("ben", "ben@example.org", "Ben", "Reyes", region="Bicol"),
    Person("carla", "carla@example.org", "Carla", "Cruz", region="Cebu"),
    Person("maria", "maria@example.org", "Maria", "Reyes"),
    Person("jose", "jose@example.org", "José", "Santos", officer=True),
)
SHARED = b'{"cells": [], "the same": "of two learners"}'


@dataclass
class HubDouble:
    """Knows users, tells of one, deletes one; `status` makes it refuse."""

    users: set[str] = field(default_factory=set)
    status: int = 0

    def __post_init__(self) -> None:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, deletes: bool) -> None:
                name = self.path.rpartition("/")[2]
                known = name in hub.users
                if deletes and not hub.status:
                    hub.users.discard(name)
                body = b"" if deletes else json.dumps({"name": name, "last_activity": "today"}).encode()
                self.send_response(hub.status or (404 if not known else 204 if deletes else 200))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self._answer(deletes=False)

            def do_DELETE(self) -> None:
                self._answer(deletes=True)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@dataclass
class Site:
    settings: Settings
    engine: Engine
    store: Store
    scores: Scores
    gradebook: CourseGradebook
    hub: HubDouble
    source: dict
    learners: dict
    her = HER
    hers = HERS
    words = WORDS
    shared = SHARED

    @property
    def home(self) -> Path:
        return self.settings.home

    def parts(self) -> tuple[Holding, ...]:
        return holdings(self.settings, self.engine)

    def work(self, who: Person, answer: str, points: float, *, grades: bool = True) -> str:
        """Hands in, is graded, and is written into nbgrader's gradebook with a comment; gives the submission's id."""
        notebook = json.dumps(with_answers(self.learners, {"clip": f"x = {answer!r}", "reflect": answer})).encode()
        receipt, _ = self.store.receive(
            who.username, "testing", "clip", {"clip.ipynb": notebook, "data.csv": SHARED}, []
        )
        if grades:
            check = Check(f"gives {answer}", points > 0, f"it printed {answer}", "look again")
            items = (Item("clip-examples", points, 2.0, (check,)), Item("clip-properties", 1.0, 3.0, (), hidden=True))
            report = Report(points + 1, 5.0, items, notes=(answer,), manual=(Manual("reflect", 10),))
            self.scores.record(receipt.id, report.to_json(), 10.0)
            student = {
                "id": who.username,
                "first_name": who.given_name,
                "last_name": who.family_name,
                "email": who.email,
            }
            now = datetime.now(UTC)
            self.gradebook.write(student, "clip", repair(self.source, notebook).notebook, now, report)
            self._comment(who.username, f"{who.given_name}, you wrote {answer}")
            self.scores.set_manual(who.username, "testing", "clip", 7.0)
        return receipt.id

    def _comment(self, username: str, text: str) -> None:
        """As formgrader does when an instructor reads a written answer."""
        with Gradebook(f"sqlite:///{self.gradebook.root / 'gradebook.db'}", "testing") as book:
            grade = book.find_grade("reflect", "clip", "clip", username)
            grade.manual_score, grade.needs_manual_grade = 7.0, False
            book.find_comment("reflect", "clip", "clip", username).manual_comment = text
            book.db.commit()


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course `testing`, built and registered: nbgrader takes seconds to make its database."""
    root = tmp_path_factory.mktemp("registered")
    build(load_course(COURSES, "testing"), root / "build")
    book = CourseGradebook(root / "nbgrader" / "testing", "testing")
    book.register("clip", root / "build" / "grader" / "clip" / "clip.ipynb")
    return root


@pytest.fixture
def hub() -> Iterator[HubDouble]:
    double = HubDouble()
    yield double
    double.server.shutdown()
    double.server.server_close()


@pytest.fixture
def site(database_url: str, registered: Path, tmp_path: Path, hub: HubDouble) -> Iterator[Site]:
    settings = Settings(home=tmp_path / "state", database=database_url, teach="testing", courses=COURSES)
    state = State(settings.home)
    (state.run / "ports.json").write_text(json.dumps({"hub": hub.server.server_address[1]}))
    shutil.copytree(registered / "nbgrader", settings.home / "nbgrader")
    engine = connect(database_url)
    store = Store(engine, Blobs(settings.home / "blobs"), Signer(settings.home / "secrets" / "receipts.pem"))
    made = Site(
        settings=settings,
        engine=engine,
        store=store,
        scores=Scores(engine),
        gradebook=CourseGradebook(settings.home / "nbgrader" / "testing", "testing"),
        hub=hub,
        source=json.loads((registered / "build" / "grader" / "clip" / "clip.ipynb").read_text()),
        learners=json.loads((registered / "build" / "learner" / "clip" / "clip.ipynb").read_text()),
    )
    furnish(made)
    yield made
    engine.dispose()


def furnish(site: Site) -> None:
    cohorts = {"dimaguiba": "first", "ben": "first", "carla": "second"}
    members = [Membership(name, cohort, "testing", "learner") for name, cohort in cohorts.items()]
    provision(site.engine, (HER, *OTHERS), [*members, Membership("maria", "first", "testing", "instructor")])
    site.work(HER, WORDS, 2.0)
    site.work(OTHERS[0], "something of Ben's", 1.0)
    site.work(OTHERS[1], "something of Carla's", 0.0)
    for name in cohorts:
        consent.give(site.engine, name, "en")
        links.issue(site.engine, name, issued_by="maria")
        looks.record(site.engine, "maria", name, "result testing/clip")
        reservation = Ledger(site.engine).reserve(name, "testing", "clip", AllowanceRule(1000, "day"), 10, "gateway")
        Ledger(site.engine).settle(reservation, 3)
        folder = site.home / "homes" / name / "testing"
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text(f"{name}: {WORDS if name == HER.username else 'mine'}")
        log = site.home / "log" / f"server-{name}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(f"{name} came")
    Passwords(site.engine).set(HER.username, "pitong gatang ng bigas")
    site.hub.users |= set(cohorts)


@pytest.fixture
def found_in() -> Callable[[Path, tuple[str, ...]], list[str]]:
    """Every file below a folder whose name or bytes have one of the words, databases row by row."""

    def look(folder: Path, words: tuple[str, ...]) -> list[str]:
        found = []
        for path in sorted(folder.rglob("*")):
            content = b""
            if path.is_file() and not path.is_symlink():
                rows = path.suffix == ".db" or path.suffix == ".sqlite"
                content = _rows(path) if rows else b"" if ".db-" in path.name else path.read_bytes()
            text = str(path.relative_to(folder)).lower() + content.decode("utf-8", "replace").lower()
            found += [f"{word} in {path}" for word in words if word in text]
        return found

    return look


def _rows(path: Path) -> bytes:
    import sqlite3

    with closing(sqlite3.connect(path)) as database:
        return "\n".join(database.iterdump()).encode()
