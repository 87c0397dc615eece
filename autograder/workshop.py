"""The grader's part of the workshop: checks versions one after the other, and makes releases that were asked for.

A release is built and made known to the gradebook first, then published: what the gradebook refuses (a test added
after learners handed in) is refused before anybody sees it.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.alone import alone
from autograder.gradebook import CourseGradebook
from autograder.proof import Job
from labkit.courses import Course, build
from labkit.courses.overlay import KEPT, overlaid
from labkit.courses.publish import publish
from labkit.errors import AuthorError, LabkitError, OperatorError
from labkit.workshop import Version, Workshop

log = logging.getLogger("labkit.workshop")
_IDLE_SECONDS = 0.5
_CHECK_SECONDS = 3600
_MOST_FOUND = 4 * 2**20
_KEPT_PREVIEWS = 20


@dataclass
class Bench:
    """What checking and releasing need. `lane_url` may be "": then no lab that asks a model can be checked."""

    workshop: Workshop
    build: Path
    gradebooks: Mapping[str, CourseGradebook]
    lane_url: str = ""
    lane_key_file: str = ""

    def check_next(self) -> bool:
        """Checks the version that waits longest; whether there was one."""
        version = self.workshop.take()
        if version is None:
            return False
        try:
            found = self._proof(version)
        except Exception:
            log.exception("Version %s of %s could not be checked", version.number, version.course)
            self.workshop.recover()
            return True
        self.workshop.checked(version, "holds" if found["ok"] else "refused", found)
        return True

    def release_next(self) -> bool:
        """Makes the release that was asked for first; whether there was one."""
        version = self.workshop.take_release()
        if version is None:
            return False
        try:
            with tempfile.TemporaryDirectory() as folder:
                release(self.workshop.export(version, Path(folder)), self.build, self.gradebooks[version.course])
            self.workshop.mark_released(version)
            log.warning("Version %s of %s is released, by %s", version.number, version.course, version.released_by)
        except (AuthorError, OperatorError) as error:
            self.workshop.release_failed(version, str(error))
        except Exception:
            log.exception("Version %s of %s could not be released", version.number, version.course)
            self.workshop.release_failed(version, "The platform had a problem of its own. Try again.")
        return True

    def _proof(self, version: Version) -> dict[str, Any]:
        pages = self._fresh_pages(version)
        with tempfile.TemporaryDirectory() as outer, ExitStack() as stack:
            file, before = Path(outer, "job.json"), self._before(version)
            now = self._whole(version, Path(outer, "now"), stack)
            held = self._whole(before, Path(outer, "before"), stack) if before else ""
            job = Job(version.course, now, held, str(pages), self.lane_url, self.lane_key_file)
            file.write_text(json.dumps(asdict(job)))
            with Path(outer, "found.json").open("w+b") as out:
                command = [sys.executable, "-m", "autograder.proof", str(file)]
                done = subprocess.run(
                    command,
                    stdout=out,
                    stderr=subprocess.PIPE,
                    stdin=subprocess.DEVNULL,
                    timeout=_CHECK_SECONDS,
                    check=False,
                )
                out.seek(0)
                told = out.read(_MOST_FOUND)
        if done.returncode:
            raise LabkitError(f"it ended with {done.returncode}: {done.stderr[-1000:].decode('utf-8', 'replace')}")
        found: dict[str, Any] = json.loads(told)
        return found

    def _whole(self, version: Version, folder: Path, stack: ExitStack) -> str:
        """The folder of courses with the version's text as it would be published, with the site's overlay."""
        course = stack.enter_context(overlaid(self.workshop.export(version, folder), self.build / KEPT))
        return str(course.path.parent)

    def _before(self, version: Version) -> Version | None:
        """The last version before it that holds."""
        earlier = (one for one in self.workshop.versions(version.course) if one.number < version.number)
        return next((one for one in earlier if one.state == "holds"), None)

    def _fresh_pages(self, version: Version) -> Path:
        folder = self.workshop.previews(version)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for old in folder.parent.iterdir():
            if old.name.isdigit() and int(old.name) <= version.number - _KEPT_PREVIEWS:
                shutil.rmtree(old, ignore_errors=True)
        return folder


def release(course: Course, root: Path, gradebook: CourseGradebook) -> None:
    """Publishes the course below `root`, known to its gradebook. Raises AuthorError or OperatorError."""
    with tempfile.TemporaryDirectory() as folder:
        build(course, Path(folder))
        with alone(gradebook.root):
            for lab in course.labs:
                gradebook.register(lab.id, Path(folder, "grader", lab.id, f"{lab.id}.ipynb"), lab.due)
    publish(course, root)


def work(bench: Bench, stop: threading.Event) -> None:
    """Checks until told to stop; a fault of one version is its own."""
    certain = False
    while not stop.is_set():
        try:
            if not certain:
                bench.workshop.recover()
                certain = True
            busy = bench.check_next()
        except Exception:
            log.exception("The workshop met a fault of ours; it goes on")
            busy = certain = False
        if not busy:
            stop.wait(_IDLE_SECONDS)


def follow(bench: Bench, stop: threading.Event) -> None:
    """Releases until told to stop, also while a long check runs."""
    while not stop.is_set():
        try:
            busy = bench.release_next()
        except Exception:
            log.exception("Releases could not be looked at; it is tried again")
            busy = False
        if not busy:
            stop.wait(_IDLE_SECONDS)
