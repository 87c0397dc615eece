"""Whether one more training may begin: there is room in a pass, and its memory is there.

Memory is estimated before anything is begun, so nobody's training ends because one more learner came. What would not
fit into an empty machine is refused with the settings to change; what does not fit now waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from labkit.errors import LearnerError
from labkit.training import memory
from labkit.training.job import Job
from labkit.training.resident import Resident
from labkit.training.turns import MOST_STEP, room_for


class Admission:
    """`most` bytes are for all trainings together, beside their bases and what is kept of the lower layers, which is
    bounded for each base (`CoTrainer`). `step_tokens` bound one step: nobody else has a turn while it is taken."""

    def __init__(self, most: int | None = None, step_tokens: int = MOST_STEP) -> None:
        self._most, self._step = memory.free() // 2 if most is None else most, step_tokens

    def room(self, at_work: Sequence[Job], job: Job) -> bool:
        """Whether the passes that are taken now have room for its tokens."""
        return room_for([one.step_tokens for one in at_work], job.step_tokens)

    def memory(self, at_work: Sequence[tuple[Job, Resident]], job: Job, resident: Resident) -> bool:
        """Whether its memory is there now; LearnerError where it never will be, or where a step of it is too large.
        `job.step_tokens` is what its largest step may be."""
        if job.step_tokens > self._step:
            raise LearnerError(
                f"A step of this training may take {job.step_tokens:,.0f} tokens; {self._step:,} are allowed.",
                instead="Lower batch, or shorten the longest rows.",
            )
        need = _need(job, resident)
        if need > self._most:
            raise LearnerError(
                f"This training needs about {_gigabytes(need)} of memory, {_gigabytes(self._most)} are there.",
                instead="Lower length, batch or rank.",
            )
        return need + sum(_need(one, its) for one, its in at_work) <= self._most


def _need(job: Job, resident: Resident) -> int:
    spec = job.spec
    shapes = resident.shapes(spec.targets, spec.first_layer(resident.layers))
    return memory.estimate(spec, job.step_tokens, resident.config, shapes)


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GB"
