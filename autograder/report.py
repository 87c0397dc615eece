"""What grading one submission found, as it is shown, stored and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Check:
    """`hint` is all she may read to help her; `advice` is the author's part of it alone."""

    reason: str
    passed: bool
    hint: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Item:
    """One test of the lab. `pending`: it waits for the model, and its points mean nothing yet."""

    name: str
    points: float
    max: float
    checks: tuple[Check, ...] = ()
    hidden: bool = False
    pending: bool = False


@dataclass(frozen=True)
class Manual:
    """One answer a person grades."""

    name: str
    max: float


@dataclass(frozen=True)
class Report:
    """`score` of `max` automatic points. Where `fault` is set, the score means nothing and must not be recorded.

    `notes` are for the learner; the first `early_notes` of them tell of the time before any hidden test ran. Her
    code's own words may stand in notes and hints: escape them where they are shown. What is pending is not in `max`.
    `repaired`: her notebook was not as it was released. `limit` is the one her code met: time, memory, disk,
    file, files, processes, or "". `copied`: her answer is the lab's own; for her instructor to know. `figures` is
    what the tests measured on each item, for the author of the lab; it is not kept.
    """

    score: float
    max: float
    items: tuple[Item, ...]
    fault: str | None = None
    notes: tuple[str, ...] = ()
    manual: tuple[Manual, ...] = ()
    early_notes: int = 0
    repaired: bool = False
    limit: str = ""
    copied: bool = False
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether it waits for the model."""
        return any(item.pending for item in self.items)

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.score,
            "max": self.max,
            "items": [
                {
                    "name": item.name,
                    "points": item.points,
                    "max": item.max,
                    "checks": [vars(check).copy() for check in item.checks],
                    "hidden": item.hidden,
                    "pending": item.pending,
                }
                for item in self.items
            ],
            "fault": self.fault,
            "notes": list(self.notes),
            "early_notes": self.early_notes,
            "repaired": self.repaired,
            "limit": self.limit,
            "copied": self.copied,
            "manual": [{"name": answer.name, "max": answer.max} for answer in self.manual],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Report:
        return cls(
            score=data["score"],
            max=data["max"],
            items=tuple(
                Item(**{**item, "checks": tuple(Check(**check) for check in item["checks"])}) for item in data["items"]
            ),
            fault=data["fault"],
            notes=tuple(data.get("notes", ())),
            manual=tuple(Manual(**answer) for answer in data.get("manual", ())),
            early_notes=data.get("early_notes", 0),
            repaired=data.get("repaired", False),
            limit=data.get("limit", ""),
            copied=data.get("copied", False),
        )
