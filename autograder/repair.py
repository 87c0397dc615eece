"""Rebuilds a learner's notebook from the released source: nothing of what she sent is used but her answers' text.

By name: a deleted, duplicated, retyped or reordered cell costs her nothing but what she did not answer. Metadata,
outputs, attachments, other cells and other notebooks of hers are never read.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

from autograder.words import say

LARGEST = 20 << 20
LONGEST_ANSWER = 1 << 20
MOST_CELLS = 20_000


@dataclass(frozen=True)
class Repaired:
    """The grader's notebook with her answers in place. Where `readable` is False there was no notebook to read."""

    notebook: dict[str, Any]
    notes: tuple[str, ...] = ()
    readable: bool = True


def repair(grader_notebook: dict[str, Any], submission: bytes) -> Repaired:
    """Never raises for anything a learner could send; what she should know is in `notes`, in the lab's language."""
    language = grader_notebook.get("metadata", {}).get("labkit", {}).get("language", "en")
    notebook = copy.deepcopy(grader_notebook)
    cells = _cells(submission)
    if cells is None:
        return Repaired(notebook, (say("unreadable", language),), readable=False)
    notes: list[str] = []
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") is True:
            notes += [say(key, language, name=cell["id"]) for key in _answer(cell, cells)]
    return Repaired(notebook, tuple(notes))


def _cells(submission: bytes) -> list[dict[str, Any]] | None:
    if len(submission) > LARGEST:
        return None
    try:
        notebook = json.loads(submission.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(notebook, dict):
        return None
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        return None
    return [cell for cell in cells[:MOST_CELLS] if isinstance(cell, dict)]


def _answer(cell: dict[str, Any], cells: list[dict[str, Any]]) -> list[str]:
    """Puts her answer into `cell`; gives back what is to be noted."""
    starter = "".join(cell["source"])
    found = [one for one in cells if _name(one) == cell["id"]]
    found.sort(key=lambda one: one.get("id") != cell["id"])  # the cell itself before a copy of it
    if not found:
        return ["not_found"]
    sources = [_source(one) for one in found]
    changed = [
        place for place, source in enumerate(sources) if source is not None and source.strip() != starter.strip()
    ]
    place = changed[0] if changed else 0
    source = sources[place]
    if source is None:
        return ["not_text"]
    cell["source"] = source.splitlines(keepends=True)
    notes = ["duplicate"] if len(found) > 1 else []
    if not changed and cell["cell_type"] == "markdown":
        notes.append("untouched")
    if found[place].get("cell_type") != cell["cell_type"]:
        notes.append("retyped")
    return notes


def _name(cell: dict[str, Any]) -> object:
    """What the cell answers: its nbgrader name, which a copy keeps, or its id."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) else cell.get("id")


def _source(cell: dict[str, Any]) -> str | None:
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > LONGEST_ANSWER:
        return None
    return source.encode("utf-8", "replace").decode()  # a lone surrogate could be neither run nor stored
