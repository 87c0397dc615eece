"""Simulated calls to models, with charges and counters that balance as the ledger's own would.

What was asked is kept of none of them, and their digests are of nothing.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from labkit.allowance.order import UNIT
from labkit.allowance.rule import Share, window
from labkit.courses import Course, Lab

_KINDS = {"chat/completions": 80, "completions": 8, "score": 8, "embeddings": 4}
_OUTCOMES = {"complete": 93, "cancelled": 4, "failed": 2, "paused": 1}
# A second model, so that there is something to compare; labs name the first.
_MODELS = {"smollm2-135m-instruct": 85, "simulated-7b-instruct": 15}
_LONGEST = 4_000
_KEY = ("username", "cohort", "course", "lab", "unit", "window")


@dataclass
class Calls:
    """Rows of `calls` and `charges`, the former with the reservation's amounts still to be counted."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Manila"))

    def add(self, username: str, cohort: str, lab: Lab, at: datetime, dice: random.Random, tokens: int = 0) -> None:
        """One call that began at `at`; of about `tokens`, where they are given."""
        outcome = "complete" if tokens else dice.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
        prompt = dice.randrange(40, 500) if not tokens else tokens // 2
        answer = 0 if outcome == "failed" else dice.randrange(10, 250) if not tokens else tokens - prompt
        charged = 0 if outcome == "failed" else prompt + answer
        number, model = f"{dice.getrandbits(128):032x}", dice.choices(list(_MODELS), list(_MODELS.values()))[0]
        seconds, waited = round(0.2 + answer * 0.03 * dice.random(), 3), round(dice.expovariate(2), 3)
        ended = at + timedelta(seconds=seconds + waited)
        row: dict[str, Any] = {"id": number, "username": username, "course": lab.course, "lab": lab.id}
        told: dict[str, Any] = {
            "cohort": cohort,
            "kind": dice.choices(list(_KINDS), list(_KINDS.values()))[0],
            "model": model,
        }
        told |= {"outcome": outcome, "prompt_tokens": prompt, "answer_tokens": answer, "charged": charged}
        told |= {"seconds": seconds, "waited": waited, "digest": "", "opened_at": at, "closed_at": ended}
        self.calls.append(row | told)
        if charged:
            span = window(lab.allowance, self.zone, at).name
            self.charges.append(row | {"unit": UNIT, "window": span, "amount": charged, "at": ended})

    def before(self, username: str, cohort: str, lab: Lab, handed_in: datetime, dice: random.Random) -> None:
        """What she asked while she worked on what she then handed in."""
        for _ in range(dice.randrange(2, 7)):
            self.add(username, cohort, lab, handed_in - timedelta(minutes=dice.randrange(2, 300)), dice)

    def counters(self, labs: Mapping[tuple[str, str], Lab]) -> list[dict[str, Any]]:
        """The rows of `allowances` these calls leave behind."""
        found: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
        for one in self.calls:
            lab = labs[one["course"], one["lab"]]
            for key in _counted(one, lab, self.zone):
                found[key][0] += one["charged"]
                found[key][1] += one["outcome"] != "failed"
        return [
            dict(zip(_KEY, key, strict=True)) | {"used": used, "requests": requests, "most": _most(key, labs)}
            for key, (used, requests) in found.items()
        ]


def today(calls: Calls, people: Iterable[tuple[str, str, Course]], midnight: datetime, dice: random.Random) -> None:
    """This day's first calls of those (username, cohort, course) who are up late; some come near their limit."""
    for username, cohort, course in people:
        if dice.random() < 0.08:
            lab = dice.choice(course.labs)
            most = lab.allowance.tokens
            tokens = int(most * dice.uniform(0.82, 0.99)) if lab.allowance.per == "day" and dice.random() < 0.3 else 0
            for part in _parts(tokens):
                calls.add(username, cohort, lab, midnight + timedelta(seconds=dice.randrange(5, 50)), dice, part)


def _parts(tokens: int) -> Iterable[int]:
    """0 where how many does not matter; else calls no longer than models take."""
    whole, rest = divmod(tokens, _LONGEST)
    return [*([_LONGEST] * whole), rest] if rest > 1 else [_LONGEST] * whole or [0]


def reported(calls: Calls, dice: random.Random, now: datetime) -> list[dict[str, Any]]:
    """A few rows of `reports` on what was answered."""
    some = dice.sample(calls.calls, min(6, len(calls.calls)))
    return [
        {name: one[name] for name in ("username", "cohort", "course", "lab", "model")}
        | {"id": f"{dice.getrandbits(128):032x}", "call": one["id"], "at": min(one["closed_at"], now)}
        | {"asked": "A simulated question.", "answered": "A simulated answer.", "reason": "simulated: it is wrong"}
        for one in some
    ]


def _counted(one: Mapping[str, Any], lab: Lab, zone: ZoneInfo) -> Iterable[tuple[str, ...]]:
    at = one["opened_at"]
    yield (one["username"], "", lab.course, lab.id, UNIT, window(lab.allowance, zone, at).name)
    yield (one["username"], "", "", "", UNIT, window(Share(), zone, at).name)
    yield ("", one["cohort"], "", "", UNIT, window(Share(per="total"), zone, at).name)


def _most(key: tuple[str, ...], labs: Mapping[tuple[str, str], Lab]) -> int | None:
    lab = labs.get((key[2], key[3]))
    return lab.allowance.tokens if lab else None
