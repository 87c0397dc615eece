"""A roster from a file, whatever kind it is: CSV with our columns, or a OneRoster bundle (a zip or a folder)."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import Path

from labkit.errors import OperatorError
from labkit.programme.roster import oneroster, read
from labkit.programme.roster.decode import MOST_BYTES
from labkit.programme.roster.mistake import Mistake
from labkit.programme.roster.read import Contents
from labkit.programme.roster.said import say

_MOST_FILES = 64


def load(path: Path) -> Contents:
    """Raises OperatorError for a path that cannot be read."""
    try:
        if path.is_dir():
            files = {one.name: _bounded(one) for one in sorted(path.glob("*.csv"))}
            return oneroster.read(path.name, files)
        return of_bytes(path.name, _bounded(path))
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.", instead="Name a file you can read.") from None


def of_bytes(name: str, content: bytes) -> Contents:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return read.read(name, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            return _unpacked(name, content, bundle)
    except (
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
    ) as error:
        return _refused(
            name,
            say("This zip cannot be opened: %(why)s.", why=str(error)),
            say("Pack the bundle again, without a password."),
        )


def _unpacked(name: str, content: bytes, bundle: zipfile.ZipFile) -> Contents:
    entries = [one for one in bundle.infolist() if one.filename.endswith(".csv")]
    if not any(Path(one.filename).name == "manifest.csv" for one in entries):
        return read.read(name, content)  # a workbook is a zip too; it says what to do
    if len(entries) > _MOST_FILES or sum(one.file_size for one in entries) > 8 * MOST_BYTES:
        most = say("Split it: %(number)s MB of CSV are the most.", number=8 * MOST_BYTES // 2**20)
        return _refused(name, say("This bundle is too large."), most)
    # By their last name: some programs put a folder around the files.
    return oneroster.read(name, {Path(one.filename).name: bundle.read(one) for one in entries})


def _refused(name: str, message: str, instead: str) -> Contents:
    return Contents((), (Mistake(name, 0, "", "", message, instead),))


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8 * MOST_BYTES + 1)
