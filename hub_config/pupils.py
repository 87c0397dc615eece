"""The file that tells a course's formgrader whom each teacher teaches.

Written by the pages' process, which knows the database; read by the formgrader, which does not. It says
`{"teachers": {"tina": ["ana", "ben"], "maria": "all"}}`. Whoever is not in it teaches nobody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import durable
from labkit.errors import OperatorError
from labkit.strict import read_json, strict

_FILE = "pupils.json"
_ALL = "all"


@dataclass(frozen=True)
class Pupils:
    """Whom somebody teaches in one course; `everybody` where she teaches every cohort that has learners."""

    names: frozenset[str] = frozenset()
    everybody: bool = False


@dataclass(frozen=True)
class _Content:
    teachers: dict[str, Any]


def folder_of(gradebooks: Path, course: str) -> Path:
    """What a course's formgrader has as /etc/jupyter: a folder, so that a file replaced in it is seen inside."""
    return gradebooks / f".{course}-formgrader"


def file_of(gradebooks: Path, course: str) -> Path:
    return folder_of(gradebooks, course) / _FILE


def read(path: Path, username: str) -> Pupils:
    """Raises OperatorError where the file is missing or is not one that `write` wrote."""
    content = strict(_Content, read_json(path), str(path))
    whom = content.teachers.get(username, []) if isinstance(content.teachers, dict) else None
    if whom == _ALL:
        return Pupils(everybody=True)
    if not isinstance(whom, list) or not all(isinstance(name, str) for name in whom):
        raise OperatorError(f"{path} does not say whom {username} teaches.", instead="Restart the platform.")
    return Pupils(frozenset(whom))


def write(path: Path, teachers: Mapping[str, Pupils]) -> bool:
    """Whole or not at all, and only what is new: True if it was. Where its folder is not there, nobody reads it yet.

    The folder's owner reads it, and nobody else; as root that is the formgrader's account.
    """
    if not path.parent.is_dir():
        return False
    said = {name: _ALL if of.everybody else sorted(of.names) for name, of in sorted(teachers.items())}
    content = json.dumps({"teachers": said}, indent=0).encode()
    owner = path.parent.stat().st_uid
    if path.is_file() and path.stat().st_uid == owner and path.read_bytes() == content:
        return False
    durable.write(path, content, 0o400, owner=owner if os.geteuid() == 0 else None)
    return True
