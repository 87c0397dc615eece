"""Everything a run needs before its processes start. Each step is safe to repeat and picks up a half-finished one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import OperationalError

from autograder.gradebook import CourseGradebook
from hub_config import demonstration
from hub_config.demonstration import ROLES
from hub_config.serving import read_serving
from hub_config.settings import Settings
from hub_config.state import State, is_free
from labkit.courses import Course, load_course
from labkit.courses.overlay import put
from labkit.courses.publish import publish, published
from labkit.database import connect, migrate
from labkit.errors import OperatorError, PlatformFault
from labkit.models import embedded
from labkit.programme import links
from labkit.programme.people import person
from labkit.sandbox import Sandbox
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.release import Releases
from labkit.submissions.store import Store
from labkit.workshop import Workshop

Tell = Callable[[str], None]
_NEEDED_MB = 2_000


def check_machine(settings: Settings) -> None:
    """Raises OperatorError for what would stop us later: a course, a setting, a port, the disk, a program."""
    for name in settings.taught:
        load_course(settings.courses, name)
    read_serving(settings.serving)
    settings.home.mkdir(parents=True, exist_ok=True)
    if not os.access(settings.home, os.W_OK):
        raise OperatorError(f"{settings.home} cannot be written.", instead="Set LABKIT_HOME to a folder of yours.")
    if not is_free(settings.port, settings.address):
        raise OperatorError(
            f"Port {settings.port} is in use.",
            instead=f"End what uses it, or choose another: LABKIT_PORT={settings.port + 1} make up",
        )
    free = shutil.disk_usage(settings.home).free // 2**20
    if free < _NEEDED_MB and not (settings.home / "models" / embedded.MODEL_ID).exists():
        raise OperatorError(
            f"The disk of {settings.home} has {free} MB left; the first start needs {_NEEDED_MB} MB.",
            instead="Make room, or set LABKIT_HOME to a folder on another disk.",
        )
    if settings.servers == "unsandboxed" and os.geteuid() == 0:
        raise OperatorError(
            "LABKIT_SERVERS=unsandboxed would run learners' notebooks as root.",
            instead="Start as an ordinary account, or leave LABKIT_SERVERS out.",
        )
    Sandbox().argv(["true"])  # refuses, saying why, where learners' code could not be held
    settings.home.chmod(0o711)


def prepare(settings: Settings, state: State, tell: Tell) -> None:
    """Database, model, courses, gradebooks, demonstration cohort."""
    tell("Bringing the database up to date")
    try:
        migrate(settings.database_url)
    except OperationalError as error:
        raise OperatorError(f"The database does not answer: {error.orig}.", instead="Check LABKIT_DATABASE.") from None
    embedded.prepare(state.models, tell)
    courses = _publish(settings, state, tell)
    for course in courses:
        _register(course, state, tell)
    if settings.demo:
        # With the answers kept beside the labs, which are not published.
        _demonstrate(settings, state, [load_course(settings.courses, name) for name in settings.taught], tell)


def sign_in_links(settings: Settings) -> dict[str, str]:
    """A fresh one-time link for each role of the demonstration cohort; whoever was erased gets none."""
    engine = connect(settings.database_url)
    try:
        there = {role: [one for one in some if person(engine, one.username)] for role, some in ROLES.items()}
        return {
            role: f"{settings.url}/hub/link/{links.issue(engine, some[0].username)}"
            for role, some in there.items()
            if some
        }
    finally:
        engine.dispose()


def _publish(settings: Settings, state: State, tell: Tell) -> list[Course]:
    """Every course that is taught, built anew: from the folder of courses, or, once a version was released in the
    workshop, from that version."""
    engine = connect(settings.database_url)
    try:
        workshop = Workshop(engine, state.workshop)
        put(settings.overlay, state.build)
        for name in settings.taught:
            tell(f"Building the course {name}")
            with tempfile.TemporaryDirectory() as folder:
                publish(_text(workshop, load_course(settings.courses, name), Path(folder), tell), state.build)
    finally:
        engine.dispose()
    return [published(state.build, name) for name in settings.taught]


def _text(workshop: Workshop, ours: Course, folder: Path, tell: Tell) -> Course:
    released = workshop.released(ours.id)
    try:
        workshop.follow(ours)
    except (OperatorError, PlatformFault) as error:
        tell(f"Nobody can write {ours.id} in the browser: {error}")
    if released is None:
        return ours
    tell(
        f"{ours.id} is version {released.number} of the workshop; {ours.path} is not read any more. "
        f"labkit courses versions {ours.id} says more"
    )
    return workshop.export(released, folder)


def _register(course: Course, state: State, tell: Tell) -> None:
    gradebook = CourseGradebook(state.folder("nbgrader", course.id, mode=0o700), course.id)
    for lab in course.labs:
        if gradebook.register(lab.id, state.build / course.id / "grader" / lab.id / f"{lab.id}.ipynb", lab.due):
            tell(f"Registered {course.id}/{lab.id} in the gradebook")


def _demonstrate(settings: Settings, state: State, courses: list[Course], tell: Tell) -> None:
    engine = connect(settings.database_url)
    signer = Signer(state.home / "secrets" / "receipts.pem")
    try:
        if demonstration.create(engine, courses):
            tell("Creating a demonstration cohort")
            store = Store(engine, Blobs(state.folder("blobs", mode=0o700)), signer)
            demonstration.hand_in(store, Releases(state.build), courses)
    finally:
        engine.dispose()
