"""How much of everything is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class LabPlan:
    """Submissions of each way in each of so many `rounds`; 0 leaves a way out. `learners` hand in at once."""

    rounds: int = 3
    ours: int = 50
    calls: int = 2
    batch: int = 10
    in_process: int = 3
    otter_calls: int = 1
    otter_in_process: int = 2
    large_batch: int = 50  # stock's, once
    own_runs: int = 20
    watched: int = 5
    learners: int = 30


_FULL = {
    "light": LabPlan(),
    "train": LabPlan(calls=1, batch=4, in_process=2, otter_in_process=1),
    "prompt": LabPlan(),
}


@dataclass(frozen=True)
class Plan:
    labs: Mapping[str, LabPlan] = field(default_factory=lambda: MappingProxyType(_FULL))
    left_out: tuple[str, ...] = ()

    @staticmethod
    def quick() -> Plan:
        few: dict[str, int] = {"rounds": 1, "calls": 1, "batch": 0, "in_process": 0}
        few |= {"otter_calls": 0, "otter_in_process": 0, "large_batch": 0, "own_runs": 3, "watched": 1}
        light = LabPlan(ours=8, learners=5, **few)
        train = LabPlan(ours=5, learners=3, **few)
        left_out = (
            "the prompt lab",
            "stock in one batch and in process",
            "otter",
            "all rounds but one",
        )
        return Plan(MappingProxyType({"light": light, "train": train}), left_out)
