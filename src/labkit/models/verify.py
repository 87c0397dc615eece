"""Reads every byte of a fetched model again and compares it with its manifest, the lock and the record.

The lock and the manifest are plain files: what this does not cover is someone who changes them with the weights. A
model whose record carries hashes is safe from that too.
"""

from __future__ import annotations

from pathlib import Path

from labkit.models import embedded
from labkit.models.contents import weights_sha256
from labkit.models.fetch import Fetched, fetched
from labkit.models.folder import MANIFEST, Progress, digest
from labkit.models.lock import read_lock
from labkit.models.record import Model


def verify(model: Model, folder: Path, progress: Progress = print) -> list[str]:
    """What is wrong with the model, one sentence each; nothing where every byte is what it was.

    Raises OperatorError where the model is not there.
    """
    there = fetched(model, folder)
    progress(f"Reading {model.title}: {len(there.files)} files.")
    found = {path: digest(there.folder / path) for path in there.files}
    wrong = [f"{path} is not what was fetched." for path in there.files if found[path] != there.files[path]]
    for path in sorted(one for one in there.folder.rglob("*") if one.is_file()):
        name = path.relative_to(there.folder).as_posix()
        if name not in found and name != MANIFEST:
            wrong.append(f"{name} was not fetched: it is of somebody else.")
    return wrong + _against(model, there, found, folder)


def _against(model: Model, there: Fetched, found: dict[str, str], folder: Path) -> list[str]:
    """Against what is written outside the model's own folder."""
    if model.id == embedded.MODEL_ID:
        return [] if found["model.gguf"] == model.sha256 else ["model.gguf is not what the catalogue names."]
    wrong = []
    if model.sha256 and weights_sha256(found) != model.sha256:
        wrong.append("The weights are not what the catalogue names.")
    locked = read_lock(folder).get(model.id)
    if locked is None:
        wrong.append("The lock does not know it.")
    elif weights_sha256(found) != locked.sha256:
        wrong.append("The weights are not what the lock names.")
    return wrong
