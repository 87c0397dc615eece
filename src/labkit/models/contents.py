"""Looks into fetched files: are the weights what their name says, does nothing want to run, what is the licence.

What this does not cover: whether the numbers in the weights are a good model, and the tensors' own offsets, which the
library that loads them checks.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.errors import OperatorError
from labkit.models.record import Model
from labkit.models.wanted import WEIGHTS, is_weights

_HEADER_MOST = 100_000_000  # bytes; safetensors' own limit
_LICENCE = re.compile(r"(LICEN[CS]E|COPYING)([.-].*)?", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(\n|\Z)", re.DOTALL)
_STATED = re.compile(r"^licen[cs]e:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)


def inspect(model: Model, folder: Path) -> None:
    """Refuses a folder that holds something else than its names say. Raises OperatorError naming the file."""
    for path in sorted(folder.iterdir()):
        if is_weights(path.name):
            _check_weights(path)
        elif path.suffix == ".json":
            _check_json(path)
        elif path.name.upper().startswith("README"):
            _check_licence(model, path)


def weights_sha256(hashes: Mapping[str, str]) -> str:
    """What names these weights: the hash of the one file, or of `sha256sum`'s lines of them all, sorted by path."""
    weights = sorted((path, sha256) for path, sha256 in hashes.items() if path.endswith(WEIGHTS))
    if len(weights) == 1:
        return weights[0][1]
    return hashlib.sha256("".join(f"{sha256}  {path}\n" for path, sha256 in weights).encode()).hexdigest()


def licence_sha256(model: Model, hashes: Mapping[str, str]) -> str:
    """The hash of the terms, of the licence's file, or of the card that states it where it has no file."""
    cards = (path for path in hashes if path.upper().startswith("README"))
    licences = (path for path in hashes if _LICENCE.fullmatch(path))
    named = [model.terms] if model.terms else [*sorted(licences), *sorted(cards)]
    return next((hashes[path] for path in named if path in hashes), "")


def template_sha256(folder: Path, weights: Iterable[str]) -> str:
    """The hash of the chat template's text, from wherever this model keeps it; empty where it has none."""
    text: Any = None
    if (file := folder / "chat_template.jinja").is_file():
        text = file.read_text(encoding="utf-8")
    for name in ("chat_template.json", "tokenizer_config.json"):
        if text is None and (folder / name).is_file():
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            text = content.get("chat_template") if isinstance(content, dict) else None
    for name in weights:
        if text is None and name.endswith(".gguf"):
            text = _gguf_template(folder / name)
    if text is None:
        return ""
    # Some models have several, each with a name.
    plain = text if isinstance(text, str) else json.dumps(text, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def _gguf_template(path: Path) -> str | None:
    from gguf import GGUFReader

    found = GGUFReader(path).get_field("tokenizer.chat_template")
    return None if found is None else str(found.contents())


def _check_weights(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(9)
    good = head[:4] == b"GGUF"
    if path.suffix == ".safetensors":
        header = int.from_bytes(head[:8], "little")
        good = head[8:] == b"{" and header <= min(_HEADER_MOST, path.stat().st_size - 8)
    if not good:
        kind = path.suffix.removeprefix(".")
        raise OperatorError(f"{path.name} is called {kind} and is not.", instead="Do not use this source.")


def _check_json(path: Path) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{path.name} is no JSON ({error}).", instead="Use another revision or source.") from None
    if isinstance(content, dict) and content.get("auto_map"):
        raise OperatorError(
            f"{path.name} has an auto_map: the model needs a program of its publisher, and none is ever run.",
            instead="Choose a model that transformers or llama.cpp knows by itself.",
        )


def _check_licence(model: Model, card: Path) -> None:
    front = _FRONT_MATTER.search(card.read_text(encoding="utf-8", errors="replace"))
    stated = _STATED.search(front[1]) if front else None
    if stated and _plain(stated[1]) not in (_plain(model.licence), "other"):
        raise OperatorError(
            f"{card.name} states the licence {stated[1]!r}, the catalogue {model.licence}.",
            instead="Read it; correct the record only if you may use the model so.",
        )


def _plain(licence: str) -> str:
    """`Apache License 2.0`, `apache-2.0` and `Apache-2.0` are one; `LicenseRef-Gemma` is `gemma`."""
    text = licence.strip("'\" ").lower().removeprefix("licenseref-")
    return re.sub(r"[\s_-]+", "-", re.sub(r"\blicen[cs]e\b", " ", text).strip())
