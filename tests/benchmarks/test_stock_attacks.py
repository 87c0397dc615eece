"""What the comparison with stock nbgrader counts as a gain, a loss and damage; and one real attack."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.stock_attacks import __main__ as stock_attacks
from benchmarks.stock_attacks.assignment import EARLIER, HONEST, HOSTILE, Course, stock_test
from benchmarks.stock_attacks.stock import _damage

FULL = 5.0


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course whose honest learner has been graded, and one before her."""
    made = Course(tmp_path, "clip")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "clip.ipynb").write_text("as it was")
    graded = tmp_path / "autograded" / HONEST / "clip"
    graded.mkdir(parents=True)
    (graded / "clip.ipynb").write_text("{}")
    gradebook(made, {HOSTILE: 0, HONEST: FULL, EARLIER: FULL})
    return made


def gradebook(course: Course, scores: dict[str, float], extra: float = 0) -> None:
    course.book.unlink(missing_ok=True)
    with closing(sqlite3.connect(course.book)) as rows, rows:
        rows.execute("create table grade (notebook_id, auto_score, extra_credit)")
        rows.execute("create table submitted_notebook (id, assignment_id)")
        rows.execute("create table submitted_assignment (id, student_id)")
        for learner, score in scores.items():
            rows.execute("insert into submitted_assignment values (?, ?)", (learner, learner))
            rows.execute("insert into submitted_notebook values (?, ?)", (learner, learner))
            rows.execute("insert into grade values (?, ?, ?)", (learner, score, extra))


def damage(course: Course, before: dict[str, str] | None = None) -> list[str]:
    return list(_damage(course, course.fingerprint() if before is None else before, course.points(), FULL))


def test_a_course_as_it_was_is_not_damaged(course):
    assert damage(course) == []


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ({HOSTILE: 0, HONEST: 2, EARLIER: FULL}, "the next learner got 2 of 5"),
        ({HOSTILE: 0, HONEST: FULL, EARLIER: 0}, "an earlier learner's score became 0 of 5"),
    ],
)
def test_what_others_lose_is_damage(course, scores, found):
    gradebook(course, scores)

    assert damage(course) == [found]


def test_files_that_changed_came_or_tell_a_secret_are_damage(course):
    before = course.fingerprint()
    (course.root / "source" / "clip.ipynb").write_text("changed")
    (course.root / "source" / "new.txt").write_text("new")
    told = course.root / "autograded" / HOSTILE
    told.mkdir(parents=True)
    (told / "clip.ipynb").write_text("canary-token")
    (course.root / "autograded" / HONEST / "clip" / "clip.ipynb").unlink()

    assert damage(course, before) == [
        "changed or deleted source/clip.ipynb",
        "added source/new.txt",
        "the next learner was not graded",
        "told the hub's token",
    ]


def test_points_count_extra_credit_and_a_broken_gradebook_has_none(course):
    gradebook(course, {HOSTILE: 1}, extra=300)
    assert course.points() == {HOSTILE: 301}

    course.book.unlink()
    assert course.points() == {}


@pytest.mark.parametrize(
    ("stock", "ours", "most", "gained", "lost"),
    [(5, 0, 0, True, False), (5, 5, 5, False, False), (None, 5, 5, False, True), (0, 0, 0, False, False)],
)
def test_gains_and_losses_are_told_against_ours(stock, ours, most, gained, lost):
    row = {"stock": stock, "ours": ours, "most": most, "max": 5, "damage": [], "not_run": "", "ours_fault": False}

    assert (stock_attacks.gained(row), stock_attacks.lost(row)) == (gained, lost)
    assert stock_attacks.summary([row]) | {"stock_gained": gained, "stock_lost": lost} == stock_attacks.summary([row])


def test_a_test_is_written_as_users_of_stock_write_one():
    assert stock_test("assert clip(1, 0, 3) == 1") == "assert clip(1, 0, 3) == 1"
    written = stock_test('import math\ncheck("holds", x > 1, points=2, hint="look")\ncheck("else", x)')

    assert written.splitlines() == [
        "score = 0",
        "import math",
        "if x > 1:  # 'holds'",
        "    score += 2",
        "if x:  # 'else'",
        "    score += 1",
        "score",
    ]


def test_a_name_nobody_has_is_refused(capsys, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)

    assert stock_attacks.main(["--only", "no_such_attack"]) == 2
    assert "There is no attack 'no_such_attack'" in capsys.readouterr().err


@pytest.mark.soak
def test_an_object_equal_to_everything_gets_full_marks_from_stock(capsys):
    assert stock_attacks.main(["--only", "an_object_equal_to_everything", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]

    assert (row["stock"], row["ours"]) == (5.0, 0)
