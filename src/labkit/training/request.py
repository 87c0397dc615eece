"""OpenAI's request for a fine-tuning job, read: what it says of the training becomes a Spec, the rest is heard again.

    {"model", "training_file", "validation_file", "suffix", "seed", "metadata",
     "method": {"type": "supervised" | "dpo", TYPE: {"hyperparameters": {"n_epochs", "batch_size",
                "learning_rate_multiplier", "beta"}}},
     "hyperparameters": {...},          as before there was `method`
     "labkit": {"steps", "rank", ...}}  whatever of a Spec OpenAI has no word for

"auto" is what this platform thinks right. An unknown parameter is refused by its name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.errors import RequestRefused
from labkit.training.spec import Spec

_KNOWN = (
    *("model", "training_file", "validation_file", "suffix", "seed", "metadata", "method", "hyperparameters"),
    *("integrations", "labkit"),
)
_TYPES = {"supervised": "sft", "dpo": "dpo"}
_HYPER = ("n_epochs", "batch_size", "learning_rate_multiplier", "beta")
_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EPOCHS, _RATE = 3, 1e-3
_MOST_METADATA = 16


@dataclass(frozen=True)
class Asked:
    """`values` are those of a Spec that were said; `epochs` counts where no steps were."""

    base: str
    training_file: str
    validation_file: str | None
    values: Mapping[str, Any]
    epochs: float | None
    told: Mapping[str, Any]

    def spec(self, rows: int, method: str) -> Spec:
        """For so many rows of such a file. RequestRefused where they do not fit together."""
        said = self.values.get("method", method)
        if said != method:
            kind = "preferences" if method == "dpo" else "answers"
            raise _refused(
                "method", f"is {said!r}, and the file's rows are {kind}", "Leave it out, or send other rows."
            )
        values = {"method": method, "batch": min(4, rows), **self.values, "base": self.base}
        if "steps" not in values:
            batch = values["batch"] if isinstance(values["batch"], int | float) and values["batch"] >= 1 else 1
            values["steps"] = max(1, math.ceil((self.epochs or _EPOCHS) * rows / batch))
        return Spec.of(values)


def read(raw: bytes) -> Asked:
    """Raises RequestRefused, by the parameter's name."""
    try:
        given = json.loads(raw)
        json.dumps(given, ensure_ascii=False).encode()  # half a character, which nothing can keep, is an error here
    except (ValueError, RecursionError) as error:
        raise RequestRefused("The body is not JSON.", instead="Send a JSON object.") from error
    if not isinstance(given, dict):
        raise RequestRefused("The body is no JSON object.", instead='Send {"model": ..., "training_file": ...}.')
    if unknown := sorted(given.keys() - set(_KNOWN)):
        raise _refused(unknown[0], "is unknown", f"Known: {', '.join(_KNOWN)}.")
    for name in ("model", "training_file"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise _refused(name, "is missing", "Name a model and the id of a file you sent.")
    if given.get("integrations"):
        raise _refused("integrations", "is not for this platform", "Leave it out.")
    kind, hyper = _method(given)
    values, epochs = _values(hyper)
    if kind:
        values["method"] = _TYPES[kind]
    if given.get("seed") is not None:
        values["seed"] = given["seed"]
    own = _object(given, "labkit")
    if clash := sorted(own.keys() & {"base", "method"}):
        raise _refused(f"labkit.{clash[0]}", "is said elsewhere", "Write model and method.")
    told = {
        "suffix": _suffix(given.get("suffix")),
        "metadata": _metadata(given),
        "type": kind,
        "hyperparameters": hyper,
    }
    return Asked(
        given["model"], given["training_file"], _text(given, "validation_file"), {**values, **own}, epochs, told
    )


def _method(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """("supervised", "dpo" or "" where nothing is said, hyperparameters)"""
    method, hyper = _object(given, "method"), _object(given, "hyperparameters")
    if not method:
        return "", hyper
    kind = method.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _refused("method.type", f"is {kind!r}"[:80], f"Use {' or '.join(_TYPES)}.")
    if unknown := sorted(method.keys() - {"type", kind}):
        raise _refused(f"method.{unknown[0]}", f"does not belong to {kind}", f"Write method.{kind}.")
    inner = _object(method, str(kind), "method.")
    if unknown := sorted(inner.keys() - {"hyperparameters"}):
        raise _refused(f"method.{kind}.{unknown[0]}", "is unknown", "Write hyperparameters.")
    return str(kind), {**hyper, **_object(inner, "hyperparameters", f"method.{kind}.")}


def _values(hyper: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    if unknown := sorted(hyper.keys() - set(_HYPER)):
        raise _refused(f"hyperparameters.{unknown[0]}", "is unknown", f"Known: {', '.join(_HYPER)}.")
    said = {name: value for name, value in hyper.items() if value != "auto" and value is not None}
    for name, value in said.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
            raise _refused(f"hyperparameters.{name}", f"is {value!r}"[:80], 'Write a number above 0, or "auto".')
    values: dict[str, Any] = {}
    if "batch_size" in said:
        values["batch"] = said["batch_size"]
    if "learning_rate_multiplier" in said:
        values["learning_rate"] = _RATE * said["learning_rate_multiplier"]
    if "beta" in said:
        values["beta"] = said["beta"]
    return values, said.get("n_epochs")


def _object(given: Mapping[str, Any], name: str, before: str = "") -> dict[str, Any]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refused(before + name, f"is {value!r}"[:80], "Write an object.")
    return value


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise _refused(name, f"is {value!r}"[:80], "Write a text.")
    return value or None


def _suffix(given: Any) -> str:
    if given is None or given == "":
        return ""
    if not isinstance(given, str) or not _SUFFIX.fullmatch(given):
        raise _refused("suffix", f"is {given!r}"[:120], "Use up to 64 letters, digits, dots, hyphens and underscores.")
    return given


def _metadata(given: Mapping[str, Any]) -> dict[str, str]:
    found = _object(given, "metadata")
    fits = all(_is_text(name, 64) and _is_text(value, 512) for name, value in found.items())
    if len(found) > _MOST_METADATA or not fits:
        raise _refused("metadata", "is too much", "Write up to 16 texts, names of 64 and values of 512 characters.")
    return found


def _is_text(value: Any, most: int) -> bool:
    """Text that can be told again: half a character cannot."""
    return isinstance(value, str) and len(value) <= most and not any("\ud800" <= char <= "\udfff" for char in value)


def _refused(name: str, what: str, instead: str) -> RequestRefused:
    return RequestRefused(f"{name} {what}.", instead=instead, param=name)
