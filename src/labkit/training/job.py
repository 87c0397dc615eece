"""A training job as it is kept, and the names it has on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from labkit.training.spec import Spec

OPEN = ("queued", "running")
PREFIX = "ft:"


@dataclass(frozen=True)
class Job:
    """`told` is what its caller said of it and hears again: suffix, metadata, method. `step_tokens` is what a step
    costs, `seconds` what it has cost."""

    id: str
    username: str
    cohort: str
    course: str
    lab: str
    spec: Spec
    told: Mapping[str, Any]
    training_file: str
    training_digest: str
    validation_file: str | None
    validation_digest: str | None
    state: str
    error: Mapping[str, str] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    step: int
    tokens: int
    step_tokens: float
    seconds: float
    adapter: str | None
    cancelling: bool
    tries: int

    @classmethod
    def of(cls, row: RowMapping | Mapping[str, Any]) -> Job:
        values = {name: row[name] for name in cls.__dataclass_fields__}
        return cls(**{**values, "spec": Spec.of(row["spec"])})

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def model(self) -> str:
        """The name under which its adapter answers, as OpenAI has them: ft:BASE:ORGANISATION:SUFFIX:ID."""
        return f"{PREFIX}{self.spec.base}:labkit:{self.told.get('suffix') or ''}:{self.id.removeprefix('ftjob-')}"

    @property
    def work_left(self) -> float:
        """In tokens through the base."""
        return self.step_tokens * max(0, self.spec.steps - self.step) if self.open else 0.0

    @property
    def about(self) -> dict[str, Any]:
        """What a checkpoint of it belongs to."""
        return {"spec": self.spec.to_json(), "data": self.training_digest}


def model_at(job: Job, step: int) -> str:
    """The name of what it was at a step; at the last it is its model."""
    return job.model if step == job.spec.steps else f"{job.model}:ckpt-step-{step}"


def job_of(model: str) -> tuple[str, int | None] | None:
    """(job's id, checkpoint's step if it is one) of such a name; None for any other."""
    parts = model.split(":")
    if not model.startswith(PREFIX) or len(parts) not in (5, 6):
        return None
    if len(parts) == 5:
        return f"ftjob-{parts[4]}", None
    step = parts[5].removeprefix("ckpt-step-")
    return (f"ftjob-{parts[4]}", int(step)) if step.isdecimal() and len(step) < 9 else None
