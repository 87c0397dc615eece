"""The gateway's process: `python -m labkit.gateway CONFIG.json`.

CONFIG.json: {"port", "prefix", "database_url", "courses", "hub_api_url", "key_secret_file", "grading_key_file",
"timezone", "holder", "scorers", "backends": [{"kind", ...what the kind needs}], "person_tokens", "person_requests",
"at_once", "in_line", "moderation", "strict", "keep_prompts", "metrics_key_file", "build"}. It listens on 127.0.0.1.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from labkit.allowance import Share
from labkit.courses import load_courses
from labkit.courses.taught import Taught
from labkit.database import connect
from labkit.errors import LabkitError, OperatorError
from labkit.gateway import logs
from labkit.gateway.app import Mounted, create
from labkit.gateway.backends import open_backend
from labkit.gateway.front import OwnModels
from labkit.gateway.keys import Keys
from labkit.gateway.metrics import MeteredLedger, Metrics
from labkit.gateway.moderation import open_moderator
from labkit.gateway.queue import FairQueue
from labkit.gateway.serving import serve
from labkit.programme.enrolment import Enrolment
from labkit.programme.identity import HubTokens
from labkit.strict import read_json, read_secret, strict


@dataclass(frozen=True)
class Settings:
    """CONFIG.json."""

    port: int
    database_url: str
    courses: str
    hub_api_url: str
    key_secret_file: str
    grading_key_file: str
    backends: list[dict[str, Any]]
    prefix: str = "/services/gateway"
    timezone: str = "Asia/Manila"
    # At its start a gateway gives back what its holder's name still reserves: two on one database need two names.
    holder: str = "gateway"
    # What a person may use in all labs together each day; 0: no limit.
    person_tokens: int = 0
    person_requests: int = 0
    at_once: int = 2  # how many calls of one learner run at a time
    in_line: int = 8  # how many more of hers may wait
    moderation: dict[str, Any] = field(default_factory=dict)
    strict: bool = False  # an unknown parameter is refused, not left out with a warning
    keep_prompts: bool = False  # what is asked and answered is kept, not only its digest
    metrics_key_file: str = ""  # whoever holds this key reads PREFIX/metrics; without one nobody does
    build: str = ""  # where courses are published; a release there is followed
    scorers: int = 1  # how many grading calls are scored at once: as many as the model process has scorers


def compose(settings: Settings, mounted: Sequence[Mounted] = (), adapters: OwnModels | None = None) -> Starlette:
    """The application these settings describe, with what other rooms mount in it."""
    engine = connect(settings.database_url)
    courses = load_courses(Path(settings.courses))
    metrics = Metrics(read_secret(Path(settings.metrics_key_file)) if settings.metrics_key_file else "")
    return create(
        identity=HubTokens(settings.hub_api_url),
        enrolment=Enrolment(engine),
        courses=Taught(Path(settings.build), courses) if settings.build else courses,
        engine=engine,
        ledger=MeteredLedger(engine, settings.timezone, metrics),
        backends=[open_backend(one) for one in settings.backends],
        keys=_keys(settings.key_secret_file),
        grading_key=read_secret(Path(settings.grading_key_file)),
        prefix=settings.prefix,
        holder=settings.holder,
        scorers=settings.scorers,
        digest_key=read_secret(Path(settings.key_secret_file)),
        person=Share(settings.person_tokens or None, settings.person_requests or None),
        queue=FairQueue(settings.at_once, settings.in_line),
        moderator=open_moderator(settings.moderation),
        strict=settings.strict,
        keeps_prompts=settings.keep_prompts,
        metrics=metrics,
        mounted=mounted,
        adapters=adapters,
    )


def _check(settings: Settings, where: str) -> None:
    for name in ("scorers", "at_once", "in_line"):
        if getattr(settings, name) < 1:
            raise OperatorError(f"{where}: {name} is {getattr(settings, name)}.", instead="Write a number above 0.")
    if not settings.backends:
        raise OperatorError(f"{where}: there are no backends.", instead='Write "backends": [{"kind": ...}].')


def _keys(file: str) -> Keys:
    try:
        return Keys(read_secret(Path(file)))
    except ValueError as error:
        raise OperatorError(f"{file}: {error}.", instead="Write a longer random text into it.") from error


def main(argv: list[str]) -> int:
    """Serves until SIGTERM or SIGINT; 2 when the settings are wrong."""
    if len(argv) != 1:
        print("usage: python -m labkit.gateway CONFIG.json", file=sys.stderr)
        return 2
    try:
        settings = read(read_json(Path(argv[0])), argv[0])
        app = compose(settings)
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    return run(app, settings)


def read(table: Mapping[str, Any], where: str) -> Settings:
    """Raises OperatorError for what is unknown or wrong in it."""
    settings = strict(Settings, table, where)
    _check(settings, where)
    return settings


def run(app: Starlette, settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT."""
    print(f"gateway on 127.0.0.1:{settings.port}{settings.prefix}", flush=True)
    logs.set_up()
    serve(app, settings.port)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
