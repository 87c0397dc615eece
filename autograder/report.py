"""What grading one submission found, as it is shown, stored and sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    reason: str
    passed: bool
    hint: str = ""


@dataclass(frozen=True)
class Item:
    """One test of the lab."""

    name: str
    points: float
    max: float
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Manual:
    """One answer a person grades."""

    name: str
    max: float


@dataclass(frozen=True)
class Report:
    """`score` of `max` automatic points. Where `fault` is set, the score means nothing and must not be recorded.

    `notes` are for the learner. Her code's own words may stand in notes and hints: escape them where they are shown.
    """

    score: float
    max: float
    items: tuple[Item, ...]
    fault: str | None = None
    notes: tuple[str, ...] = ()
    manual: tuple[Manual, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "max": self.max,
            "items": [
                {
                    "name": item.name,
                    "points": item.points,
                    "max": item.max,
                    "checks": [{"reason": c.reason, "passed": c.passed, "hint": c.hint} for c in item.checks],
                }
                for item in self.items
            ],
            "fault": self.fault,
            "notes": list(self.notes),
            "manual": [{"name": answer.name, "max": answer.max} for answer in self.manual],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Report:
        return cls(
            score=data["score"],
            max=data["max"],
            items=tuple(
                Item(item["name"], item["points"], item["max"], tuple(Check(**check) for check in item["checks"]))
                for item in data["items"]
            ),
            fault=data["fault"],
            notes=tuple(data.get("notes", ())),
            manual=tuple(Manual(**answer) for answer in data.get("manual", ())),
        )
