"""Everything of one person in one zip, hers to take with her (RA 10173, sections 16 and 18).

Rows of every table in the registry, then what each holding gives. No secret is in it: which columns are left out, and
why, stands in their place. Written beside the file and put in its place whole, readable by its owner alone.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from sqlalchemy import Engine

from labkit.database.dump import moment
from labkit.database.tables import metadata
from labkit.errors import OperatorError
from labkit.programme.people import Person, person
from labkit.programme.privacy.entry import of
from labkit.programme.privacy.holding import Holding
from labkit.programme.privacy.readme import readme
from labkit.programme.privacy.registry import BY_TABLE

_PIECE = 1 << 20


def export(engine: Engine, username: str, holdings: Sequence[Holding], out: Path) -> int:
    """Writes `username`'s data to the zip `out`; gives the number of files in it. Raises OperatorError for nobody."""
    whose = person(engine, username) if "\0" not in username else None
    if whose is None:
        raise OperatorError(f"Nobody is called {username!r}.", instead="The roster knows who there is.")
    part = out.with_name(f".{out.name}.part")
    part.unlink(missing_ok=True)
    part.touch(0o600, exist_ok=False)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            writer = _Writer(archive)
            writer.add("README.txt", readme(whose).encode())
            _rows(engine, whose, writer)
            for holding in holdings:
                for path, content in holding.export(username):
                    writer.add(path, content)
        part.rename(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return writer.number


def _rows(engine: Engine, whose: Person, writer: _Writer) -> None:
    with moment(engine) as connection:
        for table in sorted(metadata.tables.values(), key=lambda one: one.name):
            if rows := of(connection, table, BY_TABLE[table.name], whose):
                text = json.dumps(rows, default=_plain, ensure_ascii=False, indent=1, sort_keys=True)
                writer.add(f"rows/{table.name}.json", f"{text}\n".encode())


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class _Writer:
    """Puts files into the zip under names that stay below the folder it is unpacked in, each once."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, self._taken = archive, set[str]()
        self._at = datetime.now(UTC).timetuple()[:6]

    @property
    def number(self) -> int:
        return len(self._taken)

    def add(self, path: str, content: bytes | IO[bytes]) -> None:
        about = zipfile.ZipInfo(self._free(_safe(path)), self._at)
        about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        if isinstance(content, bytes):
            self._archive.writestr(about, content)
        else:
            with self._archive.open(about, "w", force_zip64=True) as target:
                shutil.copyfileobj(content, target, _PIECE)

    def _free(self, path: str) -> str:
        """Two names that are one once they can be written are told apart."""
        free, number = path, 2
        while free in self._taken:
            free, number = f"{path}~{number}", number + 1
        self._taken.add(free)
        return free


def _safe(path: str) -> str:
    named = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "_")
    if PurePosixPath(named).is_absolute() or ".." in PurePosixPath(named).parts:
        raise ValueError(f"{path!r} would leave the export")
    return named
