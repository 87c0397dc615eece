"""The gateway's process: `python -m labkit.gateway CONFIG.json`.

CONFIG.json: {"port", "prefix", "database_url", "courses", "hub_api_url", "key_secret_file", "grading_key_file",
"timezone", "holder", "scorers", "backend": {"kind", ...what the kind needs}}. It listens on 127.0.0.1.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from labkit.allowance import Ledger
from labkit.courses import load_courses
from labkit.database import connect
from labkit.errors import LabkitError, OperatorError
from labkit.gateway.app import create
from labkit.gateway.backends import open_backend
from labkit.gateway.keys import Keys
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
    backend: dict[str, Any]
    prefix: str = "/services/gateway"
    timezone: str = "Asia/Manila"
    # At its start a gateway gives back what its holder's name still reserves: two on one database need two names.
    holder: str = "gateway"
    scorers: int = 1  # how many grading calls are scored at once: as many as the model process has scorers


def compose(settings: Settings) -> Starlette:
    """The application these settings describe."""
    engine = connect(settings.database_url)
    return create(
        identity=HubTokens(settings.hub_api_url),
        enrolment=Enrolment(engine),
        courses=load_courses(Path(settings.courses)),
        ledger=Ledger(engine, settings.timezone),
        backend=open_backend(settings.backend),
        keys=_keys(settings.key_secret_file),
        grading_key=read_secret(Path(settings.grading_key_file)),
        prefix=settings.prefix,
        holder=settings.holder,
        scorers=settings.scorers,
    )


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
        settings = strict(Settings, read_json(Path(argv[0])), argv[0])
        if settings.scorers < 1:
            raise OperatorError(f"{argv[0]}: scorers is {settings.scorers}.", instead="Write a number above 0.")
        app = compose(settings)
    except LabkitError as error:
        print(error, file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        # Uvicorn raises the signal again once it has stopped; without this we would die of it instead of returning.
        signal.signal(number, lambda *_: None)
    print(f"gateway on 127.0.0.1:{settings.port}{settings.prefix}", flush=True)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
