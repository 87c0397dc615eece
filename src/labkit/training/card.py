"""The model card that goes with an adapter: what it came from, under which licence, and how it did."""

from __future__ import annotations

from labkit.errors import OperatorError
from labkit.models import find
from labkit.training.events import Checkpoint
from labkit.training.job import Job

_TEMPLATE = """---
library_name: peft
base_model: {repo}
license: {licence_tag}
tags: [lora, {method}]
---

# {title}

A LoRA adapter for **{base}**, trained with labkit in the lab {course}/{lab}.

| | |
|---|---|
| Base | {base} ({card}) |
| Licence of the base | {licence} |
| Method | {method}, rank {rank}, alpha {alpha:g}, {targets}, layers: {layers} |
| Steps | {step} of {steps}, {batch} rows each, learning rate {rate:g} ({schedule}), seed {seed} |
| Data | {rows}SHA-256 `{data}` |
| Trained | {when} UTC, {tokens:,} tokens, {seconds:.0f} s |
| Loss | {loss} |

The data is not part of these files. What the adapter may be used for depends on the base's licence **and** on the
data's: whoever passes it on answers for both. It was not tested for anything but the figures above.
"""


def card(job: Job, last: Checkpoint | None) -> str:
    """Markdown with Hugging Face's and ModelScope's header."""
    spec = job.spec
    try:
        model = find(spec.base)
        licence, where, repo = model.licence, model.card, model.repo
    except OperatorError:
        licence, where, repo = "not known to this platform", "", ""
    metrics = last.metrics if last else {}
    said = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items() if name.endswith("_loss")]
    return _TEMPLATE.format(
        **{"base": spec.base, "card": where or "no card known", "licence": licence},
        repo=repo or spec.base,
        licence_tag=licence.lower() if " " not in licence else "other",
        title=f"{job.told.get('suffix') or 'adapter'} of {spec.base}",
        method={"sft": "supervised fine-tuning", "dpo": "direct preference optimisation"}[spec.method],
        **{"course": job.course, "lab": job.lab, "rank": spec.rank, "alpha": spec.alpha, "layers": spec.layers},
        **{"targets": ", ".join(spec.targets), "step": job.step, "steps": spec.steps, "batch": spec.batch},
        **{"rate": spec.learning_rate, "schedule": spec.schedule, "seed": spec.seed, "rows": ""},
        **{"data": job.training_digest, "tokens": job.tokens, "seconds": job.seconds},
        when=f"{job.finished_at:%Y-%m-%d %H:%M}" if job.finished_at else "not finished",
        loss=", ".join(said) or "not measured",
    )
