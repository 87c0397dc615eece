"""Rebuilds a learner's notebook from the released source: nothing of what she sent is used but her answers' text.

By name: a deleted, duplicated, retyped, reordered, split or merged cell costs her nothing but what she did not answer.
Metadata, outputs, attachments and other notebooks of hers are never read; of other cells, only whether they define
what a missing answer was to define.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.names import bound
from autograder.words import say

LARGEST = 20 << 20
LONGEST_ANSWER = 1 << 20
MOST_CELLS = 20_000
# Lists and objects: two bytes of brackets take a hundred in memory.
MOST_PARTS = 1_000_000


# The unsolved cells of a release, by cell name; None for a release nobody knows.
Starters = Callable[[str], Mapping[str, str] | None]


def no_starters(_release: str) -> None:
    return None


@dataclass(frozen=True)
class Repaired:
    """The grader's notebook with her answers in place. Where `readable` is False there was no notebook to read."""

    notebook: dict[str, Any]
    notes: tuple[str, ...] = ()
    readable: bool = True
    repaired: bool = False


def repair(grader_notebook: dict[str, Any], submission: bytes, starters: Starters = no_starters) -> Repaired:
    """Never raises for anything a learner could send; what she should know is in `notes`, in the lab's language.

    `starters` gives the unsolved cells of the release she was working on, so that what an older release had asked is
    not taken for her answer.
    """
    language = grader_notebook.get("metadata", {}).get("labkit", {}).get("language", "en")
    notebook = copy.deepcopy(grader_notebook)
    read = _read(submission)
    if read is None:
        return Repaired(notebook, (say("unreadable", language),), readable=False)
    release, cells = read
    old = starters(release)
    notes: list[str] = []
    repaired = False
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") is True:
            keys = _answer(cell, cells, (old or {}).get(cell["id"], ""))
            if old is not None and cell["id"] not in old:
                keys = ["not_in_release" if key == "not_found" else key for key in keys]
            repaired = repaired or any(key != "untouched" for key in keys)
            notes += [say(key, language, name=cell["id"]) for key in keys]
    return Repaired(notebook, tuple(notes), repaired=repaired)


def _read(submission: bytes) -> tuple[str, list[dict[str, Any]]] | None:
    """The release her notebook says it came from, and its cells; nbformat 3 keeps those in worksheets."""
    if len(submission) > LARGEST or submission.count(b"[") + submission.count(b"{") > MOST_PARTS:
        return None
    try:
        notebook = json.loads(submission.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(notebook, dict):
        return None
    about = notebook.get("metadata")
    labkit = about.get("labkit") if isinstance(about, dict) else None
    release = labkit.get("release") if isinstance(labkit, dict) else ""
    cells = notebook.get("cells")
    if not isinstance(cells, list) and isinstance(sheets := notebook.get("worksheets"), list) and sheets:
        found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for one in found if isinstance(one, list) for cell in one]
    if not isinstance(cells, list):
        return None
    known = [cell for cell in cells[:MOST_CELLS] if isinstance(cell, dict)]
    return release if isinstance(release, str) else "", known


def _answer(cell: dict[str, Any], cells: list[dict[str, Any]], old_starter: str) -> list[str]:
    """Puts her answer into `cell`; gives back what is to be noted."""
    starters = {"".join(cell["source"]).strip(), old_starter.strip()}
    places = [place for place, one in enumerate(cells) if _name(one) == cell["id"]]
    if not places:
        return _elsewhere(cell, cells)
    places.sort(key=lambda place: cells[place].get("id") != cell["id"])  # the cell itself before a copy of it
    sources = {place: _source(cells[place]) for place in places}
    changed = [place for place in places if (one := sources[place]) is not None and one.strip() not in starters]
    if len(changed) > 1 and max(changed) - min(changed) == len(changed) - 1:
        # A cell that was split: its parts stand together and both carry its name. They ran one after another.
        parts = [str(sources[place]) for place in sorted(changed)]
        cell["source"] = "\n\n".join(dict.fromkeys(parts)).splitlines(keepends=True)
        return ["split"] if len(set(parts)) > 1 else ["duplicate"]
    place = changed[0] if changed else places[0]
    source = sources[place]
    if source is None:
        return ["not_text"]
    if changed or not old_starter:  # what an older release asked is no answer: the new question stays
        cell["source"] = source.splitlines(keepends=True)
    notes = ["duplicate"] if len(places) > 1 else []
    if not changed and cell["cell_type"] == "markdown":
        notes.append("untouched")
    if cells[place].get("cell_type") != cell["cell_type"]:
        notes.append("retyped")
    return notes


def _elsewhere(cell: dict[str, Any], cells: list[dict[str, Any]]) -> list[str]:
    """A code answer whose cell is gone: merged into another, or pasted into one of her own. It is known by what it
    defines; the whole cell it stands in is run in its place."""
    wanted = bound("".join(cell["source"])) if cell["cell_type"] == "code" else set()
    for one in reversed(cells):
        source = _source(one) if wanted and one.get("cell_type") == "code" else None
        if source is not None and wanted <= bound(source) and "NotImplementedError" not in source:
            cell["source"] = source.splitlines(keepends=True)
            return ["elsewhere"]
    return ["not_found"]


def _name(cell: dict[str, Any]) -> object:
    """What the cell answers: its nbgrader name, which a copy and a part keep, or its id."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else cell.get("id")


def _source(cell: dict[str, Any]) -> str | None:
    source = cell.get("source", cell.get("input"))  # nbformat 3 calls a code cell's text its input
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > LONGEST_ANSWER:
        return None
    return source.encode("utf-8", "replace").decode()  # a lone surrogate could be neither run nor stored
