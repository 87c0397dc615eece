"""What a learner took home, as a repository for Hugging Face or ModelScope.

Refused is what others must not get: files that are none of a model's, a base whose licence does not let models made
from it be passed on, data without a licence, people's data without their word. Both hubs read the same card;
ModelScope's own `configuration.json` lies beside it.

Does not cover: whether what is said of the data is true. Whoever publishes answers for that, and the card says so.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from labkit import durable
from labkit.errors import OperatorError
from labkit.models import Model, find_published
from labkit.training.adapter_files import CONFIG, WEIGHTS, with_base

CARD = "README.md"
MODELSCOPE = "configuration.json"
_LARGEST = 2**31
_KNOWN = re.compile(r"[\w.-]+\.(json|safetensors|md|gguf|txt|jinja)|Modelfile")
# Licences whose texts let what is made from the work be passed on under terms of one's own, with its notice.
_BASES = ("Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0")
DATA = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "Apache-2.0", "MIT", "OGL-3.0")
_MORE = """
## Data and consent

| | |
|---|---|
| Licence of the data | {licence} |
| People in the data | {people} |
| Published by | {by} |

Whoever published it said this of the data and answers for it.
"""


@dataclass(frozen=True)
class Consent:
    """What whoever publishes says: the data's licence (SPDX), and that people in it agreed or that there are none."""

    data_licence: str
    people: str  # "agreed" or "none"
    by: str


def prepare(file: Path, consent: Consent, target: Path) -> str:
    """Writes the repository's files into `target`, which must not be there. OperatorError, or the base's id."""
    _check(consent)
    with _opened(file) as zipped:
        names = _names(zipped, file)
        config = json.loads(zipped.read(CONFIG)) if CONFIG in names else {}
        card = zipped.read(CARD).decode("utf-8", "replace")
        base = _base(str(config.get("base_model_name_or_path") or _base_of(card)))
        durable.make_folder(target)
        for name in names - {CARD}:
            (target / name).write_bytes(zipped.read(name))
        if config and base.repo:  # a file of an earlier release has the base's name here
            (target / CONFIG).write_bytes(with_base(zipped.read(CONFIG), base.repo))
    _check_weights(target)
    people = "they agreed" if consent.people == "agreed" else "there are none"
    more = _MORE.format(licence=consent.data_licence, people=people, by=consent.by)
    (target / CARD).write_text(card.rstrip() + "\n" + more, encoding="utf-8")
    (target / MODELSCOPE).write_text(json.dumps({"framework": "pytorch", "task": "text-generation"}) + "\n")
    return base.id


def _check(consent: Consent) -> None:
    if consent.data_licence not in DATA:
        raise OperatorError(
            f"The data's licence is {consent.data_licence!r}.", instead=f"Write one of {', '.join(DATA)}, if it is so."
        )
    if consent.people not in ("agreed", "none"):
        raise OperatorError(
            "Nothing is said of the people in the data.",
            instead="Write --people agreed if each of them agreed, --people none if nobody is in it.",
        )
    if not consent.by.strip():
        raise OperatorError("Nobody is named as the one who publishes.", instead="Write --by NAME.")


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise OperatorError(f"{file} is no zip file ({error}).", instead="Give what job.download() wrote.") from error


def _names(zipped: zipfile.ZipFile, file: Path) -> set[str]:
    names = {one.filename for one in zipped.infolist()}
    if odd := sorted(name for name in names if not _KNOWN.fullmatch(name)):
        raise OperatorError(f"{file} has {odd[0][:80]!r}.", instead="Publish only what job.download() wrote.")
    if sum(one.file_size for one in zipped.infolist()) > _LARGEST:
        raise OperatorError(f"{file} unpacks to more than 2 GB.", instead="Publish the adapter alone.")
    weights = [name for name in names if name.endswith(".safetensors")]
    if CARD not in names or not weights:
        raise OperatorError(
            f"{file} has no {CARD if weights else 'weights'}.",
            instead='Give what job.download() or job.download(format="safetensors") wrote.',
        )
    return names


def _base_of(card: str) -> str:
    found = re.search(r"^\| Base \| (\S+)", card, re.M)
    return found[1] if found else ""


def _base(name: str) -> Model:
    model = find_published(name)  # OperatorError, with what is known
    if model.licence not in _BASES:
        raise OperatorError(
            f"{name} is under {model.licence}, which may not let what is made from it be passed on.",
            instead=f"Read {model.card or 'its licence'}; publish it by hand if you may.",
        )
    return model


def _check_weights(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        try:
            with safe_open(path, framework="numpy") as weights:
                names = list(weights.keys())
        except (OSError, SafetensorError) as error:
            raise OperatorError(f"{path.name} is no safetensors file.", instead="Download it again.") from error
        if path.name == WEIGHTS and not all(".lora_A." in name or ".lora_B." in name for name in names):
            raise OperatorError(f"{path.name} holds more than an adapter.", instead="Download it again.")
