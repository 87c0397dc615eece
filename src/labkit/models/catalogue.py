"""The catalogue: which models there are, from where, under which licence, with which hash.

One table of `catalogue.toml` is one model. A new model is a new table.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from labkit.errors import OperatorError
from labkit.strict import strict

_FILE = Path(__file__).with_name("catalogue.toml")


@dataclass(frozen=True)
class Model:
    """One model. `sha256` is of the weights as they are handed out (GGUF), and names the model in calibrations."""

    id: str
    title: str
    licence: str
    package: str
    file: str
    sha256: str
    context: int
    good_at: str
    bad_at: str


def load_catalogue(path: Path = _FILE) -> dict[str, Model]:
    """Every model of a catalogue file by its id; an unknown or missing key is refused by name."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := sorted(tables.keys() - {"models"}):
        raise OperatorError(f"{path.name}: unknown table {unknown[0]!r}.", instead="Write [[models]] tables only.")
    models = [
        strict(Model, table, f"{path.name}: model {number} ({table.get('id', 'without an id')})")
        for number, table in enumerate(tables.get("models", []), start=1)
    ]
    catalogue = {model.id: model for model in models}
    if len(catalogue) != len(models):
        raise OperatorError(f"{path.name}: two models share an id.", instead="Give each [[models]] its own id.")
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
        known = ", ".join(sorted(catalogue()))
        raise OperatorError(f"There is no model {model_id!r} in the catalogue.", instead=f"Known: {known}.") from None
