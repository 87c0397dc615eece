"""What becomes of a job, written down: its figures, its checkpoints, its model, and how it ended."""

from __future__ import annotations

import logging
import tempfile
import time
from pathlib import Path

from labkit import durable
from labkit.errors import LabkitError, LearnerError
from labkit.training import checkpoint, peft
from labkit.training.at_work import AtWork
from labkit.training.charges import Charges
from labkit.training.events import Events
from labkit.training.export import gguf_lora
from labkit.training.job import Job
from labkit.training.jobs import Jobs
from labkit.training.places import Places
from labkit.training.takeaway import GGUF

log = logging.getLogger("labkit.training")
_WRITE_SECONDS = 1.0  # figures of a fast job are written together
_FAULT = {"code": "PlatformFault", "message": "The training broke off through our fault.", "param": ""}


class Outcome:
    """`between` are the seconds from one checkpoint to the next.

    What has to do with a job at work says whether the job leaves the work: it is over, or somebody else has it now.
    """

    def __init__(self, jobs: Jobs, events: Events, charges: Charges, places: Places, between: float) -> None:
        self._jobs, self._events, self._charges, self._places = jobs, events, charges, places
        self._between = between

    def begun(self, one: AtWork) -> None:
        id, step = one.job.id, one.trained.step
        if one.job.tries > 1 or one.job.step:
            self._events.rewind(id, step)
            self._events.say(id, f"The training goes on from step {step}.")
        else:
            self._events.say(id, f"The training has begun: {_rows(one)}.")

    def stepped(self, one: AtWork) -> bool:
        """After each step, or once more where this could not be written down."""
        if one.broken:
            return self._broken(one)
        if one.left == 0:
            return self._done(one)
        if one.milestone and one.kept_at != one.trained.step:
            self._events.keep_checkpoint(one.job.id, one.trained.step, one.last, self._kept(one))
            one.kept_at = one.trained.step
        if time.monotonic() - one.saved > self._between:
            return self.saved(one)
        return time.monotonic() - one.written > _WRITE_SECONDS and self._lost(one)

    def saved(self, one: AtWork) -> bool:
        """A checkpoint: from here it goes on, whoever goes on with it."""
        if self._lost(one):
            return True
        self._places.make_state_folder(one.job.id)
        checkpoint.write(self._places.state(one.job.id), one.trained, one.job.about)
        one.saved = time.monotonic()
        return False

    def paused(self, one: AtWork) -> None:
        text = f"Your instructor has paused this at step {one.trained.step}; it goes on when the pause ends."
        self._events.say(one.job.id, text, "warn")

    def cancelled(self, one: AtWork) -> bool:
        return self._ended(one, "cancelled", "The training was cancelled.")

    def withdrawn(self, job: Job) -> None:
        """Cancelled before it came to work."""
        if self._jobs.finish(job.id, "cancelled"):
            self._close(job, "The training was cancelled.")

    def failed(self, job: Job, error: LabkitError) -> None:
        """Through what its learner asked for."""
        told = {"code": error.code, "message": str(error), "param": ""}
        if self._jobs.finish(job.id, "failed", error=told):
            self._close(job, str(error), "error")

    def given_up(self, job: Job) -> None:
        """After our own fault: it goes on from its last checkpoint, later, or has failed."""
        if self._jobs.give_up(job, _FAULT):
            self._events.say(job.id, "Something broke on our side; the training is tried again soon.", "warn")
        else:
            self._close(job, _FAULT["message"], "error")

    def _lost(self, one: AtWork) -> bool:
        """Its figures and how far it is; True where somebody else has it now, whose it is then."""
        if not self._jobs.progress(one.job.id, one.trained.step, one.tokens, one.seconds):
            log.warning("Job %s is somebody else's now", one.job.id)
            return True
        self._events.measured(one.job.id, one.figures)
        one.figures, one.written = [], time.monotonic()
        return False

    def _broken(self, one: AtWork) -> bool:
        step = one.trained.step + 1
        error = LearnerError(f"The loss was no number at step {step}.", instead="Lower learning_rate and try again.")
        if not self._lost(one):
            self.failed(one.job, error)
        return True

    def _done(self, one: AtWork) -> bool:
        digest = self._kept(one)
        self._for_llama(one, digest)
        self._events.keep_checkpoint(one.job.id, one.trained.step, one.last, digest)
        return self._ended(one, "succeeded", "The training is done; your model answers now.", digest)

    def _ended(self, one: AtWork, state: str, text: str, adapter: str | None = None) -> bool:
        if not self._lost(one) and self._jobs.finish(one.job.id, state, adapter=adapter):
            self._close(one.job, text)
        return True

    def _close(self, job: Job, text: str, level: str = "info") -> None:
        self._events.say(job.id, text, level)
        over = self._jobs.get(job.id)
        if over is not None:
            self._charges.settle(over)
        self._places.drop_state(job.id)

    def _kept(self, one: AtWork) -> str:
        """The adapter as it is now, among the files; its hash."""
        return self._places.keep_adapter(peft.write(one.trained.adapter, one.job.spec, one.trainer.resident.layers))

    def _for_llama(self, one: AtWork, digest: str) -> None:
        """The same for llama.cpp and ollama, where they know the kind of base."""
        config = one.trainer.resident.config
        if gguf_lora.knows(config):
            with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
                gguf_lora.write(one.trained.adapter, config, Path(file.name))
                durable.write(self._places.adapter(digest) / GGUF, Path(file.name).read_bytes(), 0o600)


def _rows(one: AtWork) -> str:
    """How many are learned from, and how many are not."""
    learned, held = len(one.rows), len(one.held_back)
    told = f"it learns from {learned} row{'s' * (learned > 1)}"
    if held:
        return f"{told}, {held} {'are' if held > 1 else 'is'} held back"
    return f"{told}; none is held back, since all are alike" if one.job.spec.validation else told
