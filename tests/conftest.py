"""Fixtures of more than one room: a database of each kind, and the prepared model."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from labkit.database import connect, migrate

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL of our own on a unix socket, gone afterwards; its URL ends where a database's name belongs."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not binaries:
        pytest.fail('no PostgreSQL server: apt install postgresql, or leave it out with -m "not postgresql"')
    # Not below pytest's own folder: that is closed to other accounts, and a socket's path must be short.
    home = Path(tempfile.mkdtemp(prefix="labkit-pg-"))
    # PostgreSQL refuses to run as root; Debian's package brings an account for it.
    account: dict[str, str] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if account:
        shutil.chown(home, "postgres", "postgres")
    log = (home / "log").open("ab")

    def run(name: str, *arguments: str) -> None:
        command = [str(binaries[-1] / name), *arguments]
        # To a file: pg_ctl's server would keep a pipe open and communicate() would wait for it for ever.
        subprocess.run(command, check=True, cwd=home, stdout=log, stderr=log, **account)  # type: ignore[call-overload]

    data = home / "data"
    run("initdb", "--auth=trust", "--username=labkit", "--encoding=UTF8", "--no-sync", str(data))
    options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
    run("pg_ctl", "start", "-w", "-D", str(data), "-o", options)
    run("createdb", "-h", str(home), "-U", "labkit", "template_labkit")
    try:
        yield f"postgresql+psycopg://labkit@/DATABASE?host={home}"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(data))
        log.close()
        shutil.rmtree(home)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database with our tables, of each kind the platform runs on."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'labkit.db'}"
    else:
        url = _new_database(request.getfixturevalue("postgresql_server"))
    migrate(url)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """On that database."""
    engine = connect(database_url)
    yield engine
    engine.dispose()


def _new_database(server: str) -> str:
    from sqlalchemy import create_engine, text

    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server.replace("DATABASE", "template_labkit"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("DATABASE", name)


@pytest.fixture(scope="session")
def prepared_models(pytestconfig: pytest.Config) -> Path:
    """The folder of the prepared embedded model; made once and kept with pytest's cache."""
    from labkit.models import prepare

    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir("labkit-models"))
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One for the whole run: Playwright's loop cannot be started twice."""
    from playwright.sync_api import expect, sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.fail("no chromium: run `make test`, which installs it")
    expect.set_options(timeout=60_000)  # the machine may be small and busy; nothing here is timed
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--running", help="HOME:PORT of a platform that runs already, for the browser tests")
    parser.addoption("--pictures", help="save the screenshots of the browser tests in this folder")
