"""Whether every part of a running platform works, for the status page and for `labkit health`.

All parts are asked at once, each for at most some seconds, and none can make the others fail. What this does not
cover: whether a learner's server starts, and whether a model's answers make sense.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import make_url

from hub_config.backup import LAST
from hub_config.processes import answers
from hub_config.settings import Settings, read
from hub_config.state import State
from labkit.database import connect, reading
from labkit.database.tables import scores, submissions
from labkit.pages.site import Part

# Where the supervisor writes down, at a start, the address at which each process answers: {name: address}.
READY = "ready.json"
_PATIENCE_SECONDS = 5.0
_LEAST_FREE_MB = 1_000
_LONGEST_WAIT = timedelta(minutes=15)
_OLDEST_BACKUP = timedelta(days=7)
_CERTIFICATE_LEFT = timedelta(days=14)
_MB = 1 << 20

Probe = Callable[[], tuple[bool, str]]


def health(argv: list[str]) -> int:
    """Says of each part whether it works; exit code 1 if one does not."""
    parser = argparse.ArgumentParser(prog="labkit health", description=health.__doc__, allow_abbrev=False)
    parser.add_argument("--json", action="store_true")
    arguments, settings = parser.parse_args(argv), read()
    parts = asyncio.run(PlatformHealth(settings, State(settings.home)).parts())
    working = all(part.working for part in parts)
    if arguments.json:
        print(json.dumps({"working": working, "parts": [asdict(part) for part in parts]}))
    else:
        width = max(len(part.name) for part in parts)
        for part in parts:
            print(f"{'ok ' if part.working else 'BAD'}  {part.name:<{width}}  {part.detail}")
    return 0 if working else 1


class PlatformHealth:
    """`patience` is how long a part may take to answer, in seconds."""

    def __init__(self, settings: Settings, state: State, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._settings, self._state, self._patience = settings, state, patience

    async def parts(self) -> Sequence[Part]:
        """Never raises: what cannot be found out is a part that does not work."""
        probes = self._probes()
        return await asyncio.gather(*(self._ask(name, probe) for name, probe in probes.items()))

    async def _ask(self, name: str, probe: Probe) -> Part:
        try:
            working, detail = await asyncio.wait_for(_in_a_thread(probe), self._patience)
        except TimeoutError:
            return Part(name, False, f"no answer within {self._patience:g} s")
        except Exception as error:
            # The class alone: a database's own words may hold its address and more.
            return Part(name, False, f"could not be asked ({type(error).__name__})")
        return Part(name, working, detail)

    def _probes(self) -> dict[str, Probe]:
        probes: dict[str, Probe] = {**self._processes()}
        probes["database"] = self._database
        probes["disk"] = self._disk
        probes["grading queue"] = self._queue
        probes["grading faults"] = self._faults
        probes["gradebook"] = self._gradebook
        probes["backup"] = self._backup
        if self._settings.tls_cert:
            probes["certificate"] = self._certificate
        return probes

    def _processes(self) -> dict[str, Probe]:
        try:
            table = json.loads((self._state.home / "run" / READY).read_text())
            return {str(name): _answering(str(address)) for name, address in table.items()}
        except (OSError, ValueError, AttributeError):
            return {"processes": lambda: (False, "the platform does not run: labkit up")}

    def _database(self) -> tuple[bool, str]:
        with _opened(self._settings) as engine, reading(engine) as connection:
            if engine.dialect.name == "postgresql":
                size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
            else:
                connection.execute(text("SELECT 1"))
                size = Path(str(engine.url.database)).stat().st_size
            return True, f"{engine.dialect.name}, {size / _MB:.1f} MB"

    def _disk(self) -> tuple[bool, str]:
        free = shutil.disk_usage(self._settings.home).free // _MB
        return free >= _LEAST_FREE_MB, f"{free} MB free, at least {_LEAST_FREE_MB} are needed"

    def _queue(self) -> tuple[bool, str]:
        waiting = submissions.c.state.in_(("queued", "grading"))
        query = select(func.count(), func.min(submissions.c.received_at)).where(waiting)
        with _opened(self._settings) as engine, reading(engine) as connection:
            number, oldest = connection.execute(query).one()
        if not number:
            return True, "nothing waits"
        waits = datetime.now(UTC) - oldest
        return waits < _LONGEST_WAIT, f"{number} wait, the oldest for {_said(waits)}"

    def _faults(self) -> tuple[bool, str]:
        query = select(func.count()).select_from(submissions).where(submissions.c.state == "fault")
        with _opened(self._settings) as engine, reading(engine) as connection:
            number = connection.execute(query).scalar_one()
        return number == 0, f"{number} submissions; the grader's log says why" if number else "none"

    def _gradebook(self) -> tuple[bool, str]:
        """Scores that learners see and nbgrader does not yet: waiting is usual for seconds, not for a quarter hour."""
        unwritten = (submissions.c.written.is_(False), submissions.c.state == "graded")
        query = select(func.count(), func.min(scores.c.graded_at)).join_from(submissions, scores).where(*unwritten)
        with _opened(self._settings) as engine, reading(engine) as connection:
            number, oldest = connection.execute(query).one()
        if not number:
            return True, "has every score"
        waits = datetime.now(UTC) - oldest
        detail = f"{number} scores wait to be written into it, the oldest for {_said(waits)}; the grader's log says why"
        return waits < _LONGEST_WAIT, detail

    def _backup(self) -> tuple[bool, str]:
        file = self._settings.home / LAST
        if not file.exists():
            return self._settings.demo, "none yet: labkit backup FILE"
        last = json.loads(file.read_text())
        age = datetime.now(UTC) - datetime.fromisoformat(last["at"])
        return age < _OLDEST_BACKUP, f"{_said(age)} old, {last['file']}"

    def _certificate(self) -> tuple[bool, str]:
        assert self._settings.tls_cert is not None
        # The first of the chain is the site's own.
        certificate = x509.load_pem_x509_certificates(self._settings.tls_cert.read_bytes())[0]
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        if left < timedelta(0):
            return False, f"ended {_said(-left)} ago"
        return left > _CERTIFICATE_LEFT, f"ends in {_said(left)}"


@contextmanager
def _opened(settings: Settings) -> Iterator[Engine]:
    """An engine for one question."""
    url = settings.database_url
    # Without this SQLite would make an empty database where there is none.
    if make_url(url).get_backend_name() == "sqlite" and not Path(str(make_url(url).database)).exists():
        raise FileNotFoundError(url)
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


async def _in_a_thread(probe: Probe) -> tuple[bool, str]:
    """In a thread of its own: a pool's few threads would all wait for the silent ones, and so would our end."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[tuple[bool, str]] = loop.create_future()

    def tell(found: tuple[bool, str] | Exception) -> None:
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        try:
            found: tuple[bool, str] | Exception = probe()
        except Exception as error:
            found = error
        try:
            loop.call_soon_threadsafe(tell, found)
        except RuntimeError:
            pass  # nobody waits any more

    threading.Thread(target=ask, daemon=True).start()
    return await answer


def _answering(address: str) -> Probe:
    return lambda: (True, "answers") if answers(address) else (False, "does not answer")


def _said(span: timedelta) -> str:
    """A span in its largest unit."""
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if span.total_seconds() >= 2 * seconds:
            return f"{span.total_seconds() // seconds:.0f} {unit}"
    return f"{max(0, span.total_seconds()):.0f} seconds"
