"""Rebuilds a learner's notebook from the released source: nothing of what she sent is used but her answers.

By name: a deleted, duplicated, retyped, reordered, split or merged cell costs her nothing but what she did not answer.
Metadata, outputs, attachments and other notebooks of hers are never read; of other cells, only whether they define
what an answer that is missing or as released was to define, and what an answer uses that nothing else defines.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autograder.answers import Answers
from autograder.words import say

LARGEST = 20 << 20
MOST_CELLS = 20_000
# Lists and objects: two bytes of brackets take a hundred in memory.
MOST_PARTS = 1_000_000
_MOST_NAMES, _LONGEST_NAME = 8, 40  # in a sentence to her


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
    answers = Answers(grader_notebook["cells"], cells, old or {})
    notes: list[str] = []
    repaired = False
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") is True:
            keys = answers.put_into(cell)
            if old is not None and cell["id"] not in old:
                keys = ["not_in_release" if key == "not_found" else key for key in keys]
            repaired = repaired or any(key != "untouched" for key in keys)
            names = _listed(answers.along.get(cell["id"], ()))
            notes += [say(key, language, name=cell["id"], names=names) for key in keys]
    return Repaired(notebook, tuple(notes), repaired=repaired)


def _listed(names: tuple[str, ...]) -> str:
    shown = [name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…" for name in names[:_MOST_NAMES]]
    return ", ".join([*shown, "…"] if len(names) > _MOST_NAMES else shown)


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
