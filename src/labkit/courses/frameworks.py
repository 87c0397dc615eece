"""Reads frameworks.toml, which stands beside the courses: the competencies that their outcomes may name.

[[frameworks]]
key = "ai-act"
title = "..."                    # as published
publisher = "..."
date = "2024-06-13"
url = "https://..."              # or a DOI's address
competencies = {literacy = "Article 4, AI literacy"}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labkit.courses.competency import Competency, Framework
from labkit.courses.header import NAME
from labkit.courses.reader import Table

FILE = "frameworks.toml"
_KEYS = ("key", "title", "publisher", "date", "url", "competencies")


def frameworks_of(course: Path) -> Path:
    """The file that a course in the folder `course` goes by: its own copy, which a version in the workshop carries, or
    the one beside all courses. It need not be there."""
    own = course / FILE
    return own if own.is_file() else course.parent / FILE


def load_frameworks(file: Path) -> Mapping[str, Competency]:
    """Every competency by "FRAMEWORK/COMPETENCY"; none where there is no such file."""
    if not file.is_file():
        return {}
    top = Table.read(file)
    top.known(("frameworks",))
    found: dict[str, Competency] = {}
    seen: set[str] = set()
    for table in top.tables("frameworks"):
        framework = _framework(table)
        if framework.key in seen:
            raise table.refuse("key", f"the framework {framework.key!r} is there twice", "give each a key of its own")
        seen.add(framework.key)
        for key, text in _competencies(table).items():
            found[f"{framework.key}/{key}"] = Competency(key, text, framework)
    return found


def _framework(table: Table) -> Framework:
    table.known(_KEYS)
    key, url = table.text("key"), table.text("url")
    if not NAME.fullmatch(key):
        raise table.refuse("key", f"{key!r} cannot be a key", "use a-z, 0-9 and single hyphens")
    if not url.startswith("https://"):
        raise table.refuse("url", f"url = {url!r}", "write where it can be read, such as https://doi.org/...")
    return Framework(key, table.text("title"), table.text("publisher"), table.text("date"), url)


def _competencies(table: Table) -> Mapping[str, str]:
    given = table.get("competencies", {})
    if not isinstance(given, dict) or not given:
        raise table.refuse("competencies", "no competencies", 'write competencies = {KEY = "its name"}')
    for key, text in given.items():
        if not NAME.fullmatch(key) or not isinstance(text, str) or not text.strip():
            raise table.refuse(key, f"{key} = {text!r}", 'write KEY = "the name the framework gives it"')
    return given
