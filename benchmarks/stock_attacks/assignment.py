"""A lab as a stock nbgrader assignment: what its users write instead of `check`, and a course folder around it."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stock_attacks.attack import Attack, honest_notebook
from labkit.courses import Lab, load_text, notebook

HOSTILE, HONEST, EARLIER = "mal", "zed", "ann"
CONFIG = "c = get_config()\n"


@dataclass(frozen=True)
class Course:
    """A course folder; `lab` is its one assignment, with a notebook of that name."""

    root: Path
    lab: str

    @property
    def book(self) -> Path:
        return self.root / "gradebook.db"

    def hand_in(self, learner: str, content: bytes) -> Path:
        folder = self.root / "submitted" / learner / self.lab
        folder.mkdir(parents=True)
        (folder / f"{self.lab}.ipynb").write_bytes(content)
        (folder / "timestamp.txt").write_text("2026-01-01 00:00:00 UTC\n")
        return folder

    def hand_in_hostile(self, attack: Attack) -> None:
        folder = self.hand_in(HOSTILE, attack.submission())
        for name, content in attack.files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        for name, target in attack.links.items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(target)

    def points(self) -> dict[str, float]:
        """Automatic and extra points in the gradebook, by learner who has been graded."""
        if self.book.is_symlink() or not self.book.is_file():
            return {}
        with sqlite3.connect(f"file:{self.book}?mode=ro", uri=True) as book:
            rows = book.execute(
                "select submitted_assignment.student_id, sum(coalesce(grade.auto_score, 0) + coalesce(extra_credit, 0))"
                " from submitted_assignment join submitted_notebook"
                " on submitted_notebook.assignment_id = submitted_assignment.id"
                " join grade on grade.notebook_id = submitted_notebook.id group by 1"
            ).fetchall()
        return {str(learner): float(points or 0) for learner, points in rows}

    def graded(self, learner: str) -> bool:
        return (self.root / "autograded" / learner / self.lab / f"{self.lab}.ipynb").is_file()

    def fingerprint(self) -> dict[str, str]:
        """What a learner's code has no business to change."""
        found = {}
        for top in ("source", "release", "nbgrader_config.py", "submitted"):
            place = self.root / top
            for path in [place] if place.is_file() else sorted(place.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    found[str(path.relative_to(self.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def give_to(self, uid: int) -> None:
        for path in (self.root, *self.root.rglob("*")):
            os.lchown(path, uid, uid)


def make_course(root: Path, lab: Lab) -> Course:
    """The instructor's source, nothing released yet."""
    course = Course(root, lab.id)
    source = root / "source" / lab.id
    source.mkdir(parents=True)
    (source / f"{lab.id}.ipynb").write_text(json.dumps(stock_notebook(lab)))
    for name in ("data", "hidden"):
        if (lab.path / name).is_dir():
            shutil.copytree(lab.path / name, source / name)
    if (lab.path / "calibration.json").is_file():
        shutil.copy(lab.path / "calibration.json", source)
    (root / "nbgrader_config.py").write_text(CONFIG)
    return course


def honest(lab: Lab) -> bytes:
    """The reference's answers in the released notebook."""
    return json.dumps(honest_notebook(lab)).encode()


def stock_notebook(lab: Lab) -> dict[str, Any]:
    """The grader's notebook with solutions marked, and each test as points added up in its last line."""
    text = load_text(lab)
    built = notebook(lab, text, "grader")
    tests = {cell.id: cell for cell in text.of("test")}
    for cell in built["cells"]:
        if cell["id"] in tests:
            test = tests[cell["id"]]
            cell["source"] = _marked(stock_test(test.source), test.hidden)
    return built


def stock_test(source: str) -> str:
    """`check(reason, condition, points=n)` becomes `if condition: score += n`; without any, asserts stay."""
    body = ast.parse(source).body
    if not any(map(_is_check, body)):
        return source
    lines = ["score = 0"]
    for node in body:
        lines += _points(node.value) if _is_check(node) and isinstance(node, ast.Expr) else [ast.unparse(node)]
    return "\n".join([*lines, "score"])


def _points(call: Any) -> Iterable[str]:
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    reason, condition = (ast.unparse(one) for one in call.args[:2])
    return (f"if {condition}:  # {reason}", f"    score += {given.get('points', '1')}")


def _is_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check"


def _marked(source: str, hidden: bool) -> str:
    return f"### BEGIN HIDDEN TESTS\n{source}\n### END HIDDEN TESTS" if hidden else source
