"""A learner's own model by its name: another's does not exist for her."""

from __future__ import annotations

from labkit.training.events import Events
from labkit.training.job import Job, job_of, model_at
from labkit.training.jobs import Jobs


def own(jobs: Jobs, events: Events, username: str, model: str) -> tuple[Job, str] | None:
    """The training of a model of hers and the hash of its files; also of one on its way, `MODEL:ckpt-step-N`."""
    named = job_of(model)
    job = jobs.get(named[0], username) if named else None
    if job is None or named is None:
        return None
    if named[1] is None:
        return (job, job.adapter) if job.model == model and job.adapter else None
    kept = {model_at(job, one.step): one.adapter for one in events.checkpoints(job.id)}
    return (job, kept[model]) if model in kept else None
