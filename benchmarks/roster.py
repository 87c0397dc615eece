"""A roster of thousands: its plan, its application, the same again, and a change of a tenth of it, on each database.

    python -m benchmarks.roster [--json] [--quick] [--people N]

Interleaved on SQLite and, where Debian's server is installed, PostgreSQL; seconds are medians of the rounds, and the
ratios are of the same run. Reading the file is part of each. What this does not cover: the browser, and a database on
another machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from labkit.database import connect, migrate
from labkit.programme.roster.apply import apply
from labkit.programme.roster.plan import plan
from labkit.programme.roster.read import read

_COURSES = ("prompting", "tuning")
_HEADER = "email,given_name,family_name,role,cohort,course,language,region,sex"


def roster(people: int, *, moved: int = 0) -> bytes:
    """Three cohorts of two courses; the first `moved` people are in another cohort of theirs."""
    dice = random.Random(5)
    lines = [_HEADER]
    for number in range(people):
        cohort = number % 3
        where = ("a", "b", "t")[cohort]
        if number < moved and where != "t":
            where = {"a": "b", "b": "a"}[where]
        name = f"{dice.choice(('María', 'José', 'Ana'))},{dice.choice(('Peña', 'Dela Cruz', 'Reyes'))}"
        course = _COURSES[where == "t"]
        lines.append(f"p{number}@example.org,{name},learner,{where},{course},fil,NCR,f")
    return "\n".join(lines).encode()


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The URL of a server of our own with a placeholder for the database; None where there is no server here."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not binaries:
        yield None
        return
    home = Path(tempfile.mkdtemp(prefix="labkit-bench-"))
    account = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if account:
        shutil.chown(home, "postgres", "postgres")

    def run(name: str, *words: str) -> None:
        command = [str(binaries[-1] / name), *words]
        with (home / "log").open("ab") as log:
            subprocess.run(command, check=True, cwd=home, stdout=log, stderr=log, **account)  # type: ignore[call-overload]

    run("initdb", "--auth=trust", "--username=labkit", "--encoding=UTF8", str(home / "data"))
    options = f"-c listen_addresses='' -c unix_socket_directories={home}"
    run("pg_ctl", "start", "-w", "-D", str(home / "data"), "-o", options)
    run("createdb", "-h", str(home), "-U", "labkit", "first")
    try:
        yield f"postgresql+psycopg://labkit@/DATABASE?host={home}"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(home / "data"))
        shutil.rmtree(home)


def _new_database(server: str, number: int) -> str:
    engine = create_engine(server.replace("DATABASE", "first"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE round{number}"))
    engine.dispose()
    return server.replace("DATABASE", f"round{number}")


def measure(url: str, people: int) -> dict[str, float]:
    """Seconds of each step on an empty database."""
    migrate(url)
    engine = connect(url)
    seconds: dict[str, float] = {}

    def step(name: str, do: Callable[[], object]) -> None:
        began = time.perf_counter()
        do()
        seconds[name] = time.perf_counter() - began

    first, second = roster(people), roster(people, moved=people // 10)
    try:
        step("plan", lambda: plan(engine, read("r.csv", first), _COURSES))
        step("apply", lambda: apply(engine, read("r.csv", first), _COURSES))
        step("apply again", lambda: apply(engine, read("r.csv", first), _COURSES))
        assert plan(engine, read("r.csv", first), _COURSES).changes_nothing
        step("a tenth moves", lambda: apply(engine, read("r.csv", second), _COURSES))
    finally:
        engine.dispose()
    return seconds


def run(people: int, rounds: int) -> dict[str, object]:
    found: dict[str, list[dict[str, float]]] = {}
    with postgresql() as server, tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            urls = {"sqlite": f"sqlite:///{folder}/{number}.sqlite"}
            if server:
                urls["postgresql"] = _new_database(server, number)
            for name, url in urls.items():
                found.setdefault(name, []).append(measure(url, people))
    medians = {
        name: {step: round(statistics.median(one[step] for one in each), 3) for step in each[0]}
        for name, each in found.items()
    }
    ratios = {}
    if "postgresql" in medians:
        pairs = zip(medians["postgresql"].items(), medians["sqlite"].values(), strict=True)
        ratios = {step: round(ours / sqlite, 2) for (step, ours), sqlite in pairs}
    return {"people": people, "rounds": rounds, "seconds": medians, "postgresql over sqlite": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--people", type=int, default=5000)
    given = parser.parse_args()
    found = run(given.people, 1 if given.quick else 5)
    if given.json:
        print(json.dumps(found))
        return
    for name, steps in found["seconds"].items():  # type: ignore[attr-defined]
        print(f"{name:<11}", "  ".join(f"{step} {seconds:.2f} s" for step, seconds in steps.items()))


if __name__ == "__main__":
    main()
