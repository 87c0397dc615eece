"""The hostile submissions of tests/autograder/hostile, graded by stock nbgrader: who gains, and what is damaged.

    python -m benchmarks.stock_attacks [--only NAME ...] [--most N] [--quick] [--json]

Each is handed in beside an honest learner's right answer and graded by one `nbgrader autograde` inside a throwaway
sandbox: a private root, no network but its own loopback, limits on time, memory and processes. What it did to the
course is judged from outside afterwards. The lab is the one the suite attacks, written as nbgrader's users write one.
Submissions to torch labs are not tried.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat

from labkit.sandbox import Bind, Limits, Sandbox, start

HOSTILE = Path(__file__).parents[1] / "tests" / "autograder" / "hostile"
QUICK = ("an_object_equal_to_everything", "tags_that_skip_the_tests", "os_exit", "rewritten_tests")
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"
_HOME = "/home/learner/course"
_UID = 1_899_000_001
_HIDDEN = """### BEGIN HIDDEN TESTS
assert all(0 <= clip(x, 0, 1) <= 1 for x in (-314159, 271828, 0.5))
assert clip(0.4142135, 0, 1) == 0.4142135
### END HIDDEN TESTS"""
# Runs inside: the command, then how many processes are left beside this one.
_INSIDE = """
import os, subprocess, sys
done = subprocess.run([sys.executable, "-m", "nbgrader", "autograde", "ps1", "--force"], cwd=sys.argv[1])
left = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, 2, os.getpid(), os.getppid())]
open(os.path.join(sys.argv[1], "left.txt"), "w").write(str(len(left)))
"""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.stock_attacks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--most", type=int, default=1000, metavar="N")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    names = given.only or (QUICK if given.quick else sorted(path.parent.name for path in HOSTILE.glob("*/expect.toml")))
    with tempfile.TemporaryDirectory(prefix="labkit-stock-") as folder:
        Path(folder).chmod(0o755)
        course = make_course(Path(folder) / "course")
        rows = []
        for name in [one for one in names if (HOSTILE / one).is_dir()][: given.most]:
            rows.append(tried(course, Path(folder) / "copy", name))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    found = {"rows": rows, "summary": summary(rows)}
    print(json.dumps(found) if given.json else table(rows))
    return 0


def make_course(root: Path) -> Path:
    """A course of stock nbgrader with one assignment, generated; and one learner, rosa, graded before."""
    notebook = nbformat.v4.new_notebook()
    solution = (
        "def clip(x, low, high):\n    ### BEGIN SOLUTION\n    return max(low, min(high, x))\n    ### END SOLUTION"
    )
    notebook.cells = [
        _cell("clip", solution, solution=True),
        _cell("clip-examples", "assert clip(5, 0, 3) == 3", points=2),
        _cell("clip-properties", _HIDDEN, points=3),
    ]
    (root / "source" / "ps1").mkdir(parents=True)
    nbformat.write(notebook, root / "source" / "ps1" / "ps1.ipynb")
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'course'\nc.ExecutePreprocessor.timeout = 10\n"
        "c.Execute.timeout = 10\n"
    )
    _stock(root, "generate_assignment", "ps1")
    _hand_in(root, "rosa", json.dumps(_answered(root, RIGHT)).encode())
    _stock(root, "autograde", "ps1")
    shutil.rmtree(root / "submitted" / "rosa")
    return root


def _cell(name: str, source: str, *, solution: bool = False, points: int = 0) -> Any:
    cell = nbformat.v4.new_code_cell(source, id=name)
    about = {"grade_id": name, "grade": bool(points), "locked": bool(points), "schema_version": 3}
    cell.metadata["nbgrader"] = about | {"solution": solution, "task": False} | ({"points": points} if points else {})
    return cell


def _stock(root: Path, *words: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "nbgrader", *words]
    subprocess.run(command, cwd=root, env={**os.environ, "PATH": path}, check=True, capture_output=True)


def _answered(root: Path, source: str) -> dict[str, Any]:
    built: dict[str, Any] = json.loads((root / "release" / "ps1" / "ps1.ipynb").read_text())
    next(cell for cell in built["cells"] if cell["id"] == "clip")["source"] = source
    return built


def _hand_in(root: Path, learner: str, content: bytes) -> None:
    folder = root / "submitted" / learner / "ps1"
    folder.mkdir(parents=True)
    (folder / "ps1.ipynb").write_bytes(content)


def tried(course: Path, copy: Path, name: str) -> dict[str, Any]:
    """One hostile submission beside an honest one, in a copy of the course; what came of both."""
    expected = tomllib.loads((HOSTILE / name / "expect.toml").read_text())
    row = {"name": name, "may": expected["most"], "stock": None, "damage": []}
    if "lab" in expected:
        return row | {"damage": ["not tried: a torch lab"]}
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(course, copy)
    _hand_in(copy, "mallory", _hostile(copy, HOSTILE / name))
    _hand_in(copy, "zoe", json.dumps(_answered(copy, RIGHT)).encode())
    before = _digest(copy / "source")
    for path in (copy, *copy.rglob("*")):
        os.chown(path, _UID, _UID, follow_symlinks=False)
    limits = Limits(seconds=90, memory_mb=1500, processes=150, cpu_seconds=60, file_mb=256, tmp_mb=256, files=4096)
    sandbox = Sandbox(binds=(Bind(copy, _HOME, writable=True),), limits=limits, uid=_UID)
    running = start(sandbox, [sys.executable, "-c", _INSIDE, _HOME])
    running.wait()
    return row | judged(copy, expected["most"], before, running.ended_for)


def judged(copy: Path, most: float, before: str, ended_for: str) -> dict[str, Any]:
    """From outside: `gained` are points beyond what the answer may get; `damage` says what else is not as it was."""
    scores = _scores(copy / "gradebook.db")
    mallory = scores.get("mallory")
    damage = [f"ended for {ended_for}"] if ended_for else []
    damage += ["another learner was not graded"] if scores.get("zoe") is None else []
    damage += [f"another learner got {scores['zoe']:g} of 5"] if scores.get("zoe") not in (None, 5.0) else []
    damage += ["an older score changed"] if scores.get("rosa") != 5.0 else []
    damage += ["the instructor's source changed"] if _digest(copy / "source") != before else []
    left = copy / "left.txt"
    damage += ["processes were left"] if left.exists() and left.read_text() not in ("", "0") else []
    return {"stock": mallory, "gained": max(0.0, (mallory or 0.0) - most), "damage": damage}


def _hostile(copy: Path, folder: Path) -> bytes:
    if (folder / "make.py").exists():
        spec = importlib.util.spec_from_file_location(folder.name, folder / "make.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        honest = _answered(copy, RIGHT)
        content: bytes = module.submission(honest, {cell["id"]: cell for cell in honest["cells"]})
        return content
    return json.dumps(_answered(copy, (folder / "answer.py").read_text("utf-8"))).encode()


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(path.read_bytes())
    return whole.hexdigest()


def _scores(file: Path) -> dict[str, float]:
    query = (
        "SELECT sa.student_id, sum(coalesce(g.auto_score, 0)) FROM grade g "
        "JOIN submitted_notebook sn ON sn.id = g.notebook_id "
        "JOIN submitted_assignment sa ON sa.id = sn.assignment_id GROUP BY sa.student_id"
    )
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return {student: float(score) for student, score in connection.execute(query)}
    except sqlite3.Error:
        return {}


def summary(rows: list[dict[str, Any]]) -> dict[str, int]:
    ran = [row for row in rows if not str(row["damage"][:1]).startswith("['not tried")]
    return {
        "tried": len(ran),
        "gained_with_stock": sum(bool(row.get("gained")) for row in ran),
        "damaged_with_stock": sum(bool(row["damage"]) for row in ran),
        "hostile_one_not_graded": sum(row["stock"] is None for row in ran),
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| submission | may get | stock gives | what else |", "|---|---|---|---|"]
    for row in rows:
        stock = "–" if row["stock"] is None else f"{row['stock']:g}"
        lines.append(f"| `{row['name']}` | {row['may']:g} | {stock} | {'; '.join(row['damage'])} |")
    return "\n".join([*lines, "", json.dumps(summary(rows))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
