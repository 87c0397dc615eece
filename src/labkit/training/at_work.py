"""A job while it is being trained: what it has come to, and what of that is not written down yet."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labkit.training.cotrainer import CoTrainer, Taken, Trained
from labkit.training.job import Job
from labkit.training.opening import largest_step
from labkit.training.order import batch

_VALIDATIONS = 5
_MILESTONES = 3  # adapters of a job that are kept: those on the way, and the last
_FEWEST_BETWEEN = 4  # steps from one to the next


@dataclass
class AtWork:
    """`rows` are learned from, `held_back` only measured; `seconds` is its share of the passes it was in."""

    job: Job
    trained: Trained
    trainer: CoTrainer
    rows: Sequence[Any]
    held_back: Sequence[Any]
    tokens: int
    seconds: float
    broken: bool = False  # its loss was no number
    figures: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    written: float = 0.0
    kept_at: int = -1  # the step of the newest adapter that was kept on the way
    saved: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        return self.job.spec.steps - self.trained.step

    @property
    def milestone(self) -> bool:
        """Whether its adapter is kept now, before it is done."""
        between = math.ceil(self.job.spec.steps / _MILESTONES)
        return between >= _FEWEST_BETWEEN and self.left > 0 and self.trained.step % between == 0

    @property
    def at_most(self) -> Job:
        """The job with the largest step it may take, which is what its memory must do for."""
        return replace(self.job, step_tokens=largest_step(self.rows, self.job.spec.batch))

    def batch(self) -> list[Any]:
        spec = self.job.spec
        return batch(self.rows, spec.batch, self.trained.step, spec.seed)

    def count(self, taken: Taken, seconds: float) -> None:
        """A step was taken; nothing of it is written down yet."""
        self.tokens += taken.tokens
        self.seconds += seconds
        self.broken = taken.broken

    def measure(self, taken: Taken) -> None:
        """The figures of the step that was taken; now and then with what it makes of the rows that were held back."""
        spec, step = self.job.spec, self.trained.step
        figures: dict[str, Any] = {"step": step, "total_steps": spec.steps, "train_loss": taken.loss}
        if taken.accuracy is not None:
            figures["train_accuracy"] = taken.accuracy
        figures |= {"tokens": self.tokens, "seconds": round(self.seconds, 3)}
        if self.held_back and (self.left == 0 or step % max(1, spec.steps // _VALIDATIONS) == 0):
            began = time.monotonic()
            held = self.trainer.loss(self.trained, self.held_back)
            self.seconds += time.monotonic() - began
            if not held.broken:
                figures["valid_loss"] = self.last["valid_loss"] = held.loss
        self.figures.append(figures)
        self.last |= {"step": step, "train_loss": taken.loss}
