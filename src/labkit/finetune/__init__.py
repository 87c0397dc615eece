"""`labkit.finetune(...)`: a learner trains an adapter of her own, beside everybody else's.

Rows are looked at in the notebook, so that a mistake is told before anything is sent.
"""

from __future__ import annotations

import re
from typing import Any

from labkit.client.installed import transport
from labkit.errors import ModelNotAllowed, RequestRefused
from labkit.finetune.listing import Trainings
from labkit.finetune.rows import rows, written
from labkit.finetune.training import Training

__all__ = ["Training", "Trainings", "finetune", "trainings"]
_MOST_HELD = 0.9
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def finetune(
    data: Any,
    *,
    base: str | None = None,
    steps: int | None = None,
    rank: int = 8,
    validation: Any = 0.1,
    seed: int = 0,
    name: str = "",
    **settings: Any,
) -> Training:
    """Trains a LoRA adapter of `base` (the lab's first model) on `data`, and gives what it is watched by.

    `data`: a list of {"prompt", "completion"}, of {"messages"} or of (question, answer), or a DataFrame with such
    columns; {"prompt", "chosen", "rejected"} trains on preferences. `validation`: the share of rows held back to see
    what is learned and what is learned by heart, rows of their own, or None. `settings` are learning_rate, batch,
    alpha, targets, layers ("all" or "upper"), schedule, warmup, length, weight_decay, clip, beta.

    Raises RequestRefused by row and field, AllowanceSpent where the lab's steps do not reach.
    """
    if name and not _NAME.fullmatch(name):
        raise RequestRefused(f"name is {name!r}."[:120], instead="Use letters, digits and . _ - in it, 64 at most.")
    learned, held = rows(data), None
    own = {"rank": rank, **({} if steps is None else {"steps": steps}), **settings}
    if isinstance(validation, float | int) and not isinstance(validation, bool):
        if not 0 < validation <= _MOST_HELD:
            raise RequestRefused(f"validation is {validation:g}.", instead="Write a share such as 0.1, rows, or None.")
        own["validation"] = validation  # the platform draws them: a row that is refused has its number here
    elif validation is not None:
        held = rows(validation)
    body: dict[str, Any] = {"model": base or _first(), "training_file": _send(learned), "seed": seed, "labkit": own}
    if held:
        body["validation_file"] = _send(held)
    if name:
        body["suffix"] = name
    return Training(transport().post("/v1/fine_tuning/jobs", body))


def trainings() -> Trainings:
    """Hers in this lab, the newest first: to go on watching one after the notebook was closed."""
    return Trainings(Training(job) for job in transport().get("/v1/fine_tuning/jobs?limit=100")["data"])


def _first() -> str:
    found = transport().get("/v1/fine_tuning/bases")["data"]
    if not found:
        raise ModelNotAllowed("Nothing is trained in this lab.", instead="Open the lab whose exercise it is.")
    return str(found[0]["id"])


def _send(given: list[dict[str, Any]]) -> str:
    return str(transport().send("/v1/files", {"purpose": "fine-tune"}, "rows.jsonl", written(given))["id"])
