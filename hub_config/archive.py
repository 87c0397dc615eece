"""The file of a backup: a tar of plain files, and last of all a manifest that says what each is.

Folders, links, owners and holes of sparse files are in the manifest alone, so that nothing in the tar can make a
reader write elsewhere. Every byte is covered by a SHA-256; a file that was cut short has no manifest.

What this does not cover: who wrote it. Whoever can replace the file can replace its hashes: restore your own only.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from labkit.errors import OperatorError
from labkit.strict import strict

FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_INSTEAD = "Use an undamaged backup that `labkit backup` has written."


@dataclass(frozen=True)
class Entry:
    """`kind` is file, folder or link. `data` of a sparse file: (offset, length) of each part that has data; the tar
    then holds only these, one after another. `size` is the length in bytes once restored."""

    path: str
    kind: str
    mode: int = 0
    uid: int = -1
    gid: int = -1
    size: int = 0
    sha256: str = ""
    target: str = ""
    data: tuple[tuple[int, int], ...] | None = None


@dataclass
class Manifest:
    version: str
    began: str
    revision: list[str]
    format: int = FORMAT
    entries: list[Entry] = field(default_factory=list)


class Writer:
    """Writes into an open file; `finish` makes it whole."""

    def __init__(self, file: IO[bytes], manifest: Manifest) -> None:
        self._tar = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)
        self._manifest = manifest

    def note(self, entry: Entry) -> None:
        """A folder or a link."""
        self._manifest.entries.append(entry)

    def add(self, entry: Entry, content: IO[bytes]) -> None:
        """A file. One that shrinks while it is read is filled up with zeros; what it grows is left out."""
        parts = entry.data if entry.data is not None else ((0, entry.size),)
        source = _Parts(content, parts)
        about = tarfile.TarInfo(entry.path)
        about.size, about.mode = sum(length for _, length in parts), 0o600
        self._tar.addfile(about, source)
        self._manifest.entries.append(Entry(**{**vars(entry), "sha256": source.digest.hexdigest()}))

    def add_lines(self, path: str, lines: Iterable[str]) -> int:
        """A text, a line at a time; gives how many."""
        number = 0
        with tempfile.TemporaryFile() as text:
            for line in lines:
                text.write(f"{line}\n".encode())
                number += 1
            size = text.tell()
            text.seek(0)
            self.add(Entry(path, "file", mode=0o600, size=size), text)
        return number

    def finish(self) -> None:
        content = json.dumps(asdict(self._manifest)).encode()
        about = tarfile.TarInfo(_MANIFEST)
        about.size, about.mode = len(content), 0o600
        self._tar.addfile(about, io.BytesIO(content))
        self._tar.close()


class _Parts:
    """Reads parts of a file one after another, and hashes what it gives."""

    def __init__(self, content: IO[bytes], parts: Iterable[tuple[int, int]]) -> None:
        self._content, self._parts, self._left = content, iter(parts), 0
        self.digest = hashlib.sha256()

    def read(self, size: int = _CHUNK, /) -> bytes:
        given = bytearray()
        while len(given) < size:
            if not self._left:
                part = next(self._parts, None)
                if part is None:
                    break
                offset, self._left = part
                self._content.seek(offset)
                continue
            wanted = min(size - len(given), self._left)
            found = self._content.read(wanted)
            given += found or bytes(wanted)
            self._left -= len(found) or wanted
        self.digest.update(given)
        return bytes(given)


class Reader:
    """Opens a backup and checks all of it. Raises OperatorError for anything that is not as `Writer` leaves it."""

    def __init__(self, path: Path) -> None:
        try:
            self._tar = tarfile.TarFile(path, "r")
        except (tarfile.TarError, EOFError) as error:
            raise OperatorError(f"{path} is damaged: {error}.", instead=_INSTEAD) from None
        except OSError as error:
            raise OperatorError(f"{path} cannot be read: {error.strerror}.", instead="Name a backup.") from None
        try:
            self._members = {member.name: member for member in self._plain()}
            self.manifest = self._read_manifest()
            self._check()
        except (tarfile.TarError, EOFError, OSError) as error:
            self.close()
            raise OperatorError(f"{path} is damaged: {error}.", instead=_INSTEAD) from None
        except BaseException:
            self.close()
            raise

    def open(self, entry: Entry) -> IO[bytes]:
        """What the tar holds of a file; with holes, its parts one after another."""
        found = self._tar.extractfile(self._members[entry.path])
        assert found is not None
        return found

    def lines(self, entry: Entry) -> Iterator[str]:
        with self.open(entry) as content:
            for line in content:
                yield line.decode()

    def close(self) -> None:
        self._tar.close()

    def _plain(self) -> Iterator[tarfile.TarInfo]:
        seen = set[str]()
        for member in self._tar:
            if not member.isreg() or member.issparse() or member.name in seen:
                raise OperatorError(f"The backup holds {member.name!r}, which is no plain file.", instead=_INSTEAD)
            seen.add(member.name)
            yield member

    def _read_manifest(self) -> Manifest:
        if _MANIFEST not in self._members:
            raise OperatorError("The backup has no manifest: it was cut short.", instead=_INSTEAD)
        file = self._tar.extractfile(self._members[_MANIFEST])
        assert file is not None
        try:
            table = json.loads(file.read())
            if table.get("format") != FORMAT:
                raise OperatorError(f"The backup's format is {table.get('format')!r}.", instead="Use a newer labkit.")
            entries = [strict(Entry, {**one, "data": _parts(one.get("data"))}, "entry") for one in table["entries"]]
            return strict(Manifest, {**table, "entries": entries}, "manifest")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OperatorError(f"The backup's manifest is damaged: {error}.", instead=_INSTEAD) from None

    def _check(self) -> None:
        """Every path stays inside, none passes through a link or a file, every byte is as it was."""
        kinds = dict[str, str]()
        for entry in self.manifest.entries:
            if not _is_inside(entry.path) or entry.path in kinds or entry.kind not in ("file", "folder", "link"):
                raise OperatorError(f"The backup holds {entry.path!r}, which is no place of ours.", instead=_INSTEAD)
            kinds[entry.path] = entry.kind
        for path in kinds:
            for parent in map(str, PurePosixPath(path).parents):
                if kinds.get(parent, "folder") != "folder":
                    raise OperatorError(f"The backup leads {path!r} through {parent!r}.", instead=_INSTEAD)
        files = {entry.path: entry for entry in self.manifest.entries if entry.kind == "file"}
        if files.keys() != self._members.keys() - {_MANIFEST}:
            raise OperatorError("The backup does not hold what its manifest says.", instead=_INSTEAD)
        for entry in files.values():
            self._check_file(entry)

    def _check_file(self, entry: Entry) -> None:
        parts, end = entry.data if entry.data is not None else ((0, entry.size),), 0
        for offset, length in parts:
            if offset < end or length < 0:
                raise OperatorError(f"The backup's {entry.path!r} has no sensible holes.", instead=_INSTEAD)
            end = offset + length
        if end > entry.size or sum(length for _, length in parts) != self._members[entry.path].size:
            raise OperatorError(f"The backup's {entry.path!r} has another size.", instead=_INSTEAD)
        digest = hashlib.sha256()
        with self.open(entry) as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != entry.sha256:
            raise OperatorError(f"The backup's {entry.path!r} has other bytes.", instead=_INSTEAD)


def _parts(value: Any) -> tuple[tuple[int, int], ...] | None:
    return None if value is None else tuple((int(offset), int(length)) for offset, length in value)


def _is_inside(path: str) -> bool:
    """A relative path in its one spelling."""
    pure = PurePosixPath(path)
    return (
        bool(path)
        and not pure.is_absolute()
        and ".." not in pure.parts
        and str(pure) == path
        and path != "."
        and re.search(r"\x00", path) is None
    )
