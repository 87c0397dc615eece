"""lock.json beside the models: what each fetched model hashed to, so that it is the same model for ever.

    {"MODEL": {"sha256", "licence_sha256", "template_sha256", "weights": {PATH: SHA-256},
               "sources": {KIND: {"repo", "asked", "resolved", "files": {PATH: SHA-256}}}}}

The weights must agree whichever source they come from; every other file must agree with what the same source gave
before (a hub's card is not the other's). The first fetch is believed: compare its `sha256` with another site's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from labkit import durable
from labkit.errors import OperatorError
from labkit.models.record import Model, Origin
from labkit.models.wanted import is_weights
from labkit.strict import read_json, strict

LOCK = "lock.json"


@dataclass(frozen=True)
class Pinned:
    """What one source gave: `asked` is the revision asked for, `resolved` the commit it was."""

    repo: str
    asked: str
    resolved: str
    files: dict[str, str]


@dataclass(frozen=True)
class Locked:
    sha256: str
    licence_sha256: str
    template_sha256: str
    weights: dict[str, str]
    sources: dict[str, Pinned]


def read_lock(folder: Path) -> dict[str, Locked]:
    """Every locked model by its id. Raises OperatorError where the file is damaged: it is never guessed at."""
    path = folder / LOCK
    if not path.exists():
        return {}
    locked = {}
    for model_id, entry in read_json(path).items():
        where = f"{path}: {model_id}"
        if not isinstance(entry, dict) or not isinstance(entry.get("sources"), dict):
            raise OperatorError(f"{where} is damaged.", instead="Put it back from a copy, or delete this entry.")
        sources = {kind: strict(Pinned, one, f"{where}: {kind}") for kind, one in entry["sources"].items()}
        locked[model_id] = strict(Locked, {**entry, "sources": sources}, where)
    return locked


def pin(folder: Path, model_id: str, entry: Locked) -> None:
    """Writes the entry; sources it does not name stay. Only ever after `compare` found nothing against it."""
    locked = read_lock(folder)
    if model_id in locked:
        entry = Locked(**{**vars(entry), "sources": {**locked[model_id].sources, **entry.sources}})
    everything = {name: asdict(one) for name, one in sorted({**locked, model_id: entry}.items())}
    durable.write(folder / LOCK, json.dumps(everything, indent=1, sort_keys=True).encode() + b"\n")


def revision(model: Model, origin: Origin, locked: Locked | None) -> str:
    """What to ask the source for: the commit that is known, else what the record asks for."""
    pinned = locked.sources.get(origin.kind) if locked else None
    known = pinned.resolved if pinned and pinned.repo == origin.repo and pinned.asked == origin.revision else ""
    return known or origin.resolved or origin.revision


def compare(model: Model, origin: Origin, found: Mapping[str, str], locked: Locked | None, *, whole: bool) -> None:
    """Refuses hashes that are not the record's and the lock's. `whole`: each file is there, else some."""
    expected = dict(model.files)
    if locked:
        pinned = locked.sources.get(origin.kind)
        expected = {**expected, **(pinned.files if pinned and pinned.repo == origin.repo else {}), **locked.weights}
    for path, sha256 in found.items():
        if path in expected and sha256 != expected[path]:
            raise _other(model, origin, path, sha256, expected[path])
        if locked and is_weights(path) and path not in locked.weights:
            raise OperatorError(
                f"{model.id}: {origin.repo} has weights {path}, which the lock does not know.",
                instead=f"It is another model now. Fetch {origin.resolved or 'the earlier revision'} of it.",
            )
    needed = {*model.files, *(locked.weights if locked else ())}
    if whole and (lacking := sorted(needed - found.keys())):
        raise OperatorError(f"{model.id}: {origin.repo} lacks {lacking[0]}.", instead="Use another source.")


def _other(model: Model, origin: Origin, path: str, found: str, expected: str) -> OperatorError:
    return OperatorError(
        f"{model.id}: {path} of {origin.kind} {origin.repo} has another hash than before ({found}, not {expected}). "
        "Nothing was taken.",
        instead=f"Whoever publishes it has changed it, or somebody between. If you want the new one, give it a record "
        f"of its own, or delete {model.id} from {LOCK} and calibrate again what is graded on it.",
    )
