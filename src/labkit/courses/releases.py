"""What each release of a lab gave learners to fill in, kept for as long as somebody may hand in an old copy.

FOLDER/LAB/RELEASE.LANGUAGE.json            {cell name: its unsolved text}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from labkit.courses.course import Lab
from labkit.courses.text import LabText
from labkit.durable import write

_RELEASE = re.compile(r"[0-9a-f]{64}")


def keep(folder: Path, lab: Lab, text: LabText) -> None:
    """Writes down this release's unsolved cells; one that is kept already is left alone."""
    file = _file(folder, lab.id, lab.release, text.language)
    if not file.exists():
        starters = {cell.id: cell.starter or cell.source for cell in text.of("solution", "answer")}
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, json.dumps(starters, ensure_ascii=False).encode())


def starters(folder: Path, lab: str, release: str, language: str) -> Mapping[str, str] | None:
    """The unsolved cells of a release by name; None for one that was never built here. `release` may be anything."""
    file = _file(folder, lab, release, language)
    if not _RELEASE.fullmatch(release) or not file.is_file():
        return None
    found: dict[str, str] = json.loads(file.read_text("utf-8"))
    return found


def _file(folder: Path, lab: str, release: str, language: str) -> Path:
    return folder / lab / f"{release}.{language}.json"
