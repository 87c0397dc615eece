"""How each model of the catalogue stands on this machine: what `labkit models list` and `show` tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labkit.models.fetch import is_fetched
from labkit.models.lock import Locked, read_lock
from labkit.models.record import Model
from labkit.models.terms import Acceptance, read_acceptances


@dataclass(frozen=True)
class Standing:
    """`sha256` is of the weights, from the record or else from the lock; empty where nobody here knows it yet."""

    model: Model
    fetched: bool
    locked: Locked | None
    acceptance: Acceptance | None

    @property
    def sha256(self) -> str:
        return self.model.sha256 or (self.locked.sha256 if self.locked else "")

    @property
    def hashes(self) -> str:
        """Who knows the weights' hash: the `catalogue`, this machine's `lock`, or nobody (empty)."""
        if self.model.verified:
            return "catalogue"
        return "lock" if self.locked else ""

    def as_json(self) -> dict[str, Any]:
        """The whole record, and under `here` how it stands."""
        here = {
            "fetched": self.fetched,
            "hashes": self.hashes,
            "sha256": self.sha256,
            "lock": asdict(self.locked) if self.locked else None,
            "terms_accepted": asdict(self.acceptance) if self.acceptance else None,
        }
        return {**asdict(self.model), "gradable": self.model.gradable, "here": here}


def standings(models: Iterable[Model], folder: Path) -> list[Standing]:
    """One for each model, in the catalogue's order. Raises OperatorError where lock or acceptances are damaged."""
    locked, acceptances = read_lock(folder), read_acceptances(folder)
    newest = {(one.model, one.terms_sha256): one for one in acceptances}
    return [
        Standing(model, is_fetched(model, folder), locked.get(model.id), newest.get((model.id, model.terms_sha256)))
        for model in models
    ]
