"""A class of forty on the real model, once calm and once with five of them flooding it.

    python -m benchmarks.gateway.flood [--json] [--quick] [--seconds 300]

Calm learners read and think between their questions; the five send eight calls at once, again and again. Both runs
have the same gateway settings, model process, questions and moments. What counts: the first token of the other
thirty-five (95th percentile, flooded over calm), every learner's allowance at the end against what her answers said
they used, and that no request is lost.

What this does not cover: a class that asks all in the same second, and a machine with a GPU.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import func, select

from benchmarks.gateway import started
from labkit.database import connect
from labkit.database.tables import allowances, calls, reservations

LEARNERS, FLOODING = 40, 5
_THINK_SECONDS, _AT_ONCE = 45.0, 8
_QUESTIONS = (
    "Name three dishes with rice and say in a few words what is in each.",
    "What is the capital of the Philippines, and what is it known for?",
    "Write one polite sentence that asks a colleague for last month's figures.",
    "Give two reasons to save drinking water in a town by the sea.",
)


@dataclass
class Diary:
    """What one learner saw: seconds until each first token, tokens her answers said they used, refusals, losses."""

    first: list[float] = field(default_factory=list)
    tokens: int = 0
    asked: int = 0
    answered: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)


def run(folder: Path, home: Path, seconds: float, flooding: int) -> dict[str, Any]:
    """One run; the figures of the thirty-five and of the books."""
    with ExitStack() as stack:
        _, backend = started.model(stack, folder, home, 8)
        names = [f"learner{number:02}" for number in range(LEARNERS)]
        gateway = started.gateway(stack, folder, [backend], "smollm2-135m-instruct", names, at_once=2, in_line=_AT_ONCE)
        diaries = asyncio.run(_class(gateway, names, seconds, flooding))
        books = _books(gateway.database, names, diaries)
    calm = [taken for name in names[FLOODING:] for taken in diaries[name].first]
    return {
        "first_token_p50": round(statistics.median(calm), 3),
        "first_token_p95": round(statistics.quantiles(calm, n=20)[-1], 3),
        "calls": sum(one.answered for one in diaries.values()),
        "calls_of_the_flood": sum(diaries[name].answered for name in names[:FLOODING]),
        "refused_of_the_flood": sum(diaries[name].refused for name in names[:FLOODING]),
        "refused_of_the_others": sum(diaries[name].refused for name in names[FLOODING:]),
        "lost": [said for one in diaries.values() for said in one.lost],
        **books,
    }


async def _class(gateway: started.Gateway, names: Sequence[str], seconds: float, flooding: int) -> dict[str, Diary]:
    diaries = {name: Diary() for name in names}
    until = time.monotonic() + seconds
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = []
        for number, name in enumerate(names):
            headers = {"Authorization": f"Bearer {gateway.key(name)}"}
            ask = _Learner(session, gateway.url, headers, diaries[name], random.Random(number))
            floods = number < flooding
            tasks += [ask.flood(until) for _ in range(_AT_ONCE)] if floods else [ask.think_and_ask(until)]
        await asyncio.gather(*tasks)
    return diaries


@dataclass
class _Learner:
    session: aiohttp.ClientSession
    url: str
    headers: dict[str, str]
    diary: Diary
    dice: random.Random

    async def think_and_ask(self, until: float) -> None:
        await asyncio.sleep(self.dice.uniform(0, _THINK_SECONDS))
        while time.monotonic() < until:
            await self._ask(24)
            await asyncio.sleep(self.dice.uniform(0.5, 1.5) * _THINK_SECONDS)

    async def flood(self, until: float) -> None:
        while time.monotonic() < until:
            await self._ask(64)

    async def _ask(self, most: int) -> None:
        # Its own beginning, so that no prompt finds another's in the model's cache.
        said = f"For my note {self.dice.randrange(10**6)}. {self.dice.choice(_QUESTIONS)}"
        messages = [{"role": "user", "content": said}]
        body = {"messages": messages, "max_tokens": most, "stream": True, "stream_options": {"include_usage": True}}
        began, first, usage, done, error = time.monotonic(), 0.0, 0, False, ""
        self.diary.asked += 1
        try:
            async with self.session.post(self.url, json=body, headers=self.headers) as answer:
                if answer.status == 429:
                    self.diary.refused += 1
                    await asyncio.sleep(1)
                    return
                if answer.status != 200:
                    error = f"{answer.status} {(await answer.text())[:200]}"
                async for line in answer.content:
                    if line.startswith(b"data: {"):
                        chunk = json.loads(line[6:])
                        if "error" in chunk:
                            error = chunk["error"]["message"]
                            break
                        if not first and any((one.get("delta") or {}).get("content") for one in chunk["choices"]):
                            first = time.monotonic() - began
                        usage = (chunk.get("usage") or {}).get("total_tokens", usage)
                    done = done or line.startswith(b"data: [DONE]")
        except (aiohttp.ClientError, TimeoutError, KeyError) as error:
            self.diary.lost.append(f"{type(error).__name__}: {error}")
            return
        if not done:
            self.diary.lost.append(error or "a stream ended before [DONE]")
            return
        self.diary.answered += 1
        self.diary.tokens += usage
        if first:
            self.diary.first.append(first)


def _books(url: str, names: Sequence[str], diaries: dict[str, Diary]) -> dict[str, Any]:
    """Every learner's allowance against what her answers said."""
    engine = connect(url)
    with engine.connect() as connection:
        rows = connection.execute(select(allowances).where(allowances.c.lab != "")).mappings().all()
        written = dict(connection.execute(select(calls.c.username, func.count()).group_by(calls.c.username)).all())
        still = connection.execute(select(func.count()).select_from(reservations)).scalar_one()
    engine.dispose()
    used = {row["username"]: row["used"] for row in rows}
    return {
        "wrong_allowances": [name for name in names if used.get(name, 0) != diaries[name].tokens],
        "wrong_audits": [name for name in names if written.get(name, 0) != diaries[name].answered],
        "still_reserved": still + sum(row["reserved"] for row in rows),
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.gateway.flood", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="18 seconds each: shows that it runs, not how it ends")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--model-home", type=Path, default=Path(".labkit/models"), metavar="DIR")
    arguments = parser.parse_args(argv)
    seconds = 18.0 if arguments.quick else arguments.seconds
    found: dict[str, Any] = {}
    for name, flooding in (("calm", 0), ("flooded", FLOODING)):
        with tempfile.TemporaryDirectory(prefix="labkit-flood-") as folder:
            found[name] = run(Path(folder), arguments.model_home, seconds, flooding)
    found["first_token_p95_ratio"] = round(found["flooded"]["first_token_p95"] / found["calm"]["first_token_p95"], 3)
    print(json.dumps(found, indent=None if arguments.json else 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
