"""Files, jobs, events and checkpoints as OpenAI's objects; what this platform knows besides stands below "labkit"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.training.events import Checkpoint, Event
from labkit.training.files import TrainingFile
from labkit.training.job import Job, model_at
from labkit.training.turns import Forecast

_METHODS = {"sft": "supervised", "dpo": "dpo"}


def file_object(file: TrainingFile) -> dict[str, Any]:
    return {
        **{"id": file.id, "object": "file", "bytes": file.size, "created_at": _seconds(file.sent_at)},
        **{"filename": file.name, "purpose": file.purpose, "status": "processed"},
        "labkit": {"rows": file.rows, "method": file.method},
    }


def job_object(job: Job, forecast: Forecast | None) -> dict[str, Any]:
    """`forecast` of one that is not over."""
    spec = job.spec
    hyper = {"n_epochs": "auto", "batch_size": spec.batch, "learning_rate_multiplier": spec.learning_rate / 1e-3}
    hyper |= dict(job.told.get("hyperparameters") or {})
    kind = _METHODS[spec.method]
    finish = None
    if forecast is not None and job.open:
        finish = _seconds(datetime.now(UTC) + timedelta(seconds=forecast.seconds))
    return {
        **{"id": job.id, "object": "fine_tuning.job", "model": spec.base, "created_at": _seconds(job.created_at)},
        **{"finished_at": _seconds(job.finished_at), "status": job.state, "error": job.error or None},
        "fine_tuned_model": job.model if job.state == "succeeded" and job.adapter else None,
        **{"organization_id": "labkit", "result_files": [], "integrations": [], "seed": spec.seed},
        **{"training_file": job.training_file, "validation_file": job.validation_file},
        "trained_tokens": job.tokens if job.state == "succeeded" else None,
        "hyperparameters": {name: hyper[name] for name in ("n_epochs", "batch_size", "learning_rate_multiplier")},
        "method": {"type": kind, kind: {"hyperparameters": hyper}},
        **{"estimated_finish": finish, "metadata": job.told.get("metadata") or {}},
        "user_provided_suffix": job.told.get("suffix") or None,
        "labkit": {
            **{"step": job.step, "steps": spec.steps, "spec": spec.to_json(), "tokens": job.tokens},
            **{"seconds": round(job.seconds, 1), "cancelling": job.cancelling and job.open},
            "place": forecast.place if forecast and job.open else 0,
            "seconds_left": round(forecast.seconds, 1) if forecast and job.open else 0.0,
        },
    }


def event_object(event: Event) -> dict[str, Any]:
    return {
        **{"id": f"ftevent-{event.id}", "object": "fine_tuning.job.event", "created_at": _seconds(event.at)},
        **{"level": event.level, "message": event.text, "type": event.kind, "data": dict(event.data)},
    }


def checkpoint_object(found: Checkpoint, job: Job) -> dict[str, Any]:
    return {
        **{"id": found.id, "object": "fine_tuning.job.checkpoint", "created_at": _seconds(found.at)},
        **{"fine_tuning_job_id": found.job, "step_number": found.step, "metrics": dict(found.metrics)},
        "fine_tuned_model_checkpoint": model_at(job, found.step),
    }


def listed(objects: Sequence[dict[str, Any]], *, more: bool = False) -> dict[str, Any]:
    ends = {"first_id": objects[0]["id"], "last_id": objects[-1]["id"]} if objects else {}
    return {"object": "list", "data": list(objects), "has_more": more, **ends}


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None
