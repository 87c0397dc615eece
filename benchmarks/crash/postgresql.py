"""A PostgreSQL server of our own, with fsync on, whose postmaster is one of the processes to be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from labkit.errors import OperatorError


@dataclass(frozen=True)
class Server:
    """`folder` holds the data and the socket; it is outside anybody's home, since the account `postgres` reads it."""

    folder: Path
    programs: Path

    @classmethod
    def make(cls) -> Server:
        """Makes the data folder. Raises OperatorError where Debian's package is missing."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        if not found:
            raise OperatorError("There is no PostgreSQL server.", instead="apt install postgresql")
        folder = Path(tempfile.mkdtemp(prefix="labkit-crash-pg-", dir="/tmp"))
        server = cls(folder, found[-1])
        if server.account:
            shutil.chown(folder, "postgres", "postgres")
        options = ("--auth=trust", "--username=labkit", "--encoding=UTF8", "--no-sync")
        command = [str(server.programs / "initdb"), *options, str(folder / "data")]
        subprocess.run(command, check=True, cwd=folder, capture_output=True, **server.account)  # type: ignore[call-overload]
        return server

    @property
    def account(self) -> Mapping[str, str]:
        """PostgreSQL refuses to run as root; Debian's package brings an account for it."""
        return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}

    @property
    def argv(self) -> tuple[str, ...]:
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=on", "max_connections=60")
        return (str(self.programs / "postgres"), "-D", str(self.folder / "data"), *_each("-c", settings))

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://labkit@/labkit?host={self.folder}"

    def answers(self) -> bool:
        command = [str(self.programs / "pg_isready"), "-q", "-h", str(self.folder), "-U", "labkit"]
        return subprocess.run(command, check=False).returncode == 0

    def create_database(self) -> None:
        engine = create_engine(self.url.replace("/labkit?", "/postgres?"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE labkit"))
        engine.dispose()

    def backends(self, postmaster: int) -> list[int]:
        """The processes that serve one connection each."""
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        try:
            pids = [int(pid) for pid in children.read_text().split()]
            return [pid for pid in pids if b"postgres: labkit" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        except OSError:
            return []

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _each(option: str, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))
