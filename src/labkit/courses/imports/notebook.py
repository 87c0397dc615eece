"""Reads one notebook nobody has looked at yet, within bounds, into cells with nbgrader's metadata of version 3.

nbformat 3 and older are upgraded by nbformat; the metadata's versions 0 to 2 are upgraded as nbgrader's own
`nbgrader update` does. Outputs, execution counts and all other metadata are not read.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from labkit.courses.imports.report import Notes, printable
from labkit.errors import OperatorError

LARGEST = 50 << 20
MOST_CELLS = 20_000
MOST_PARTS = 2_000_000  # lists and objects: two bytes of brackets take a hundred in memory
# A syntax tree takes a thousand times the memory of its text; prose may hold pictures as text.
LONGEST_CODE, LONGEST_PROSE = 256 << 10, 8 << 20
_NEWEST_SCHEMA = 3
_PYTHON = ("python", "python3", "python2", "ipython", "")


@dataclass(frozen=True)
class Given:
    """A cell as it was written. `name` is nbgrader's grade id, `number` counts from 1."""

    kind: str  # markdown | code | raw
    source: str
    number: int
    name: str = ""
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False
    points: float = 0
    checksum: bool = False  # nbgrader wrote one when it released the cell
    attachments: Mapping[str, str] = field(default_factory=dict)  # name: base64

    @property
    def place(self) -> str:
        return f"cell {self.number} ({self.name})" if self.name else f"cell {self.number}"


@dataclass(frozen=True)
class Notebook:
    cells: tuple[Given, ...]
    language: str


def read_notebook(path: Path, notes: Notes) -> Notebook:
    """Raises OperatorError for what is no notebook, or is larger than a notebook may be."""
    content = _json(path)
    version = content.get("nbformat")
    if not isinstance(version, int) or version > 4:
        raise OperatorError(f"{path} is no notebook labkit can read (nbformat {version!r}).", instead=_AGAIN)
    if version < 4:
        content = _upgraded(path, content)
        notes.changed(f"its format (nbformat {version}) is an old one: it was upgraded")
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise OperatorError(f"{path} is no notebook: it has no list of cells.", instead=_AGAIN)
    if len(cells) > MOST_CELLS:
        raise OperatorError(f"{path} has {len(cells)} cells.", instead=f"{MOST_CELLS} are the most: split it.")
    given = tuple(found for number, cell in enumerate(cells, 1) if (found := _given(cell, number, notes)))
    if old := sorted({version for cell in cells if (version := _schema(cell)) < _NEWEST_SCHEMA}):
        notes.changed(f"nbgrader's metadata was of version {', '.join(map(str, old))}: upgraded")
    return Notebook(given, _language(content.get("metadata")))


_AGAIN = "Open it in Jupyter, save it, and try again."


def is_python(language: str) -> bool:
    return language.lower() in _PYTHON


def _json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.", instead="Name a notebook's file.") from error
    if len(data) > LARGEST or data.count(b"[") + data.count(b"{") > MOST_PARTS:
        instead = "Clear its outputs in Jupyter (Edit, Clear Outputs of All Cells) and save it."
        raise OperatorError(f"{path} is larger than a notebook may be.", instead=instead)
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OperatorError(f"{path} is not UTF-8 (byte {error.start}).", instead=_AGAIN) from None
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{path} is not JSON, so no notebook ({error}).", instead=_AGAIN) from None
    if not isinstance(content, dict):
        raise OperatorError(f"{path} is no notebook: it holds no object.", instead=_AGAIN)
    return content


def _upgraded(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dict(nbformat.convert(nbformat.from_dict(content), 4))
    except Exception as error:  # nbformat trusts what it upgrades: anything can go wrong in it
        raise OperatorError(f"{path} cannot be upgraded to nbformat 4 ({error}).", instead=_AGAIN) from None


def _language(metadata: object) -> str:
    about = metadata if isinstance(metadata, dict) else {}
    for part, key in (("kernelspec", "language"), ("language_info", "name"), ("kernelspec", "name")):
        found = about[part].get(key) if isinstance(about.get(part), dict) else None
        if isinstance(found, str) and found:
            return found
    return ""


def _given(cell: object, number: int, notes: Notes) -> Given | None:
    about = cell if isinstance(cell, dict) else {}
    kind, source = about.get("cell_type"), about.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    place = f"cell {number}"
    if kind not in ("markdown", "code", "raw") or not isinstance(source, str):
        notes.lost("no cell labkit knows: it has no known type, or its source is no text", place)
        return None
    most = LONGEST_CODE if kind == "code" else LONGEST_PROSE
    if len(source) > most:
        notes.lost(f"a cell of {len(source)} characters: {most} are the most", place)
        return None
    metadata = about.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    marked = _marked(nbgrader, place, notes) if isinstance(nbgrader, dict) else {}
    return Given(
        kind, _text(source, place, notes), number, **marked, attachments=_attachments(about.get("attachments"))
    )


def _schema(cell: object) -> int:
    """The version of nbgrader's metadata; the newest where there is none, or none that is a number."""
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    version = about.get("schema_version", 0) if isinstance(about, dict) else _NEWEST_SCHEMA
    return version if isinstance(version, int) else _NEWEST_SCHEMA


def _marked(about: dict[str, Any], place: str, notes: Notes) -> dict[str, Any]:
    """The metadata upgraded; what nbgrader took for missing is False, and points that are no number are 0."""
    version = about.get("schema_version", 0)
    if not isinstance(version, int) or version > _NEWEST_SCHEMA:
        notes.changed(
            f"nbgrader's metadata is of version {version!r}, which labkit does not know: read as {_NEWEST_SCHEMA}",
            place,
        )
    flags = {name: about.get(name) is True for name in ("grade", "solution", "locked", "task")}
    if not any(flags.values()):
        return {}
    name = about.get("grade_id")
    try:
        points = max(0.0, float(about.get("points") or 0))
    except (TypeError, ValueError, OverflowError):
        points = 0.0
    if not points < 1e9:  # inf and nan too
        notes.lost(f"points of {points}", place)
        points = 0.0
    graded = flags["grade"] or flags["task"]
    kept = {"name": printable(name, 128) if isinstance(name, str) else "", "checksum": "checksum" in about}
    return {**flags, **kept, "points": points if graded else 0.0}


def _text(source: str, place: str, notes: Notes) -> str:
    """With the line ends of a lab's text, and nothing that no text file or no Python can hold."""
    plain = source.replace("\r\n", "\n").replace("\r", "\n")
    clean = plain.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if clean != plain:
        notes.changed("characters that no text can hold (NUL, half a surrogate) were replaced", place)
    return clean


def _attachments(found: object) -> dict[str, str]:
    """Of each the first form it is kept in, as nbconvert takes it."""
    kept = {}
    for name, forms in found.items() if isinstance(found, dict) else ():
        first = next(iter(forms.values()), None) if isinstance(forms, dict) else None
        if isinstance(first, list):
            first = "".join(str(part) for part in first)
        if isinstance(first, str):
            kept[str(name)] = first
    return kept
