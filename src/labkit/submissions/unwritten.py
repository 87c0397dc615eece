"""Written answers that are still as they were released: told with the receipt, while she can still write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

_LONGEST = 60


def unwritten(notebook: bytes, released: Iterable[bytes]) -> list[dict[str, Any]]:
    """{"begins", "points"} of each written answer of a notebook that is as in a release, in whatever language.

    What cannot be read as a notebook tells nothing: the grader says what is wrong with it.
    """
    before = {(name, _text(cell)) for one in released for name, cell in _answers(one).items()}
    return [
        {"begins": _begins(_text(cell)), "points": cell["metadata"]["nbgrader"].get("points", 0)}
        for name, cell in _answers(notebook).items()
        if (name, _text(cell)) in before
    ]


def _answers(notebook: bytes) -> dict[str, Mapping[str, Any]]:
    """The written answers by their names."""
    try:
        cells = json.loads(notebook)["cells"]
        return {
            str(cell["metadata"]["nbgrader"]["grade_id"]): cell
            for cell in cells
            if cell["cell_type"] == "markdown" and _is_answer(cell["metadata"].get("nbgrader"))
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _is_answer(about: Any) -> bool:
    return isinstance(about, dict) and bool(about.get("solution")) and bool(about.get("grade"))


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)).strip() if isinstance(source, list) else str(source).strip()


def _begins(text: str) -> str:
    """Its first words, by which she finds it."""
    first = " ".join(text.lstrip("# ").split())
    return first if len(first) <= _LONGEST else first[:_LONGEST].rsplit(" ", 1)[0] + " …"
