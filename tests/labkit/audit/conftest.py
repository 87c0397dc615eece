"""A ledger with a clock, and calls made through it as the gateway makes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from labkit.allowance import Asked, Ledger, Order, Settlement, Share, Told
from labkit.database import connect

START = datetime(2026, 3, 1, 4, tzinfo=UTC)  # noon in Manila
PEOPLE = {"ana": "first", "ben": "first", "cid": "second", "maria": ""}
LABS = (("prompting", "clip", Share(5_000)), ("prompting", "triage", Share(9_000, per="total")))
MODELS = ("small", "large")
OUTCOMES = ("complete", "complete", "complete", "cancelled", "paused", "failed")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    yield engine
    engine.dispose()


def play(engine: Engine, dice: random.Random, calls: int, clock: Clock | None = None) -> None:
    """Calls of a few people over some days, some of them open at the end, some across midnight."""
    clock = clock or Clock()
    ledger = Ledger(engine, now=clock)
    running: list[str] = []
    for number in range(calls):
        clock.now += timedelta(minutes=dice.randrange(1, 400))
        who = dice.choice(list(PEOPLE))
        course, lab, rule = dice.choice(LABS)
        asked = Asked(dice.choice(("chat/completions", "score")), dice.choice(MODELS), "d" * 64)
        name = f"{dice.getrandbits(128):032x}"
        cohort = PEOPLE[who]
        order = Order(who, course, lab, rule, dice.randrange(200), "gateway", name, cohort, Share(), Share(per="total"))
        order = Order(**{**vars(order), "asked": asked})
        entries = [order]
        running.append(name)
        while len(running) > 3 or (running and dice.random() < 0.5):
            told = Told(dice.choice(OUTCOMES), dice.randrange(60), dice.randrange(60), dice.random() * 3, dice.random())
            used = None if told.outcome == "failed" else told.prompt_tokens + told.answer_tokens
            entries.append(Settlement(running.pop(0), used, told))
        ledger.write(entries)


@pytest.fixture
def played(engine: Engine) -> Callable[..., None]:
    return lambda seed=1, calls=40: play(engine, random.Random(seed), calls)
