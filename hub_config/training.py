"""What learners may train and how: the table `training` of LABKIT_SERVING.

    [training]
    embedded = true                            # this machine's own model may be trained
    bases = {qwen3-0.6b = "FOLDER"}            # more of them: safetensors, config.json and a tokenizer
    dtype = "float32"                          # or bfloat16: half the memory and, where processors know it, the time
    memory_mb = 0                              # for all trainings beside their bases; 0: half of what is free
    step_tokens = 4096                         # what one step of somebody's training may send through its base
    keep_mb = 1024                             # of one person's models, before she must give one up
    idle_seconds = 300                         # after which a base nobody trains leaves memory
    adapters_mb = 512                          # of learners' adapters, to answer with, in memory beside their base
    checkpoint_seconds = 30                    # no more than these is ever taken again
    nice = 10                                  # how far trainings stand back behind those who ask a model
    backend = {kind = "worker"}                # or kubernetes, as docs/add-a-training-backend.md describes

What is trained from a base of `bases` is answered by the `[[backends]]` table that names it in `adapters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labkit.errors import OperatorError
from labkit.models.embedded import MODEL_ID as EMBEDDED
from labkit.strict import strict
from labkit.training.__main__ import Settings, checked
from labkit.training.turns import MOST_STEP


@dataclass(frozen=True)
class Trained:
    """What the table says."""

    embedded: bool = True
    bases: dict[str, str] = field(default_factory=dict)
    dtype: str = "float32"
    memory_mb: int = 0
    step_tokens: int = MOST_STEP
    keep_mb: int = 1024
    idle_seconds: float = 300.0
    adapters_mb: int = 512
    checkpoint_seconds: float = 30.0
    nice: int = 10
    backend: dict[str, Any] = field(default_factory=lambda: {"kind": "worker"})

    @property
    def names(self) -> list[str]:
        return [*([EMBEDDED] if self.embedded else []), *self.bases]

    def gateway(self) -> dict[str, Any]:
        """Its part of the gateway's file."""
        return {"bases": self.names, "keep_mb": self.keep_mb}

    def worker(self, embedded: Path) -> dict[str, Any]:
        """Its part of the worker's file; `embedded` is where this machine's own model lies."""
        own = {EMBEDDED: str(embedded)} if self.embedded else {}
        return {
            **{"bases": own | self.bases, "dtype": self.dtype, "memory_mb": self.memory_mb, "nice": self.nice},
            **{"step_tokens": self.step_tokens},
            **{"idle_seconds": self.idle_seconds, "checkpoint_seconds": self.checkpoint_seconds},
            "backend": self.backend,
        }


def read_training(table: Any, where: str, backends: Sequence[Mapping[str, Any]], *, embedded: bool) -> Trained:
    """What it says, everything in it tried; `embedded`: whether this machine's own model answers here."""
    found = strict(Trained, table, where)
    if not embedded:
        if "embedded" in table and found.embedded:
            raise OperatorError(f"{where}: {EMBEDDED} does not answer here.", instead="Leave embedded out.")
        found = replace(found, embedded=False)
    if EMBEDDED in found.bases:
        raise OperatorError(f"{where}: {EMBEDDED} stands in bases.", instead="Leave it out: it is here already.")
    for name, folder in found.bases.items():
        if not isinstance(folder, str) or not (Path(folder) / "config.json").is_file():
            raise OperatorError(
                f"{where}: {name} is no model's folder.", instead="Name one with config.json and safetensors."
            )
    if found.keep_mb < 1:
        raise OperatorError(f"{where}: keep_mb is {found.keep_mb}.", instead="Write how much a person may keep.")
    answered = {base for one in backends for base in one.get("adapters", ())}
    if silent := sorted(found.bases.keys() - answered):
        instead = f"Write adapters = {{{silent[0]} = {{upstream = NAME}}}} in the [[backends]] table of its server."
        raise OperatorError(f"{where}: nobody answers for what is trained from {silent[0]}.", instead=instead)
    if found.adapters_mb < 0:
        raise OperatorError(
            f"{where}: adapters_mb is {found.adapters_mb}.", instead="Write a number that is not below 0."
        )
    checked(Settings("", "", **found.worker(Path())), where)
    return found
