"""`labkit demo`: fills a platform with simulated people, cohorts and a plausible term, to look at it at scale.

Everything of it says so: cohorts are called simulated-…, people simulated-… at example.org, whose addresses belong to
nobody. Nobody can sign in as one of them without a link made for it, there are no files behind their submissions, and
the command refuses a platform with anybody real in it. One of them, simulated-teacher, teaches every cohort. The same
seed gives the same term.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, func, insert, select, update

from hub_config.database import opened
from hub_config.demonstration import EVERYBODY
from hub_config.settings import read
from hub_config.simulated_calls import Calls, reported, today
from labkit.courses import Course, Lab, load_course, load_text
from labkit.database.tables import allowances, calls, charges, gradings, people, reports, scores, submissions
from labkit.errors import OperatorError
from labkit.programme.cohorts import Cohort, change
from labkit.programme.roster.apply import apply
from labkit.programme.roster.read import Contents, Row
from labkit.programme.suspension import in_parts

PREFIX = "simulated-"
MOST = 50_000
_COHORTS = ("2026-a", "2026-b", "2026-c")
_TERM_DAYS = 84
_GIVEN = ("Maria", "Jose", "Juan", "Ana", "Mark", "Angel", "Grace", "Paolo", "Joy", "Ramon", "Liza", "Niño", "Rosa")
_FAMILY = ("Santos", "Reyes", "Cruz", "Bautista", "Ocampo", "Garcia", "Mendoza", "Torres", "Muñoz", "Peña", "Dizon")
# Region and its weight: more people live in some than in others.
_REGIONS = {"NCR": 28, "Region IV-A": 20, "Region III": 14, "Region VII": 12, "Region XI": 9, "CAR": 4, "BARMM": 6}


@dataclass(frozen=True)
class Work:
    """The rows of a term, by table."""

    submissions: list[dict[str, Any]]
    scores: list[dict[str, Any]]
    gradings: list[dict[str, Any]]
    calls: Calls


def demo(argv: list[str]) -> int:
    """Fills an empty or demonstration platform with simulated learners in three cohorts, and their term."""
    parser = argparse.ArgumentParser(prog="labkit demo", description=demo.__doc__, allow_abbrev=False)
    parser.add_argument("--learners", type=int, default=5000, help=f"how many (3 to {MOST}; 5000)")
    parser.add_argument("--seed", type=int, default=2026, help="another number, another term")
    given = parser.parse_args(argv)
    if not 3 <= given.learners <= MOST:
        raise OperatorError(f"{given.learners} learners cannot be simulated.", instead=f"Give 3 to {MOST}.")
    settings = read()
    courses = [load_course(settings.courses, name) for name in settings.taught]
    with opened(settings, create=True) as engine:
        refuse_real_people(engine)
        fill(engine, courses, given.learners, given.seed, _today(ZoneInfo(settings.timezone)))
    print(f"{given.learners} simulated learners in {len(_COHORTS)} cohorts called {PREFIX}…")
    return 0


def refuse_real_people(engine: Engine) -> None:
    """Raises OperatorError where somebody is there who is neither simulated nor of the demonstration."""
    ours = [one.username for one in EVERYBODY]
    real = people.c.username.not_like(f"{PREFIX}%"), people.c.username.not_in(ours)
    with engine.connect() as connection:
        if connection.execute(select(func.count()).select_from(people).where(*real)).scalar_one():
            raise OperatorError(
                "There are people on this platform who are not simulated.",
                instead="Simulate on a platform of its own: LABKIT_HOME=.labkit-demo labkit demo",
            )


def fill(engine: Engine, courses: Sequence[Course], learners: int, seed: int, now: datetime | None = None) -> None:
    """People through the roster as an officer would give them; then, once for each of them, their work."""
    # Whole days of the place the people are in.
    now = now or _today(ZoneInfo("Asia/Manila"))
    dice = random.Random(seed)
    rows = _roster(courses, learners, dice)
    done = apply(engine, Contents(tuple(rows), ()), [course.id for course in courses], may_empty=True)
    assert not done.mistakes, done.mistakes[:1]
    begins = {row.cohort: now - timedelta(days=(70, 42, 14)[place]) for place, row in enumerate(_firsts(rows))}
    for cohort, course in {row.cohort: row.course for row in rows}.items():
        ends = begins[cohort] + timedelta(days=_TERM_DAYS)
        change(engine, Cohort(cohort, course, begins[cohort], ends, "fil" if cohort.endswith("b") else None))
    with engine.begin() as connection:
        known = {row.email: row.username for row in connection.execute(select(people.c.email, people.c.username))}
        worked = select(submissions.c.username).where(submissions.c.username.like(f"{PREFIX}%")).limit(1)
        if connection.execute(worked).first() is None:
            work = _term(rows, known, courses, begins, now, dice)
            _write(connection, work, known, rows, begins, dice)
            _write_calls(connection, work.calls, courses, dice, now)


def _today(zone: ZoneInfo) -> datetime:
    return datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _firsts(rows: Sequence[Row]) -> list[Row]:
    return list({row.cohort: row for row in reversed(rows)}.values())[::-1]


def _roster(courses: Sequence[Course], learners: int, dice: random.Random) -> list[Row]:
    regions = dice.choices(list(_REGIONS), list(_REGIONS.values()), k=learners)
    rows = []
    for number in range(learners):
        place = number * len(_COHORTS) // learners
        about = {
            "language": dice.choice(("en", "fil")),
            "region": regions[number],
            "sex": dice.choice(("female", "male")),
            "disability": dice.random() < 0.04,
            "employer": "Simulated",
        }
        email = f"{PREFIX}{number + 1:05}@example.org"
        cohort, course = f"{PREFIX}{_COHORTS[place]}", courses[place % len(courses)].id
        name = dice.choice(_GIVEN), dice.choice(_FAMILY)
        rows.append(Row("simulation", number + 2, email, *name, "learner", cohort, course, about))
    teacher = f"{PREFIX}teacher@example.org", "Tess", "Villanueva", "instructor"
    taught = {row.cohort: row.course for row in rows}.items()
    return [*rows, *(Row("simulation", learners + 2, *teacher, cohort, course, {}) for cohort, course in taught)]


def _term(
    rows: Sequence[Row],
    known: dict[str, str],
    courses: Sequence[Course],
    begins: dict[str, datetime],
    now: datetime,
    dice: random.Random,
) -> Work:
    """Who is able hands in earlier, oftener and better; some never come, some stop half-way."""
    calls = Calls(zone=now.tzinfo) if isinstance(now.tzinfo, ZoneInfo) else Calls()
    work = Work([], [], [], calls)
    labs = {course.id: [(lab, _items(lab)) for lab in course.labs] for course in courses}
    learn = [row for row in rows if row.role == "learner"]
    for row in learn:
        stays = dice.random()
        able = min(1.0, max(0.05, dice.gauss(0.68, 0.2)))
        day = dice.random() * 9
        for lab, items in labs[row.course]:
            if stays < 0.08 or (stays < 0.22 and day > 12):
                break
            for attempt in range(1 + (dice.random() < 0.35)):
                day += dice.random() * 6 + 1
                at = begins[row.cohort] + timedelta(days=day)
                if at < now:
                    _hand_in(work, known[row.email], lab, items, min(1.0, able + 0.15 * attempt), at, dice)
                    calls.before(known[row.email], row.cohort, lab, at, dice)
    by_id = {course.id: course for course in courses}
    today(calls, ((known[row.email], row.cohort, by_id[row.course]) for row in learn), now, dice)
    return work


def _items(lab: Lab) -> list[tuple[str, float, bool]]:
    return [(cell.name, cell.points, cell.hidden) for cell in load_text(lab).cells if cell.kind == "test"]


def _hand_in(
    work: Work,
    username: str,
    lab: Lab,
    items: Sequence[tuple[str, float, bool]],
    able: float,
    at: datetime,
    dice: random.Random,
) -> None:
    number = f"{dice.getrandbits(128):032x}"
    report = _report(items, able, dice)
    digest = hashlib.sha256(number.encode()).hexdigest()
    row = {"id": number, "username": username, "course": lab.course, "lab": lab.id, "digest": digest}
    kept = {"files": {}, "missing": [], "extra": [], "received_at": at, "state": "graded"}
    work.submissions.append(row | kept)
    graded = at + timedelta(seconds=2 + dice.random() * 20)
    score = {"submission": number, "score": report["score"], "max": report["max"], "manual_max": 0, "report": report}
    score |= {"graded_at": graded, "release": "simulated"}
    work.scores.append(score | {"manual_score": None})
    work.gradings.append(score | {"id": f"{dice.getrandbits(128):032x}", "why": "submitted"})


def _report(items: Sequence[tuple[str, float, bool]], able: float, dice: random.Random) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for name, points, hidden in items:
        passed = dice.random() < able
        check = {"reason": f"simulated check of {name}", "passed": passed, "hint": "", "advice": ""}
        shown = {"hidden": hidden, "pending": False, "checks": [check]}
        found.append({"name": name, "points": points if passed else 0, "max": points, **shown})
    total = sum(one["points"] for one in found), sum(one["max"] for one in found)
    rest: dict[str, Any] = {"fault": None, "notes": [], "manual": [], "early_notes": 0, "repaired": False, "limit": ""}
    return {"score": total[0], "max": total[1], "items": found, **rest}


def _write(
    connection: Connection,
    work: Work,
    known: dict[str, str],
    rows: Sequence[Row],
    begins: dict[str, datetime],
    dice: random.Random,
) -> None:
    for table, lines in ((submissions, work.submissions), (scores, work.scores), (gradings, work.gradings)):
        for some in in_parts(lines):
            connection.execute(insert(table), list(some))
    came = {one["username"] for one in work.submissions}
    for row in rows:
        username = known[row.email]
        if username in came or dice.random() < 0.4:
            at = begins[row.cohort] + timedelta(days=dice.random() * 10)
            connection.execute(update(people).where(people.c.username == username).values(signed_in_at=at))


def _write_calls(
    connection: Connection, made: Calls, courses: Sequence[Course], dice: random.Random, now: datetime
) -> None:
    labs = {(course.id, lab.id): lab for course in courses for lab in course.labs}
    told = ((calls, made.calls), (charges, made.charges), (allowances, made.counters(labs)))
    for table, lines in (*told, (reports, reported(made, dice, now))):
        for some in in_parts(lines):
            connection.execute(insert(table), list(some))
