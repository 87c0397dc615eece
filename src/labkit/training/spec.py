"""What is to be trained, once it has been looked at: every setting known, in its bounds, refused by its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

from labkit.errors import RequestRefused

METHODS = ("sft", "dpo")
SCHEDULES = ("constant", "linear", "cosine")
LAYERS = ("all", "upper")
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Spec:
    """One training. `length` is the longest row in tokens, `batch` rows (or pairs) make a step.

    `layers` "upper" changes the last third of the layers only: what the others compute is then the same for every step,
    and is kept. `warmup` is the share of the steps in which the learning rate rises; `validation` the share of the rows
    that is held back, where no rows of their own are.
    """

    base: str
    method: str = "sft"
    steps: int = 40
    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = TARGETS
    layers: str = "all"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup: float = 0.0
    batch: int = 4
    length: int = 512
    seed: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    beta: float = 0.1
    validation: float = 0.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Spec:
        """Raises RequestRefused, by the parameter's name, for what is unknown, of another type or out of bounds."""
        known = {one.name for one in fields(cls)}
        if unknown := sorted(given.keys() - known):
            settable = sorted(known - {"base", "method"})
            near = get_close_matches(unknown[0], settable, 1)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise _refused(unknown[0], "is unknown", f"{meant}Known: {', '.join(settable)}.")
        if not isinstance(given.get("base"), str):
            raise _refused("base", "is missing", 'Name a model, such as "smollm2-135m-instruct".')
        values = {name: _typed(name, value) for name, value in given.items()}
        spec = cls(**values)
        spec._check()
        return spec

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "targets": list(self.targets)}

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        rising = round(self.warmup * self.steps)
        if step < rising:
            return self.learning_rate * (step + 1) / rising
        if self.schedule == "constant":
            return self.learning_rate
        share = (step - rising) / max(1, self.steps - rising)
        fall = 1 - share if self.schedule == "linear" else (1 + math.cos(math.pi * share)) / 2
        return self.learning_rate * fall

    def first_layer(self, layers: int) -> int:
        """The first layer that is changed, of a base with so many."""
        return layers - max(1, layers // 3) if self.layers == "upper" else 0

    def _check(self) -> None:
        for name, known in (("method", METHODS), ("schedule", SCHEDULES), ("layers", LAYERS)):
            if (value := getattr(self, name)) not in known:
                raise _refused(name, f"is {value!r}", f"Write one of {', '.join(known)}.")
        for name, (least, most) in _BOUNDS.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise _refused(name, f"is {value}", f"Write a number from {least:g} to {most:g}.")
        if not self.targets or not set(self.targets) <= set(TARGETS) or len(set(self.targets)) < len(self.targets):
            raise _refused("targets", f"is {list(self.targets)}", f"Name some of {', '.join(TARGETS)}, each once.")


_BOUNDS: dict[str, tuple[float, float]] = {
    "steps": (1, 10_000),
    "rank": (1, 64),
    "alpha": (0.1, 1024),
    "learning_rate": (1e-7, 1.0),
    "warmup": (0, 0.9),
    "batch": (1, 64),
    "length": (8, 8192),
    "seed": (0, 2**31 - 1),
    "weight_decay": (0, 1),
    "clip": (1e-3, 1e6),
    "beta": (1e-3, 10),
    "validation": (0, 0.9),
}
_HUGE = 1e15
_WHOLE = ("steps", "rank", "batch", "length", "seed")


def _typed(name: str, value: Any) -> Any:
    if name in _BOUNDS:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE < value < _HUGE:
            raise _refused(name, f"is {value!r}"[:80], "Write a number.")
        if name in _WHOLE and value != int(value):
            raise _refused(name, f"is {value}", "Write a whole number.")
        return int(value) if name in _WHOLE else float(value)
    if name == "targets":
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise _refused(name, f"is {value!r}"[:80], f"Write a list of some of {', '.join(TARGETS)}.")
        return tuple(value)
    if not isinstance(value, str):
        raise _refused(name, f"is {value!r}"[:80], "Write a text.")
    return value


def _refused(name: str, what: str, instead: str) -> RequestRefused:
    return RequestRefused(f"{name} {what}.", instead=instead, param=name)
