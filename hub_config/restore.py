"""`labkit restore FILE`: a backup into an empty LABKIT_HOME, whole or not at all.

Everything is checked before anything is written, and written beside LABKIT_HOME before it takes its place. Links are
made last and nothing is written through one; set-uid bits are not in a backup. Owners are kept where root restores.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import IO

from hub_config.archive import Entry, Reader
from hub_config.settings import Settings, read
from labkit import durable
from labkit.database import dump
from labkit.errors import OperatorError

_TABLES = "database"
_TOPS = ("blobs", "training", "workshop", "secrets", "nbgrader", "homes", "models", _TABLES)
_CHUNK = 1 << 20


def restore(argv: list[str]) -> int:
    """Puts a backup into an empty LABKIT_HOME."""
    parser = argparse.ArgumentParser(prog="labkit restore", description=restore.__doc__, allow_abbrev=False)
    parser.add_argument("file", metavar="FILE", type=Path, help="what `labkit backup` has written")
    file = parser.parse_args(argv).file
    settings = read()
    manifest, rows = put_back(settings, file)
    entries = Counter(entry.path.split("/")[0] for entry in manifest if entry.kind == "file")
    told = ", ".join(f"{number} files of {name}" for name, number in sorted(entries.items()) if name != _TABLES)
    print(
        f"Restored into {settings.home}: {sum(rows.values())} rows ({rows.get('submissions', 0)} submissions), {told}."
    )
    print("Start it with: labkit up")
    return 0


def put_back(settings: Settings, file: Path) -> tuple[list[Entry], dict[str, int]]:
    """Restores; gives what the backup held and the number of rows of each table.

    Raises OperatorError, leaving LABKIT_HOME and the database as they were, unless both are empty and FILE is whole.
    """
    home = settings.home
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise OperatorError(
            f"{home} is not empty.", instead="Stop the platform, move the folder away, or set LABKIT_HOME to another."
        )
    reader = Reader(file)
    beside = home.with_name(f".{home.name}.restoring")
    try:
        entries = reader.manifest.entries
        _refuse_strangers(entries)
        shutil.rmtree(beside, ignore_errors=True)
        durable.make_folder(home.parent)
        beside.mkdir(mode=0o700)
        _write(reader, entries, beside)
        tables = {Path(e.path).stem: reader.lines(e) for e in entries if e.path.startswith(f"{_TABLES}/")}
        url = settings.database or f"sqlite:///{beside / 'labkit.sqlite'}"
        rows = dump.load(url, reader.manifest.revision, tables)
        beside.chmod(0o711)
        os.sync()
        beside.rename(home)
        durable.sync_folder(home.parent)
        return entries, rows
    except OSError as error:
        raise OperatorError(f"{home} cannot be written: {error}.", instead="Make room, then restore again.") from error
    finally:
        reader.close()
        shutil.rmtree(beside, ignore_errors=True)


def _refuse_strangers(entries: list[Entry]) -> None:
    for entry in entries:
        top, _, rest = entry.path.partition("/")
        ours = top in _TOPS if rest or entry.kind == "folder" else entry.path == "hub.sqlite"
        if not ours or (entry.kind == "link" and top not in ("homes", "nbgrader")):
            raise OperatorError(f"The backup holds {entry.path!r}, which is no place of ours.", instead="Use another.")


def _write(reader: Reader, entries: list[Entry], beside: Path) -> None:
    """Folders, then files, then links; owners and modes of folders last, so that a closed one does not stop us."""
    kept = [entry for entry in entries if not entry.path.startswith(_TABLES)]
    for entry in kept:
        if entry.kind == "folder":
            (beside / entry.path).mkdir(mode=0o700, parents=True, exist_ok=True)
    for entry in kept:
        if entry.kind == "file":
            path = beside / entry.path
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file, reader.open(entry) as content:
                _copy(content, file, entry)
                _own(file.fileno(), entry)
                os.fchmod(file.fileno(), entry.mode & 0o777)
    for entry in kept:
        if entry.kind == "link":
            (beside / entry.path).symlink_to(entry.target)
            _own(beside / entry.path, entry)
    for entry in sorted(kept, key=lambda one: one.path, reverse=True):
        if entry.kind == "folder":
            _own(beside / entry.path, entry)
            (beside / entry.path).chmod(entry.mode & 0o777)


def _copy(content: IO[bytes], file: IO[bytes], entry: Entry) -> None:
    for offset, length in entry.data if entry.data is not None else ((0, entry.size),):
        file.seek(offset)
        left = length
        while left and (chunk := content.read(min(left, _CHUNK))):
            file.write(chunk)
            left -= len(chunk)
    file.flush()
    os.ftruncate(file.fileno(), entry.size)


def _own(place: int | Path, entry: Entry) -> None:
    if os.geteuid() != 0 or entry.uid < 0:
        return
    if isinstance(place, int):
        os.fchown(place, entry.uid, entry.gid)
    else:
        os.chown(place, entry.uid, entry.gid, follow_symlinks=False)
