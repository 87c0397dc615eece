"""A folder of this machine: a disk somebody brought, another site's fetched model, a snapshot of a hub's cache.

Where it has our manifest.json, its hashes are what the copy must hash to.
"""

from __future__ import annotations

from pathlib import Path

from labkit.errors import OperatorError
from labkit.models.folder import MANIFEST, read_manifest
from labkit.models.record import Model, Origin
from labkit.models.sources import Access, Entry, Listing, Moved

_BLOCK = 1 << 22


class Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def listing(self) -> Listing:
        if not self._folder.is_dir():
            raise OperatorError(f"{self._folder} is no folder.", instead="Name the folder the model's files are in.")
        hashes: dict[str, str] = {}
        if (self._folder / MANIFEST).exists():
            try:
                files = read_manifest(self._folder)["files"]
                hashes = {path: entry["sha256"] for path, entry in files.items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise OperatorError(
                    f"{self._folder / MANIFEST} is damaged.", instead="Copy the folder again, with every file."
                ) from error
        paths = (path for path in sorted(self._folder.iterdir()) if path.is_file() and path.name != MANIFEST)
        entries = tuple(Entry(path.name, path.stat().st_size, hashes.get(path.name, "")) for path in paths)
        if lacking := sorted(hashes.keys() - {entry.path for entry in entries}):
            raise OperatorError(
                f"{self._folder} lacks {lacking[0]}, which its manifest names.", instead="Copy it again."
            )
        return Listing("", entries)

    def copy(self, entry: Entry, target: Path, moved: Moved) -> None:
        have = target.stat().st_size if target.exists() and entry.sha256 else 0
        with (self._folder / entry.path).open("rb") as source, target.open("ab" if have else "wb") as file:
            source.seek(have)
            while block := source.read(_BLOCK):
                file.write(block)
                have += len(block)
                moved(have)

    def close(self) -> None:
        pass


def open_source(model: Model, origin: Origin, access: Access) -> Folder:
    del model, access
    return Folder(Path(origin.repo))
