"""Power cuts: records the scenario once, cuts it at many moments, and opens what is left as at a start."""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from benchmarks.crash.disk import Disk
from benchmarks.crash.scenario import HOLDER, Parts
from benchmarks.crash.trace import Event, read, record
from benchmarks.crash.verdict import Kept, Verdict, judge_books, judge_receipts
from labkit.database import reading

# How much of what was not synced survives: nothing, something, everything.
_SURVIVAL = (0.0, 0.5, 1.0)
_PROJECT = Path(__file__).resolve().parents[2]
SCENARIO = (sys.executable, "-m", "benchmarks.crash.scenario")


def run(cuts: int, tell: Callable[[str], None], *, seed: int = 0, program: Sequence[str] = SCENARIO) -> Verdict:
    """Cuts at `cuts` moments. `program` is started with a folder and prints its acknowledgements."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-cuts-"))
    try:
        home = folder / "home"
        home.mkdir()
        record([*program, str(home)], folder / "trace", cwd=_PROJECT)
        events = read(folder / "trace", home)
        tell(f"power cuts: {len(events)} events recorded")
        verdict, chance = Verdict(), random.Random(seed)
        for number, (said, disk) in enumerate(_moments(events, home, cuts, chance)):
            after = folder / f"cut-{number}"
            disk.write_after_a_cut(after, chance, _SURVIVAL[number % len(_SURVIVAL)])
            verdict += _judge(after, said, f"cut {number}")
            shutil.rmtree(after)
        return verdict
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _moments(
    events: Sequence[Event], home: Path, cuts: int, chance: random.Random
) -> Iterator[tuple[list[dict[str, Any]], Disk]]:
    """At each moment what was acknowledged so far and the disk, which goes on changing afterwards."""
    # Half of them right behind an acknowledgement, where what was forgotten shows.
    printed = [number for number, event in enumerate(events) if event.verb == "print"]
    chosen = sorted(chance.choices(printed, k=cuts // 2) + chance.choices(range(len(events)), k=cuts - cuts // 2))
    disk, said = Disk(home), list[dict[str, Any]]()
    played = 0
    for moment in chosen:
        for event in events[played : moment + 1]:
            if event.verb == "print":
                said += map(json.loads, event.data.splitlines())
            else:
                disk.play(event)
        played = max(played, moment + 1)
        yield said, disk


def _judge(home: Path, said: list[dict[str, Any]], name: str) -> Verdict:
    """Opens the folder as the platform does at a start, and looks for everything that was said."""
    verdict = Verdict()
    # Shared memory does not outlive a power cut.
    for path in home.rglob("*-shm"):
        path.unlink()
    try:
        parts = Parts.open(home)
    except Exception as error:
        verdict.lost.append(f"{name}: the platform does not start: {type(error).__name__}: {error}"[:300])
        return verdict
    try:
        parts.queue.recover()
        parts.ledger.recover(HOLDER)
        with reading(parts.engine) as connection:
            whole = connection.execute(text("PRAGMA integrity_check")).scalar_one()
        verdict.keeps(whole == "ok", f"{name}: the database is damaged: {whole}")
        kept = Kept.read(parts.engine)
    except DatabaseError as error:
        verdict.lost.append(f"{name}: the database is damaged: {error}"[:300])
        return verdict
    finally:
        parts.engine.dispose()
    verdict += _compare(kept, said, home, parts.signer.public_key, name)
    verdict += judge_books(kept)
    return verdict


def _compare(kept: Kept, said: list[dict[str, Any]], home: Path, public_key: str, name: str) -> Verdict:
    receipts = [one["receipt"] for one in said if "receipt" in one]
    acknowledged = [(receipt["files"]["clip.ipynb"], receipt) for receipt in receipts]
    verdict = judge_receipts(kept, acknowledged, home / "blobs", public_key)
    for one in said:
        if "score" in one:
            score = kept.scores.get(one["score"], {}).get("score")
            verdict.keeps(score == 5.0, f"{name}: the score of {one['score']} is {score}")
        if "charge" in one:
            amount = kept.charges.get(one["charge"], {}).get("amount")
            verdict.keeps(amount == one["amount"], f"{name}: the ledger line {one['charge']} says {amount}")
    return verdict
