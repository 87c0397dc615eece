"""Makes a frozen dataclass from a table somebody wrote, and refuses what it does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_origin, get_type_hints

from labkit.errors import OperatorError

T = TypeVar("T")


def strict(kind: type[T], table: Any, where: str) -> T:
    """`kind(**table)`, where an unknown, missing or wrongly typed key is an error that names it and the known ones."""
    if not isinstance(table, Mapping):
        raise OperatorError(f"{where}: {table!r} is no table.", instead="Write {key = value, ...}.")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # T is always a dataclass
    hints = get_type_hints(kind)
    if unknown := sorted(table.keys() - known.keys()):
        raise OperatorError(f"{where}: unknown key {unknown[0]!r}.", instead=f"Known keys: {', '.join(known)}.")
    for name, field in known.items():
        if name not in table:
            if field.default is MISSING and field.default_factory is MISSING:
                raise OperatorError(f"{where}: {name!r} is missing.", instead=f"Write a value for {name}.")
        elif not _fits(table[name], hints[name]):
            wanted = get_origin(hints[name]) or hints[name]
            raise OperatorError(
                f"{where}: {name} is {table[name]!r}.", instead=f"It must be of type {wanted.__name__}."
            )
    return kind(**table)


def _fits(value: Any, hint: Any) -> bool:
    """As far as a table's values are told apart here: what is inside a list or a table, its reader looks at."""
    wanted = get_origin(hint) or hint
    if wanted is float:
        return type(value) in (int, float)
    return wanted not in (str, int, bool, list, dict) or type(value) is wanted


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an error names the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"{path} cannot be read as JSON ({error}).", instead="Give a file with one object."
        ) from error
    if not isinstance(content, dict):
        raise OperatorError(f"{path} holds no object.", instead='Write {"key": value, ...}.')
    return content


def read_secret(path: Path) -> str:
    """A secret kept alone in a file, without the line's end; an empty or missing one is refused."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise OperatorError(f"The key file {path} cannot be read.", instead="Create it with mode 0600.") from error
    if not secret:
        raise OperatorError(f"The key file {path} is empty.", instead="Put a long random text in it.")
    return secret
