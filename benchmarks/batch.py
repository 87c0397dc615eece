"""A whole lab graded by `labkit grade --all`, killed on the way and started again: is everyone graded exactly once?

    python -m benchmarks.batch [--submissions 1000] [--kills 1] [--workers 2] [--lab descent] [--quick] [--json]

Submissions are made from the lab's reference, starter and kept answers, each with bytes of its own. What is compared:
every score with that of the same answer graded alone; lines in the history with one for each submission; nbgrader's
gradebook with the platform's scores; processes and files before and after.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from autograder.bounds import with_answers
from autograder.grade import grade, grader_notebook
from autograder.gradebook import CourseGradebook
from autograder.warm import Warm
from labkit.courses import Lab, load_attempts, load_course, load_text, notebook
from labkit.courses.publish import publish
from labkit.database import connect, migrate
from labkit.programme.people import Person, provision
from labkit.sandbox.running import memory_mb, tree
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

_COURSES = Path(__file__).parents[1] / "courses"
_COURSE = "testing"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.batch", description=__doc__.splitlines()[0])
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lab", default="descent")
    parser.add_argument("--quick", action="store_true", help="40 submissions")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    many = 40 if given.quick else given.submissions
    with tempfile.TemporaryDirectory(prefix="labkit-batch-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        lab = load_course(_COURSES, _COURSE).lab(given.lab)
        expected = hand_in(home, lab, many)
        files, born = _files(), dict[int, str]()
        found = graded(home, lab, given.workers, given.kills, many, born) | judged(home, lab, expected)
        found["left_over"] = [*sorted(_files() - files), *(f"process {pid}" for pid in _still_there(born))]
    found |= {"lab": f"{_COURSE}/{lab.id}", "submissions": many, "workers": given.workers}
    found["ok"] = not (found["wrong_scores"] or found["not_once"] or found["gradebook_differs"] or found["left_over"])
    print(json.dumps(found) if given.json else "\n".join(f"{key:18} {value}" for key, value in found.items()))
    return 0 if found["ok"] else 1


def hand_in(home: Path, lab: Lab, many: int) -> dict[str, float]:
    """A platform's folder with `many` submissions waiting; gives the score each must get."""
    course = load_course(_COURSES, _COURSE)
    (home / "build").mkdir()
    publish(course, home / "build")
    register = CourseGradebook(home / "nbgrader" / _COURSE, _COURSE).register
    register(lab.id, home / "build" / _COURSE / "grader" / lab.id / f"{lab.id}.ipynb")
    url = f"sqlite:///{home / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    names = [f"learner-{number:04}" for number in range(many)]
    provision(engine, tuple(Person(name, f"{name}@example.org", "A", "B") for name in names), ())
    store = Store(engine, Blobs(home / "blobs"), Signer(home / "receipts.pem"))
    answers = _answers(lab)
    expected = {}
    for number, name in enumerate(names):
        score, built = answers[number % len(answers)]
        mine = {**built, "metadata": {**built["metadata"], "mine": number}}
        store.receive(name, _COURSE, lab.id, {f"{lab.id}.ipynb": json.dumps(mine).encode()}, [])
        expected[name] = score
    engine.dispose()
    _configure(home, url)
    return expected


def _answers(lab: Lab) -> list[tuple[float, dict[str, Any]]]:
    """Every answer the lab keeps, with its score when graded alone."""
    notebooks = [notebook(lab, load_text(lab), face) for face in ("reference", "learner")]
    notebooks += [with_answers(grader_notebook(lab), attempt.answers) for attempt in load_attempts(lab)]
    with Warm() as warm:
        return [(grade(lab, one, learner="alone", lane=None, warm=warm).score, one) for one in notebooks]


def _configure(home: Path, url: str) -> None:
    (home / "run").mkdir()
    (home / "key").write_text("k" * 32)
    (home / "key").chmod(0o600)
    config = {
        "port": 1,
        "key_file": str(home / "key"),
        "database_url": url,
        "courses": str(_COURSES),
        "taught": [_COURSE],
        "build": str(home / "build"),
        "nbgrader": str(home / "nbgrader"),
        "blobs": str(home / "blobs"),
        "receipt_key_file": str(home / "receipts.pem"),
        "lane_url": "http://127.0.0.1:1",
        "lane_key_file": str(home / "key"),
        "draw_key_file": str(home / "key"),
    }
    (home / "run" / "grader.json").write_text(json.dumps(config))


def graded(home: Path, lab: Lab, workers: int, kills: int, many: int, born: dict[int, str]) -> dict[str, Any]:
    """Runs the command until it ends by itself, killing it `kills` times at random moments of the way. Every process
    seen below it is noted in `born`, with the moment it was born."""
    chance = random.Random(0)
    marks = sorted(chance.randrange(many // 10, many * 9 // 10) for _ in range(kills))
    command = [sys.executable, "-m", "labkit.command", "grade", _COURSE, lab.id, "--all", "--json"]
    command += ["--workers", str(workers), "--home", str(home)]
    begun, peak, runs = time.monotonic(), 0.0, []
    while True:
        with tempfile.TemporaryFile() as said:
            running = subprocess.Popen(command, stdout=said, start_new_session=True)
            mark = marks.pop(0) if marks else None
            while running.poll() is None:
                peak = max(peak, memory_mb(running.pid))
                born |= {pid: moment for pid in tree(running.pid) if (moment := _born(pid))}
                if mark is not None and _done(home) >= mark:
                    running.send_signal(signal.SIGKILL)
                    running.wait()
                time.sleep(0.3)
            said.seek(0)
            runs.append(running.returncode)
            if running.returncode != -signal.SIGKILL:
                told = json.loads(said.read() or b"{}")
                break
    seconds = time.monotonic() - begun
    about = {name: told.get(name) for name in ("graded", "repaired", "limits", "faults", "resumed")}
    return {
        "runs": runs,
        "seconds": round(seconds, 1),
        "each": round(seconds / many, 3),
        "peak_mb": round(peak),
        **about,
    }


def _done(home: Path) -> int:
    engine = connect(f"sqlite:///{home / 'labkit.sqlite'}")
    try:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM gradings").scalar_one())
    finally:
        engine.dispose()


def judged(home: Path, lab: Lab, expected: dict[str, float]) -> dict[str, Any]:
    """What is wrong with what was written down; nothing, if all is well."""
    engine = connect(f"sqlite:///{home / 'labkit.sqlite'}")
    scores = {score.username: score.score for score in Scores(engine).of_course(_COURSE)}
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.username, (SELECT count(*) FROM gradings g WHERE g.submission = s.id) FROM submissions s"
        ).all()
        open_batches = connection.exec_driver_sql("SELECT count(*) FROM batches WHERE finished_at IS NULL").scalar_one()
    engine.dispose()
    book = CourseGradebook(home / "nbgrader" / _COURSE, _COURSE).automatic_scores(lab.id)
    return {
        "wrong_scores": sorted(name for name, score in expected.items() if scores.get(name) != score),
        "not_once": {name: count for name, count in rows if count != 1},
        "gradebook_differs": sorted(name for name in expected if book.get(name) != scores.get(name)),
        "unfinished_batches": open_batches,
        "scores": dict(Counter(expected.values())),
    }


def _files() -> set[str]:
    """Files that gradings make outside their own folder and must not leave."""
    return {str(path) for path in Path(tempfile.gettempdir()).glob("labkit-child-*")}


def _born(pid: int) -> str:
    """When a process was born, in ticks since the machine started; with its number, a name for it. "" if it is gone."""
    try:
        state, *words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else words[18]


def _still_there(born: dict[int, str]) -> list[int]:
    until = time.monotonic() + 5
    while (left := [pid for pid, moment in born.items() if _born(pid) == moment]) and time.monotonic() < until:
        time.sleep(0.1)
    return left


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
