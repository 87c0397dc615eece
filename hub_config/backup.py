"""`labkit backup FILE`: everything that must be kept, in one file, while the platform is in use.

database/TABLE.jsonl     our database, all of one moment
hub.sqlite               JupyterHub's tables, by SQLite's own way to copy a database in use
nbgrader/                gradebooks likewise; the folders formgrader shows
workshop/                versions of courses' texts, and what learners would see of them (likewise)
blobs/                   what learners handed in (kept before the database knows of it, so nothing is missing)
training/                what learners train on, what came out, and where a training goes on
homes/                   learners' files as they are found; one that changes meanwhile may be torn, and one that
                         cannot be read is left out
secrets/                 so the file opens everything: it is its owner's alone, keep it so
models/*.json            which models they were, and who accepted which terms

Models, built courses, logs and what one run writes are not in it: they are made again.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from hub_config.archive import Entry, Manifest, Writer
from hub_config.settings import Settings, read
from hub_config.state import State
from labkit import durable
from labkit.database import connect
from labkit.database.dump import dump, moment, revision
from labkit.errors import OperatorError

LAST = "last-backup.json"
# Of the models, what a fetch cannot make again.
_OF_MODELS = ("models/lock.json", "models/terms.json")
# What grows while it is read: SQLite's own files are taken as databases or not at all.
_JOURNALS = ("-wal", "-shm", "-journal")


def backup(argv: list[str]) -> int:
    """Writes everything that must be kept into FILE, also while the platform is in use."""
    parser = argparse.ArgumentParser(prog="labkit backup", description=backup.__doc__, allow_abbrev=False)
    parser.add_argument("file", metavar="FILE", type=Path, help="a .tar; readable by you alone, keep it so")
    file = parser.parse_args(argv).file.absolute()
    settings = read()
    rows, size = write(settings, file)
    print(f"{file}: {size / 2**20:.1f} MB, {rows} rows. It holds every secret: keep it where only you can read it.")
    return 0


def write(settings: Settings, file: Path) -> tuple[int, int]:
    """Writes the backup; gives the number of our database's rows and the file's bytes.

    Raises OperatorError where there is nothing to back up or no room; FILE is then as it was before.
    """
    if not settings.home.is_dir():
        raise OperatorError(
            f"There is nothing at {settings.home}.", instead="Set LABKIT_HOME to the platform's folder."
        )
    if file.resolve().is_relative_to(settings.home):
        raise OperatorError(f"{file} is inside what it is to keep.", instead="Name a file on another disk.")
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as out:
            rows = _fill(settings, out)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        part.rename(file)
        durable.sync_folder(file.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OperatorError(
            f"The backup {file} failed: {error}.", instead="Name a file on a disk with room."
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "file": str(file), "bytes": size}
    durable.write(settings.home / LAST, json.dumps(about).encode(), 0o600)
    return rows, size


def _fill(settings: Settings, out: IO[bytes]) -> int:
    home, engine = State(settings.home).home, connect(settings.database_url)
    rows = 0
    try:
        with moment(engine) as connection:
            began = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(version("labkit-platform"), began, list(revision(connection)))
            if not manifest.revision:
                raise OperatorError("The database has no tables yet.", instead="Start the platform once: labkit up")
            writer = Writer(out, manifest)
            for name, lines in dump(connection):
                rows += writer.add_lines(f"database/{name}.jsonl", lines)
    finally:
        engine.dispose()
    if (home / "hub.sqlite").exists():
        _add_database(writer, home, "hub.sqlite")
    # Work handed in is on the disk before the database knows of it: read afterwards, nothing is missing.
    for top in ("blobs", "training", "workshop", "secrets", "nbgrader", "homes"):
        for entry, content in walk(home, top):
            if content is None:
                writer.note(entry)
            elif top == "nbgrader" and entry.path.endswith("/gradebook.db"):
                _add_database(writer, home, entry.path, entry)
            elif not (top == "nbgrader" and entry.path.endswith(_JOURNALS)):
                writer.add(entry, content)
    for entry, content in walk(home, "models"):
        if content is not None and entry.path in _OF_MODELS:
            writer.add(entry, content)
        elif entry.path == "models" and any((home / name).exists() for name in _OF_MODELS):
            writer.note(entry)
    writer.finish()
    return rows


def walk(home: Path, top: str) -> Iterator[tuple[Entry, IO[bytes] | None]]:
    """Everything below `home/top`, folders first; a file comes with its content.

    No link is ever followed, also not one that is put in a folder's place meanwhile: each folder is opened by the one
    before it. Sockets, pipes and devices are left out, and so is what disappears while we look.
    """
    if not (home / top).is_dir() or (home / top).is_symlink():
        return
    for folder, folders, files, descriptor in os.fwalk(home / top, follow_symlinks=False):
        here = Path(folder).relative_to(home).as_posix()
        folders.sort()
        files.sort()
        yield _entry(here, "folder", os.fstat(descriptor)), None
        for name in (*folders, *files):
            try:
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    target = os.readlink(name, dir_fd=descriptor)
                    yield _entry(f"{here}/{name}", "link", found, target=target), None
                elif stat.S_ISREG(found.st_mode) and not _is_half_written(top, name):
                    with _opened(name, descriptor) as content:
                        yield _file_entry(f"{here}/{name}", content), content
            except OSError as error:
                # A learner may close a file of hers to an account that is her own; that must not stop the backup.
                if error.errno not in _CHANGED and not (top == "homes" and error.errno == errno.EACCES):
                    raise


# What a name answers that was something else a moment ago: it is gone, a link, no folder, a device nobody serves.
_CHANGED = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO)


def _opened(name: str, folder: int) -> IO[bytes]:
    """A file, if it still is one: whatever took its place is neither followed nor waited for."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "no file any more", name)
    return os.fdopen(descriptor, "rb")


def _is_half_written(top: str, name: str) -> bool:
    return top == "blobs" and name.startswith(".")


def _entry(path: str, kind: str, found: os.stat_result, target: str = "") -> Entry:
    return Entry(
        path, kind, mode=stat.S_IMODE(found.st_mode) & 0o777, uid=found.st_uid, gid=found.st_gid, target=target
    )


def _file_entry(path: str, content: IO[bytes]) -> Entry:
    found = os.fstat(content.fileno())
    entry = _entry(path, "file", found)
    sparse = found.st_blocks * 512 < found.st_size
    return Entry(**{**vars(entry), "size": found.st_size, "data": _data(content, found.st_size) if sparse else None})


def _data(content: IO[bytes], size: int) -> tuple[tuple[int, int], ...]:
    """Where a sparse file holds data: (offset, length) of each part."""
    parts, at = [], 0
    while at < size:
        try:
            first = os.lseek(content.fileno(), at, os.SEEK_DATA)
        except OSError:  # nothing but a hole up to the end
            break
        at = min(os.lseek(content.fileno(), first, os.SEEK_HOLE), size)
        if first >= size:
            break
        parts.append((first, at - first))
    return tuple(parts)


def _add_database(writer: Writer, home: Path, path: str, entry: Entry | None = None) -> None:
    """A SQLite database in use, copied page by page under SQLite's own locks."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
        source = sqlite3.connect(f"{(home / path).as_uri()}?mode=ro", uri=True, timeout=30)
        target = sqlite3.connect(copy.name)
        try:
            source.backup(target)
        finally:
            source.close()
            target.close()
        size = Path(copy.name).stat().st_size
        about = entry or Entry(path, "file", mode=0o600)
        with Path(copy.name).open("rb") as content:
            writer.add(Entry(**{**vars(about), "size": size, "data": None}), content)
