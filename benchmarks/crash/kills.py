"""One run on one database: learners work, processes are killed, everything settles, the verdict is spoken."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import DBAPIError

from benchmarks.crash.learner import Learner, Work
from benchmarks.crash.postgresql import Server
from benchmarks.crash.restarter import Watched
from benchmarks.crash.testbed import COURSE, LAB, Testbed
from benchmarks.crash.verdict import Kept, Verdict, judge_ledger, judge_receipts, judge_scores
from labkit.courses import load_attempts, load_course
from labkit.database import connect, reading
from labkit.database.tables import reservations, submissions
from labkit.submissions.receipt import Signer

Tell = Callable[[str], None]
_LEARNERS = ("ana", "ben", "carla", "dino", "elsa", "fe")
# Answers that are graded in a moment; the others of the lab end the learner's process or take their time.
_ATTEMPTS = ("sorted_middle", "always_low", "rounds_the_middle")
# Without these two nobody can be told apart, so learners would mostly wait: the others are what is on trial.
_SELDOM = {"hub": 0.3, "proxy": 0.3}


@dataclass(frozen=True)
class Report:
    database: str
    kills: Mapping[str, int]
    submissions: int
    calls: int
    seconds: float
    verdict: Verdict


def run(
    kills: int,
    database: str,
    tell: Tell,
    *,
    seed: int = 0,
    pace: float = 1.2,
    rest: float = 5,
    broken: Mapping[str, tuple[str, ...]] | None = None,
) -> Report:
    """Kills `kills` times, one every `pace` seconds on average; each learner hands in every `rest` seconds.

    `broken` replaces processes' commands, to see that a broken platform is found out.
    """
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="labkit-crash-"))
    server = Server.make() if database == "postgresql" else None
    bed = Testbed(folder, _LEARNERS, server, argv=broken or {})
    try:
        bed.start()
        tell(f"{database}: the platform is up after {time.monotonic() - began:.0f} s")
        learners = _learners(bed, rest)
        with _at_work(learners):
            killed = _kill(bed, kills, random.Random(seed), pace, lambda number: tell(f"{database}: {number} kills"))
        verdict = _verdict(bed, learners, tell)
        diaries = [learner.diary for learner in learners]
        received, asked = sum(len(one.receipts) for one in diaries), sum(len(one.charges) for one in diaries)
        return Report(database, killed, received, asked, time.monotonic() - began, verdict)
    finally:
        bed.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _at_work(learners: list[Learner]) -> Iterator[None]:
    for learner in learners:
        learner.start()
    try:
        yield
    finally:
        for learner in learners:
            learner.finish()
        for learner in learners:
            learner.join()


def _verdict(bed: Testbed, learners: list[Learner], tell: Tell) -> Verdict:
    engine = connect(bed.settings.database_url)
    try:
        _settle(bed, engine, tell)
        return _judge(bed, engine, learners)
    finally:
        engine.dispose()


def _learners(bed: Testbed, rest: float) -> list[Learner]:
    lab = load_course(bed.settings.courses, COURSE).lab(LAB)
    attempts = [attempt for attempt in load_attempts(lab) if attempt.name in _ATTEMPTS]
    notebook = (bed.state.build / COURSE / "learner" / LAB / f"{LAB}.ipynb").read_bytes()
    urls = {name: bed.url(name) for name in ("submissions", "gateway")}
    return [Learner(name, bed.tokens[name], urls, notebook, attempts, rest) for name in _LEARNERS]


def _kill(bed: Testbed, kills: int, chance: random.Random, pace: float, tell: Callable[[int], None]) -> Counter[str]:
    killed, watched = Counter[str](), bed.restarter.watched
    # Each of them once, in any order, before it is left to chance.
    turn = chance.sample(sorted(watched), k=len(watched))
    while killed.total() < kills:
        time.sleep(chance.uniform(0.2, 2 * pace - 0.2))
        # One that answers, so that death finds it at work; now and then one that has only begun.
        alive = [one for one in watched.values() if one.pid]
        ready = [one for one in alive if one.answered]
        if not alive:
            continue
        among = ready if ready and chance.random() < 0.85 else alive
        weights = [_SELDOM.get(one.name, 1.0) for one in among]
        target = watched[turn.pop()] if turn else chance.choices(among, weights)[0]
        name, pid = _aim(bed, target, chance)
        if pid and bed.restarter.kill(pid):
            killed[name] += 1
            if killed.total() % 25 == 0:
                tell(killed.total())
    return killed


def _aim(bed: Testbed, target: Watched, chance: random.Random) -> tuple[str, int]:
    """Of PostgreSQL either the postmaster or one of its backends, which makes it recover too."""
    if bed.postgresql is not None and target.name == "postgresql" and chance.random() < 0.5:
        backends = bed.postgresql.backends(target.pid)
        if backends:
            return "postgresql backend", chance.choice(backends)
    return target.name, target.pid


def _settle(bed: Testbed, engine: Engine, tell: Tell) -> None:
    """Waits until everything answers, nothing waits for its grade and nothing is reserved."""
    bed.restarter.wait_until_all_answer(90)
    # What a fault of ours made wait is graded now. What is being graded is left alone: nobody helps the platform.
    with engine.begin() as connection:
        paused = submissions.c.state.in_(("queued", "fault"))
        connection.execute(update(submissions).where(paused).values(not_before=None))
    end = time.monotonic() + 240
    waiting, said = (1, 1), 0.0
    while waiting != (0, 0) and time.monotonic() < end:
        time.sleep(0.25)
        waiting = _waiting(engine)
        if time.monotonic() - said > 10:
            said = time.monotonic()
            tell(f"settling: {waiting[0]} to grade, {waiting[1]} reserved")
    bed.restarter.wait_until_all_answer(30)


def _waiting(engine: Engine) -> tuple[int, int]:
    try:
        with reading(engine) as connection:
            ungraded = select(func.count()).where((submissions.c.state != "graded") | ~submissions.c.written)
            reserved = select(func.count()).select_from(reservations)
            return connection.execute(ungraded).scalar_one(), connection.execute(reserved).scalar_one()
    except DBAPIError:
        return 1, 1


def _judge(bed: Testbed, engine: Engine, learners: list[Learner]) -> Verdict:
    kept = Kept.read(engine)
    receipts = [(learner.name, work, receipt) for learner in learners for work, receipt in learner.diary.receipts]
    key = Signer(bed.state.home / "secrets" / "receipts.pem").public_key
    acknowledged = [(work.sha256, receipt) for _, work, receipt in receipts]
    verdict = judge_receipts(kept, acknowledged, bed.state.home / "blobs", key)
    verdict += judge_scores(kept, _works(receipts), _gradebook(bed))
    verdict += judge_ledger(kept, {learner.name: learner.diary for learner in learners})
    verdict += _same_receipts(bed, receipts)
    for learner in learners:
        verdict.lost += [f"{learner.name} was told: {fault}" for fault in learner.diary.faults]
    return verdict


def _works(receipts: list[tuple[str, Work, dict[str, object]]]) -> dict[str, Work]:
    return {str(receipt["id"]): work for _, work, receipt in receipts}


def _same_receipts(bed: Testbed, receipts: list[tuple[str, Work, dict[str, object]]]) -> Verdict:
    """Asked again, the service gives each receipt word for word."""
    import httpx

    verdict, url = Verdict(), f"{bed.url('submissions')}/courses/{COURSE}/labs/{LAB}/submissions"
    with httpx.Client(timeout=60) as client:
        for username, token in bed.tokens.items():
            shown = (
                client.get(url, headers={"Authorization": f"token {token}"}).raise_for_status().json()["submissions"]
            )
            again = {one["receipt"]["id"]: one["receipt"] for one in shown}
            for name, _, receipt in receipts:
                if name == username:
                    same = again.get(str(receipt["id"])) == receipt
                    verdict.keeps(same, f"the receipt {receipt['id']} is not given again word for word")
    return verdict


def _gradebook(bed: Testbed) -> dict[str, list[float]]:
    """Each learner's score for the tests, once for each row nbgrader has of her."""
    import sqlite3

    # Read as SQLite: nbgrader itself would hide a doubled row behind its unique keys.
    query = (
        "SELECT sa.student_id, SUM(COALESCE(g.auto_score, 0)) FROM submitted_assignment sa "
        "JOIN submitted_notebook sn ON sn.assignment_id = sa.id JOIN grade g ON g.notebook_id = sn.id GROUP BY sn.id"
    )
    found: dict[str, list[float]] = {}
    with sqlite3.connect(bed.state.home / "nbgrader" / COURSE / "gradebook.db") as connection:
        for username, score in connection.execute(query):
            found.setdefault(username, []).append(score)
    connection.close()
    return found
