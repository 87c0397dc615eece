"""How a training stands, as far as it has been told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OVER = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Standing:
    """`place` is 0 once it runs; `seconds_left` until its model answers; `train` and `held` are (step, loss)."""

    id: str
    state: str
    step: int
    steps: int
    place: int
    seconds_left: float
    tokens: int
    model: str | None
    error: str = ""
    said: str = ""
    cancelling: bool = False
    away: bool = False  # as it was when the platform last answered
    train: tuple[tuple[int, float], ...] = ()
    held: tuple[tuple[int, float], ...] = ()

    @property
    def over(self) -> bool:
        return self.state in _OVER

    @property
    def line(self) -> str:
        """In a sentence: where it is and how long it will take."""
        if self.away:
            return f"The platform is away; your training goes on without this notebook. Last heard: step {self.step}."
        if self.cancelling:
            return f"Being cancelled: it ends before its next step; {self.step} of {self.steps} were taken."
        if self.state == "queued":
            span = _span(self.seconds_left)
            return f"Waiting: you are number {self.place or 1} in the queue; your model answers in about {span}."
        if self.state == "running":
            loss = f", loss {self.train[-1][1]:.2f}" if self.train else ""
            return f"Training: step {self.step} of {self.steps}{loss}; about {_span(self.seconds_left)} left."
        if self.state == "succeeded":
            model = f"Your model is {self.model}" if self.model else "Its model was given up"
            return f"Done after {self.steps} steps. {model}."
        if self.state == "cancelled":
            return f"Cancelled after {self.step} of {self.steps} steps."
        return f"It failed. {self.error}".strip()

    @property
    def facts(self) -> list[tuple[str, str]]:
        found = [("Steps", f"{self.step} of {self.steps}"), ("Tokens", f"{self.tokens:,}")]
        if self.train:
            found.append(("Training loss", f"{self.train[-1][1]:.3f}"))
        if self.held:
            found.append(("Loss on rows held back", f"{self.held[-1][1]:.3f}"))
        if not self.over:
            found.append(("Time left", f"about {_span(self.seconds_left)}"))
        if self.said and not self.over:
            found.append(("Last word", self.said))
        return found


def standing(job: Mapping[str, Any], figures: Mapping[int, Mapping[str, Any]], said: str) -> Standing:
    """From what the platform tells of a job; `figures` are those of its steps."""
    own, error = job.get("labkit", {}), job.get("error") or {}
    steps = sorted(figures)
    return Standing(
        id=job["id"],
        state=job["status"],
        step=max([own.get("step", 0), *steps[-1:]]),
        steps=own.get("steps", 0),
        place=own.get("place", 0),
        seconds_left=own.get("seconds_left", 0.0),
        tokens=own.get("tokens", 0),
        model=job.get("fine_tuned_model"),
        error=error.get("message", ""),
        said=said,
        cancelling=bool(own.get("cancelling")),
        train=tuple((step, figures[step]["train_loss"]) for step in steps if "train_loss" in figures[step]),
        held=tuple((step, figures[step]["valid_loss"]) for step in steps if "valid_loss" in figures[step]),
    )


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
