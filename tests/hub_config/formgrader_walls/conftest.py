"""A real notebook server with nbgrader's formgrader, our walls and a gradebook of two cohorts; a header says who asks.

`tina` teaches ana and ben, `tomas` carla and danilo, `maria` everybody; evelina, of tomas's cohort, waits to be graded.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.serverapp import ServerApp
from nbgrader.api import Gradebook
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from traitlets.config import Config as Traits
from traitlets.config import PyFileConfigLoader

from autograder.gradebook import CourseGradebook
from autograder.repair import repair
from autograder.report import Item, Report
from hub_config.formgrader import Config, nbgrader_config, server_config
from hub_config.pupils import Pupils, write
from labkit.courses import build, load_course

BASE = "/services/formgrader-testing/"
COURSES = Path(__file__).parents[3] / "courses"
POINTS = {"ana": 1.0, "ben": 2.0, "carla": 3.0, "danilo": 3.0}
HERS, OTHERS = frozenset({"ana", "ben"}), frozenset({"carla", "danilo", "evelina"})
TEACHERS = {"tina": Pupils(HERS), "tomas": Pupils(OTHERS), "maria": Pupils(everybody=True)}


class ByHeader(IdentityProvider):
    """The hub's place: whoever a request says it is of."""

    def get_user(self, handler):
        name = handler.request.headers.get("X-User")
        return User(name) if name else None


@dataclass
class Formgrader:
    app: ServerApp
    root: Path
    pupils: Path
    port: int = 0
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def as_(self, username: str) -> httpx.Client:
        """A browser of hers, which has been on a page and so has nbgrader's own token."""
        if username not in self.clients:
            headers = {"X-User": username} if username else {}
            client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}{BASE}", headers=headers, timeout=60)
            client.get("formgrader/manage_students")
            client.headers["X-XSRFToken"] = client.cookies.get("_xsrf", "")
            self.clients[username] = client
        return self.clients[username]

    def ids(self, username: str) -> dict[str, str]:
        """What the gradebook calls her and hers."""
        with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}", "testing") as book:
            whole = book.find_submission("clip", username)
            notebook = whole.notebooks[0]
            return {
                "student": username,
                "whole": whole.id,
                "submission": notebook.id,
                "grade": notebook.grades[0].id,
                "comment": notebook.comments[0].id,
            }

    def kept(self) -> tuple[list[object], dict[str, bytes]]:
        """Everything the gradebook and the course's folder hold."""
        import sqlite3

        with sqlite3.connect(f"file:{self.root / 'gradebook.db'}?mode=ro", uri=True) as database:
            rows = list(database.iterdump())
        database.close()
        files = (path for path in self.root.rglob("*") if path.is_file() and "gradebook.db" not in path.name)
        return rows, {str(path): path.read_bytes() for path in files}


def answered(built: Path, name: str) -> dict:
    notebook = json.loads((built / "learner" / "clip" / "clip.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["id"] == "reflect":
            cell["source"] = f"What {name} wrote."
    return repair(
        json.loads((built / "grader" / "clip" / "clip.ipynb").read_text()), json.dumps(notebook).encode()
    ).notebook


def fill(root: Path, built: Path) -> None:
    book = CourseGradebook(root, "testing")
    assert book.register("clip", built / "grader" / "clip" / "clip.ipynb")
    for name, points in POINTS.items():
        report = Report(
            2 + points, 5.0, (Item("clip-examples", 2.0, 2.0, ()), Item("clip-properties", points, 3.0, ())), None
        )
        learner = {"id": name, "first_name": name.title(), "last_name": f"Of {name}", "email": f"{name}@example.org"}
        book.write(learner, "clip", answered(built, name), datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC), report)
    waits = root / "submitted" / "evelina" / "clip"
    waits.mkdir(parents=True)
    (waits / "clip.ipynb").write_text("{}")
    (waits / "timestamp.txt").write_text("2026-11-22 04:05:06.000000 UTC")


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("walls")
    build(load_course(COURSES, "testing"), home / "built")
    fill(home / "nbgrader" / "testing", home / "built")
    return home / "nbgrader" / "testing"


@pytest.fixture(scope="session")
def make_app(course: Path) -> Callable[..., ServerApp]:
    """A server set up by the very files the platform writes, but for the hub and the place of the list of pupils."""

    def make(folder: Path, pupils: str) -> ServerApp:
        nothing = dict.fromkeys(
            ("build", "url", "public_url", "hub_host", "hub_api_url", "token_file", "grader_key_file"), ""
        )
        config = Config(course="testing", folder=str(course), secure=False, grader_url="http://127.0.0.1:9", **nothing)
        folder.mkdir()
        (folder / "nbgrader_config.py").write_text(nbgrader_config(config))
        (folder / "server.py").write_text(server_config(config))
        loaded: Traits = PyFileConfigLoader("server.py", path=str(folder)).load_config()
        loaded.ServerApp.tornado_settings["labkit_pupils"] = pupils
        loaded.ServerApp.update({"base_url": BASE, "allow_root": True, "identity_provider_class": ByHeader})
        loaded.ServerApp.update({"open_browser": False, "log_level": "CRITICAL"})
        app = ServerApp(config=loaded)
        app.init_signal = lambda: None
        before = Path.cwd()
        os.chdir(folder)  # where nbgrader looks for its own configuration, each time it is asked
        try:
            app.initialize([], new_httpserver=False, find_extensions=False)
        except BaseException:
            os.chdir(before)
            raise
        return app

    return make


# Not for the session: nbgrader reads its configuration from the working directory, which is everybody's.
@pytest.fixture(scope="module")
def formgrader(course: Path, make_app, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formgrader]:
    folder, before = tmp_path_factory.mktemp("formgrader"), Path.cwd()
    os.environ["JUPYTER_CONFIG_DIR"], old = str(folder), os.environ.get("JUPYTER_CONFIG_DIR")
    pupils = folder / "pupils.json"
    running = Formgrader(make_app(folder / "files", str(pupils)), course, pupils)
    loop, started = asyncio.new_event_loop(), threading.Event()
    server = HTTPServer(running.app.web_app)

    async def listen() -> None:
        sockets = bind_sockets(0, "127.0.0.1")
        running.port = sockets[0].getsockname()[1]
        server.add_sockets(sockets)
        started.set()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(listen())
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield running
    finally:
        for client in running.clients.values():
            client.close()
        loop.call_soon_threadsafe(server.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        os.chdir(before)
        os.environ.pop("JUPYTER_CONFIG_DIR")
        os.environ.update({} if old is None else {"JUPYTER_CONFIG_DIR": old})


@pytest.fixture(autouse=True)
def told(formgrader: Formgrader) -> Iterator[None]:
    """The list of pupils as it should be, whatever the test before did to it."""
    formgrader.pupils.unlink(missing_ok=True)
    assert write(formgrader.pupils, TEACHERS)
    here = Path.cwd()
    yield
    os.chdir(here)
