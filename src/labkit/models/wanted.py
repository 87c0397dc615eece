"""Which files of a source are fetched: weights as safetensors or GGUF, and the texts that go with them.

Nothing that runs when it is loaded is ever copied: no pickle in any of its names, no program. What this does not cover:
a wanted file's content, which `labkit.models.contents` looks at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from labkit.errors import OperatorError
from labkit.models.record import Model
from labkit.models.sources import Entry

WEIGHTS = (".safetensors", ".gguf")
_TEXTS = (".json", ".txt", ".md", ".jinja")
_LEGAL = re.compile(r"(LICEN[CS]E|NOTICE|COPYING|USE_POLICY|[A-Z_]*TERMS)([.-].*)?", re.IGNORECASE)
_LEGAL_SUFFIXES = ("", ".txt", ".md", ".html")
# Loading one of these runs what is in it.
REFUSED = {
    **dict.fromkeys((".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz"), "a pickle"),
    **dict.fromkeys((".py", ".pyc", ".ipynb", ".sh", ".so", ".dll", ".exe"), "a program"),
    **dict.fromkeys((".h5", ".keras", ".pb", ".tar", ".zip", ".7z"), "an archive that may hold a program"),
}


@dataclass(frozen=True)
class Wanted:
    """`entries` are fetched; `refused` says of each refused file what it is; `left_out` are merely not needed."""

    entries: tuple[Entry, ...]
    refused: dict[str, str]
    left_out: tuple[str, ...]

    @property
    def weights(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if is_weights(entry.path))


def is_weights(path: str) -> bool:
    return path.endswith(WEIGHTS)


def choose(model: Model, entries: Iterable[Entry], where: str) -> Wanted:
    """Sorts what a source lists. Raises OperatorError where no weights are left, or a name leads elsewhere."""
    taken, refused, left_out = list[Entry](), dict[str, str](), list[str]()
    for entry in sorted(entries, key=lambda one: one.path):
        path = PurePosixPath(entry.path)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.path or "\0" in entry.path:
            raise OperatorError(f"{where} names a file {entry.path!r}.", instead="Do not use this source.")
        if (suffix := path.suffix.lower()) in REFUSED:
            refused[entry.path] = REFUSED[suffix]
        elif len(path.parts) == 1 and not entry.path.startswith(".") and _is_text_or_weights(path):
            taken.append(entry)
        else:
            left_out.append(entry.path)
    weights = {entry.path for entry in taken if is_weights(entry.path)}
    chosen = _choose_weights(model, weights)
    if not chosen:
        kinds = ", ".join(f"{name} ({kind})" for name, kind in list(refused.items())[:3])
        raise OperatorError(
            f"{where} has no {model.file or 'safetensors or GGUF weights'}" + (f", only {kinds}." if kinds else "."),
            instead="Use a source that has: no other kind is ever loaded.",
        )
    left_out += sorted(weights - chosen)
    kept = tuple(entry for entry in taken if entry.path in chosen or not is_weights(entry.path))
    return Wanted(kept, refused, tuple(left_out))


def _choose_weights(model: Model, weights: set[str]) -> set[str]:
    if model.file:
        return weights & {model.file}
    safetensors = {path for path in weights if path.endswith(".safetensors")}
    return safetensors or weights


def _is_text_or_weights(path: PurePosixPath) -> bool:
    if _LEGAL.fullmatch(path.name) and path.suffix.lower() in _LEGAL_SUFFIXES:
        return True
    return path.suffix in (*WEIGHTS, *_TEXTS)
