"""Composition root of the submissions process: `python -m labkit.submissions CONFIG.json`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from labkit.courses import load_courses
from labkit.courses.taught import Taught
from labkit.database import connect
from labkit.programme.enrolment import Enrolment
from labkit.programme.identity import HubTokens
from labkit.programme.people import person
from labkit.strict import read_json, strict
from labkit.submissions.app import Service, create
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.release import Releases
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store
from labkit.workshop import Workshop, app


@dataclass(frozen=True)
class Config:
    port: int
    database_url: str
    hub_api_url: str
    courses: str
    build: str
    blobs: str
    receipt_key_file: str
    workshop: str


def service(config: Config) -> Service:
    engine = connect(config.database_url)
    signer = Signer(Path(config.receipt_key_file))

    def language(username: str) -> str:
        found = person(engine, username)
        return found.language if found else "en"

    return Service(
        identity=HubTokens(config.hub_api_url),
        enrolment=Enrolment(engine),
        language=language,
        courses=Taught(Path(config.build), load_courses(Path(config.courses))),
        releases=Releases(Path(config.build)),
        store=Store(engine, Blobs(Path(config.blobs)), signer),
        scores=Scores(engine),
        signer=signer,
    )


def main() -> None:
    config = strict(Config, read_json(Path(sys.argv[1])), sys.argv[1])
    ours = service(config)
    workshop = app.Service(ours.identity, ours.enrolment, Workshop(connect(config.database_url), Path(config.workshop)))
    uvicorn.run(create(ours, beside=app.routes(workshop)), host="127.0.0.1", port=config.port, log_level="warning")


if __name__ == "__main__":
    main()
