"""terms.json beside the models: which account of this machine accepted which terms of use, and when.

    [{"model", "account", "at": ISO 8601 in UTC, "terms_sha256", "terms_url"}], oldest first; nothing is taken out

An account is the operating system's, by its number: nobody can name another in an environment variable. What it does
not cover: who sat at the keyboard, and whether she read the terms.
"""

from __future__ import annotations

import json
import os
import pwd
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit import durable
from labkit.errors import OperatorError
from labkit.models.record import Model
from labkit.strict import strict

TERMS = "terms.json"


@dataclass(frozen=True)
class Acceptance:
    model: str
    account: str
    at: str
    terms_sha256: str
    terms_url: str


def read_acceptances(folder: Path) -> list[Acceptance]:
    """Every acceptance, oldest first. Raises OperatorError where the file is damaged."""
    path = folder / TERMS
    if not path.exists():
        return []
    try:
        return [strict(Acceptance, one, str(path)) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise OperatorError(f"{path} cannot be read ({error}).", instead="Put it back from a copy.") from error


def accepted(folder: Path, model: Model) -> Acceptance | None:
    """The newest acceptance of the model's present terms; None where they changed since."""
    fitting = (
        one for one in read_acceptances(folder) if one.model == model.id and one.terms_sha256 == model.terms_sha256
    )
    return max(fitting, key=lambda one: one.at, default=None)


def accept(folder: Path, model: Model) -> Acceptance:
    """Records that whoever runs this accepts the model's terms."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    fresh = Acceptance(model.id, _account(), now, model.terms_sha256, model.terms_url)
    durable.make_folder(folder)
    every = [asdict(one) for one in (*read_acceptances(folder), fresh)]
    durable.write(folder / TERMS, json.dumps(every, indent=1).encode() + b"\n")
    return fresh


def require(folder: Path, model: Model) -> None:
    """Raises OperatorError, saying where to read and how to accept, where the model's terms were not accepted."""
    if model.terms and accepted(folder, model) is None:
        raise OperatorError(
            f"{model.title} has terms of its own, which restrict what it may be used for; a person must accept them "
            f"first. Read {model.terms_url} (SHA-256 of the text packaged with it: {model.terms_sha256}).",
            instead=f"If you accept them: labkit models fetch {model.id} --accept-terms",
        )


def _account() -> str:
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
