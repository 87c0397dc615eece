"""Where the notebooks of an nbgrader course are: its root, its source folder, one assignment, or one notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.courses.imports.configuration import FILE, Settings, read_settings
from labkit.courses.imports.report import Notes
from labkit.errors import OperatorError

_SUFFIX = ".ipynb"


@dataclass(frozen=True)
class Assignment:
    """`name` is empty where notebooks lie about in a folder that is no assignment."""

    name: str
    folder: Path
    notebooks: tuple[Path, ...]


@dataclass(frozen=True)
class Found:
    """`root` is what nbgrader's settings are relative to."""

    root: Path
    settings: Settings
    assignments: tuple[Assignment, ...]


def find(path: Path, notes: Notes) -> Found:
    """Raises OperatorError where there is no notebook."""
    if not path.exists():
        raise OperatorError(f"There is no {path}.", instead="Name a course's folder, or a notebook.")
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    root = next((one for one in (folder, *folder.parents[:2]) if (one / FILE).is_file()), folder)
    settings = read_settings(root / FILE, notes) if (root / FILE).is_file() else Settings()
    found = tuple(_assignments(path, root, settings, notes))
    if not any(one.notebooks for one in found):
        instead = f"Name the folder that holds {FILE} and {settings.source}/, or a folder of notebooks."
        raise OperatorError(f"There is no notebook in {path}.", instead=instead)
    return Found(root, settings, found)


def inside(root: Path, named: str) -> Path | None:
    """What a setting names, where it lies in the course's own folder."""
    path = (root / named).resolve()
    return path if path.is_relative_to(root.resolve()) else None


def _assignments(path: Path, root: Path, settings: Settings, notes: Notes) -> Iterator[Assignment]:
    source = inside(root, settings.source)
    if path.is_file():
        yield Assignment(path.parent.name if path.parent.parent == source else "", path.parent, (path,))
        return
    own = _notebooks(path, notes)
    in_source = inside(path, settings.source)
    if in_source is not None and in_source.is_dir() and (path == root or not own):
        path, own = in_source, ()
    if own and path != source:
        yield Assignment(path.name if path.parent == source else "", path, own)
        return
    for folder in sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")):
        if folder.is_symlink():
            notes.lost(f"{folder.name} is a link")
        elif notebooks := _notebooks(folder, notes):
            yield Assignment(folder.name, folder, notebooks)


def _notebooks(folder: Path, notes: Notes) -> tuple[Path, ...]:
    found = []
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        if path.is_symlink() or not path.is_file():
            notes.lost(f"{path.name} is a link, or no plain file")
        else:
            found.append(path)
    return tuple(found)
