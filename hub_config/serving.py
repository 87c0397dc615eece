"""Which models the site serves and how: LABKIT_SERVING, a TOML file.

    person = {tokens = 50000, requests = 500}  # of one learner in all labs, each day
    at_once = 2                                # how many of her calls run
    in_line = 8                                # how many more of hers may wait
    embedded = true                            # this machine's own model answers first
    strict = false                             # an unknown parameter is refused, not left out
    keep_prompts = false                       # what is asked and answered is kept for thirty days
    moderation = {kind = "words", file = "PATH"}

    [[backends]]                               # more models, as docs/add-a-model-backend.md describes
    kind = "openai"
    url = "http://10.0.0.5:8000"
    models = {qwen3-8b = {upstream = "Qwen/Qwen3-8B", takes = ["tools"], context = 32768}}

    [training]                                 # what learners train and how: hub_config/training.py
    dtype = "bfloat16"

Everything may be left out. Paths are taken from the file's own folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub_config.training import Trained, read_training
from labkit.allowance import Share
from labkit.errors import OperatorError
from labkit.gateway.backends import open_backend
from labkit.gateway.moderation import open_moderator
from labkit.strict import strict


@dataclass(frozen=True)
class Serving:
    """What LABKIT_SERVING says."""

    person: dict[str, Any] = field(default_factory=dict)
    at_once: int = 2
    in_line: int = 8
    embedded: bool = True
    strict: bool = False
    keep_prompts: bool = False
    moderation: dict[str, Any] = field(default_factory=dict)
    backends: list[dict[str, Any]] = field(default_factory=list)
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def share(self) -> Share:
        """Of one learner in all labs of a day."""
        return Share(self.person.get("tokens"), self.person.get("requests"))

    def trained(self, where: str = "LABKIT_SERVING") -> Trained:
        return read_training(self.training, f"{where}: training", self.backends, embedded=self.embedded)

    def gateway(self, embedded: list[dict[str, Any]]) -> dict[str, Any]:
        """The gateway's settings; `embedded` are this machine's own backends."""
        return {
            "person_tokens": self.person.get("tokens", 0),
            "person_requests": self.person.get("requests", 0),
            "at_once": self.at_once,
            "in_line": self.in_line,
            "strict": self.strict,
            "keep_prompts": self.keep_prompts,
            "moderation": self.moderation,
            "backends": [*(embedded if self.embedded else []), *self.backends],
        }


def read_serving(file: Path | None) -> Serving:
    """What the file says, everything in it tried; without one, this machine's own model and no more."""
    if file is None:
        return Serving()
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OperatorError(
            f"{file} cannot be read ({error}).", instead="Name a TOML file in LABKIT_SERVING."
        ) from error
    where = str(file)
    found = strict(Serving, _absolute(table, file.parent.resolve()), where)
    _check(found, where)
    return found


def _check(found: Serving, where: str) -> None:
    if not all(isinstance(one, dict) for one in found.backends):
        raise OperatorError(f"{where}: backends is no list of tables.", instead="Write [[backends]] tables.")
    if unknown := sorted(found.person.keys() - {"tokens", "requests"}):
        raise OperatorError(f"{where}: person: unknown key {unknown[0]!r}.", instead="Known keys: tokens, requests.")
    numbers = {f"person.{name}": value for name, value in found.person.items()}
    for name, value in (numbers | {"at_once": found.at_once, "in_line": found.in_line}).items():
        if type(value) is not int or value < 1:
            raise OperatorError(
                f"{where}: {name} is {value!r}.", instead="Write a whole number above 0, or leave it out."
            )
    if not found.embedded and not found.backends:
        raise OperatorError(f"{where}: no model is left.", instead="Write a [[backends]] table, or embedded = true.")
    try:
        open_moderator(found.moderation)
        for one in found.backends:
            open_backend(one)
    except OperatorError as error:
        raise OperatorError(f"{where}: {error.message}", instead=error.instead) from error
    found.trained(where)


def _absolute(table: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """With the paths of key files and word lists made whole, for processes that run elsewhere."""

    def whole(inner: Any) -> Any:
        if not isinstance(inner, dict):
            return inner
        paths = {name: str(folder / inner[name]) for name in ("file", "key_file", "folder") if inner.get(name)}
        return {**inner, **paths}

    changed = dict(table)
    if "moderation" in changed:
        changed["moderation"] = whole(changed["moderation"])
    if isinstance(changed.get("backends"), list):
        changed["backends"] = [whole(one) for one in changed["backends"]]
    training = changed.get("training")
    if isinstance(training, dict) and isinstance(bases := training.get("bases"), dict):
        made = {name: str(folder / path) if isinstance(path, str) else path for name, path in bases.items()}
        changed["training"] = {**training, "bases": made}
    return changed
