"""A state folder, prepared as `labkit up` prepares one, and the real processes on it."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.gradebook import CourseGradebook
from benchmarks.crash.postgresql import Server
from benchmarks.crash.restarter import Restarter, Watched
from hub_config.processes import Process, answers, clean_environment, processes
from hub_config.settings import Settings
from hub_config.state import State, free_port
from labkit.courses import load_course
from labkit.courses.publish import publish
from labkit.database import connect, migrate
from labkit.programme.people import Membership, Person, provision

COURSE, LAB = "testing", "clip"
MODEL = "smollm2-135m-instruct"
_PROJECT = Path(__file__).resolve().parents[2]
_NAMES = ("proxy", "hub", "submissions", "gateway", "grader")
# One word more than the platform's own: tokens of learners whose servers we do not start.
_HUB_CONFIG = """
load_subconfig({ours!r})
c.JupyterHub.api_tokens = {tokens!r}
"""


@dataclass
class Testbed:
    """`argv` replaces a process's command, to try the harness on a broken platform."""

    folder: Path
    learners: tuple[str, ...]
    postgresql: Server | None = None
    argv: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    restarter: Restarter = field(default_factory=Restarter)

    def __post_init__(self) -> None:
        courses = self.folder / "courses"
        shutil.copytree(_PROJECT / "courses" / COURSE, courses / COURSE)
        text = (courses / COURSE / "course.toml").read_text()
        # Enough for any number of calls.
        (courses / COURSE / "course.toml").write_text(text.replace("tokens = 1500", "tokens = 100_000_000"))
        self.settings = Settings(
            home=self.folder / "state",
            port=free_port(set()),
            courses=courses,
            teach=COURSE,
            database=self.postgresql.url if self.postgresql else "",
            demo=False,
        )
        self.state = State(self.settings.home)
        self.state.folder("secrets", mode=0o700)
        self.tokens = {name: secrets.token_hex(32) for name in self.learners}
        self.logs = self.folder / "log"
        self.logs.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """The settings, as the processes read them."""
        changed = self.settings.model_dump(exclude_defaults=True)
        return {f"LABKIT_{name.upper()}": str(value) for name, value in changed.items()}

    def start(self) -> None:
        """Prepares, starts everything, and returns once all answer."""
        if self.postgresql is not None:
            server = self.postgresql
            log = server.folder / "log"
            self.restarter.add(
                Watched("postgresql", server.argv, dict(os.environ), server.answers, log, server.account)
            )
            self.restarter.wait_until_all_answer(60)
            server.create_database()
        migrate(self.settings.database_url)
        self._enrol()
        course = load_course(self.settings.courses, COURSE)
        publish(course, self.state.build)
        gradebook = CourseGradebook(self.state.folder("nbgrader", COURSE, mode=0o700), COURSE)
        gradebook.register(LAB, self.state.build / COURSE / "grader" / LAB / f"{LAB}.ipynb")
        for process in processes(self.settings, self.state):
            if process.name in _NAMES:
                self._add(self._changed(process))
        self.restarter.wait_until_all_answer(90)

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.state.ports()[service]}/services/{service}"

    def end(self) -> None:
        self.restarter.end()
        if self.postgresql is not None:
            self.postgresql.remove()

    def _enrol(self) -> None:
        engine = connect(self.settings.database_url)
        people = [Person(name, f"{name}@example.org", name.title(), "Learner") for name in self.learners]
        provision(engine, people, [Membership(name, "crash", COURSE, "learner") for name in self.learners])
        engine.dispose()

    def _add(self, process: Process) -> None:
        environment = {**clean_environment(process), **self.environment}
        log = self.logs / f"{process.name}.log"
        ready = process.ready
        argv = self.argv.get(process.name, process.argv)
        self.restarter.add(Watched(process.name, argv, environment, lambda: answers(ready), log))

    def _changed(self, process: Process) -> Process:
        if process.name == "gateway":
            config = Path(process.argv[-1])
            table = json.loads(config.read_text())
            config.write_text(json.dumps({**table, "backends": [{"kind": "echo", "model": MODEL}]}))
        if process.name == "hub":
            ours = process.argv[process.argv.index("-f") + 1]
            config = self.folder / "jupyterhub_config.py"
            tokens = {token: name for name, token in self.tokens.items()}
            config.write_text(_HUB_CONFIG.format(ours=ours, tokens=tokens))
            argv = (sys.executable, "-m", "jupyterhub", "-f", str(config))
            return dataclasses.replace(process, argv=argv)
        return process
