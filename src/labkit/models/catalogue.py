"""The catalogue: which models there are, from where, under which licence, with which hash.

One table of `catalogue.toml` is one model. A new model is a new table.
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from pathlib import Path

from labkit.errors import OperatorError
from labkit.models.record import Model, check, read_record

__all__ = ["Model", "catalogue", "find", "find_published", "load_catalogue"]

_FILE = Path(__file__).with_name("catalogue.toml")


def load_catalogue(path: Path = _FILE) -> dict[str, Model]:
    """Every model of a catalogue file by its id; an unknown or missing key is refused by name."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(f"{path.name} cannot be read ({error}).", instead="Correct it.") from None
    if unknown := sorted(tables.keys() - {"models"}):
        raise OperatorError(f"{path.name}: unknown table {unknown[0]!r}.", instead="Write [[models]] tables only.")
    records = {
        f"{path.name}: model {number} ({table.get('id', 'without an id')})": table
        for number, table in enumerate(tables.get("models", []), start=1)
    }
    models = {where: read_record(table, where) for where, table in records.items()}
    catalogue = {model.id: model for model in models.values()}
    if len(catalogue) != len(models):
        raise OperatorError(f"{path.name}: two models share an id.", instead="Give each [[models]] its own id.")
    for where, model in models.items():
        check(model, where)
    return catalogue


@cache
def catalogue() -> dict[str, Model]:
    """The models this platform knows."""
    return load_catalogue()


def find(model_id: str) -> Model:
    """The model of this id; the error lists the known ones."""
    try:
        return catalogue()[model_id]
    except KeyError:
        near = difflib.get_close_matches(model_id, catalogue(), 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        known = ", ".join(sorted(catalogue()))
        raise OperatorError(
            f"There is no model {model_id!r} in the catalogue.", instead=f"{hint}Known: {known}."
        ) from None


def find_published(name: str) -> Model:
    """The model of this id, or the first that is published under this name (OWNER/NAME); else as `find`."""
    return next((model for model in catalogue().values() if model.repo and model.repo == name), None) or find(name)
