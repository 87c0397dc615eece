"""Composition root of the grading process: `python -m autograder.worker CONFIG.json`.

Some threads grade what waits in the queue; a small HTTP service grades for formgrader's Autograde button.
"""

from __future__ import annotations

import hmac
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autograder import workshop as workshop_bench
from autograder.gateway_lane import GatewayLane
from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.recordings import Identity, RecordedLane
from autograder.warm import Warm
from autograder.workshop import Bench
from labkit.courses.publish import published
from labkit.courses.taught import Taught
from labkit.database import connect
from labkit.errors import OperatorError
from labkit.strict import read_json, read_secret, strict
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store
from labkit.workshop import Workshop

log = logging.getLogger("labkit.grader")
_IDLE_SECONDS = 0.5
_LOOK_SECONDS = 15.0  # so often it is asked whether somebody died over a submission


@dataclass(frozen=True)
class Config:
    """CONFIG.json; every path is absolute."""

    port: int
    key_file: str
    database_url: str
    courses: str
    taught: list[str]
    build: str
    nbgrader: str
    blobs: str
    receipt_key_file: str
    lane_url: str
    lane_key_file: str
    draw_key_file: str
    workers: int = 2  # how many submissions are graded at once
    workshop: str = ""  # where versions of courses' texts are; without it none is checked or released


def compose(config: Config) -> Grader:
    engine, build = connect(config.database_url), Path(config.build)
    gateway = GatewayLane(config.lane_url, read_secret(Path(config.lane_key_file)))
    return Grader(
        engine=engine,
        courses=Taught(build, [published(build, name) for name in config.taught]).by_id,
        build=build,
        gradebooks={name: CourseGradebook(Path(config.nbgrader) / name, name) for name in config.taught},
        store=Store(engine, Blobs(Path(config.blobs)), Signer(Path(config.receipt_key_file))),
        queue=Queue(engine),
        scores=Scores(engine),
        lane=RecordedLane(gateway, engine, Identity(gateway.identity, engine)),
        warm=Warm(),
        secret=read_secret(Path(config.draw_key_file)).encode(),
    )


def work(grader: Grader, stop: threading.Event) -> None:
    """Grades until told to stop; a submission's failure is its own, never the queue's.

    Where the database was away, nobody knows what is marked as being graded: all of it is taken up again, as at a
    start, once the database answers.
    """
    certain, looked = False, time.monotonic()
    while not stop.is_set():
        try:
            if not certain:
                _take_up(grader)
                certain = True
            if time.monotonic() - looked > _LOOK_SECONDS:
                grader.take_back()
                looked = time.monotonic()
            busy = grader.grade_next()
        except Exception:
            log.exception("The grading loop met a fault of ours; it goes on")
            busy = certain = False
        if not busy:
            stop.wait(_IDLE_SECONDS)


def _take_up(grader: Grader) -> None:
    again = grader.recover()
    if again:
        log.warning("%d submissions were being graded when the last run ended; they are graded again", again)


def follow(grader: Grader, stop: threading.Event) -> None:
    """Brings grades given by hand to the learners' totals, also while a long grading runs."""
    while not stop.wait(_IDLE_SECONDS * 2):
        try:
            grader.read_manual_grades()
        except Exception:
            log.exception("Grades given by hand could not be read; it is tried again")


def service(grader: Grader, key: str) -> Starlette:
    """What formgrader's Autograde button asks: the same grading, without the queue."""

    async def grade(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            return JSONResponse({"error": "This is not for you."}, status_code=401)
        body = json.loads(await request.body())
        report = await run_in_threadpool(
            grader.grade_by_hand, body["course"], body["lab"], body["learner"], body["notebook"].encode()
        )
        return JSONResponse(report.to_json())

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/grade", grade, methods=["POST"]), Route("/health", health)])


def main() -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    if len(sys.argv) != 2:
        print("usage: python -m autograder.worker CONFIG.json", file=sys.stderr)
        return 2
    try:
        config = strict(Config, read_json(Path(sys.argv[1])), sys.argv[1])
        grader = compose(config)
    except OperatorError as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    _start(grader, config.workers, stop)
    if config.workshop:
        _open_workshop(grader, config, stop)
    app = service(grader, read_secret(Path(config.key_file)))
    uvicorn.run(app, host="127.0.0.1", port=config.port, log_level="warning", timeout_graceful_shutdown=1)
    stop.set()
    grader.warm.close()
    return 0


def _start(grader: Grader, workers: int, stop: threading.Event) -> None:
    """The threads of this process. Zygotes are started ahead, so that a day's first learner does not wait for them.

    Where there are several, one never takes what waits for the model: whoever hands in hears within seconds what needs
    none, however many minutes of the model's work are waiting.
    """
    profiles = sorted({lab.profile for course in grader.courses.values() for lab in course.labs})
    each = [replace(grader, queue=Queue(grader.engine), fresh=place == 1) for place in range(workers)]
    tasks: list[tuple[Callable[..., None], tuple[object, ...]]] = [(work, (one, stop)) for one in each]
    tasks += [(follow, (grader, stop)), (_boot, (grader, profiles))]
    for task, words in tasks:
        threading.Thread(target=task, args=words, name=task.__name__, daemon=True).start()


def _open_workshop(grader: Grader, config: Config, stop: threading.Event) -> None:
    workshop = Workshop(grader.engine, Path(config.workshop))
    bench = Bench(workshop, grader.build, grader.gradebooks, config.lane_url, config.lane_key_file)
    for name, task in (("checks", workshop_bench.work), ("releases", workshop_bench.follow)):
        threading.Thread(target=task, args=(bench, stop), name=name, daemon=True).start()


def _boot(grader: Grader, profiles: Sequence[str]) -> None:
    for profile in profiles:
        try:
            grader.warm.boot(profile)
        except Exception:
            log.exception("The %s zygote did not start; it is tried again with the next submission", profile)


if __name__ == "__main__":
    sys.exit(main())
