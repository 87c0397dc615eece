"""What the comparison with stock nbgrader counts as a gain and as damage; and one real attack."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import stock_attacks


@pytest.fixture
def course(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "ps1.ipynb").write_text("as it was")
    return tmp_path


def gradebook(course: Path, **scores: float) -> None:
    with closing(sqlite3.connect(course / "gradebook.db")) as connection, connection:
        connection.execute("CREATE TABLE grade (notebook_id, auto_score)")
        connection.execute("CREATE TABLE submitted_notebook (id, assignment_id)")
        connection.execute("CREATE TABLE submitted_assignment (id, student_id)")
        for learner, score in scores.items():
            connection.execute("INSERT INTO submitted_assignment VALUES (?, ?)", (learner, learner))
            connection.execute("INSERT INTO submitted_notebook VALUES (?, ?)", (learner, learner))
            connection.execute("INSERT INTO grade VALUES (?, ?)", (learner, score))


def judged(course: Path, most: float = 0, ended_for: str = "", before: str = ""):
    return stock_attacks.judged(course, most, before or stock_attacks._digest(course / "source"), ended_for)


def test_points_beyond_what_the_answer_may_get_are_a_gain(course):
    gradebook(course, mallory=5.0, zoe=5.0, rosa=5.0)

    assert judged(course) == {"stock": 5.0, "gained": 5.0, "damage": []}
    assert judged(course, most=5)["gained"] == 0


@pytest.mark.parametrize(
    ("scores", "damage"),
    [
        ({"mallory": 0.0, "rosa": 5.0}, "another learner was not graded"),
        ({"mallory": 0.0, "zoe": 2.0, "rosa": 5.0}, "another learner got 2 of 5"),
        ({"mallory": 0.0, "zoe": 5.0, "rosa": 0.0}, "an older score changed"),
    ],
)
def test_what_others_lose_is_damage(course, scores, damage):
    gradebook(course, **scores)

    assert judged(course)["damage"] == [damage]


def test_a_changed_source_processes_left_and_a_broken_gradebook_are_damage(course):
    before = stock_attacks._digest(course / "source")
    (course / "source" / "ps1.ipynb").write_text("changed")
    (course / "left.txt").write_text("3")
    (course / "gradebook.db").write_text("no database")
    found = judged(course, before=before, ended_for="memory")

    assert found["stock"] is None
    assert {"ended for memory", "the instructor's source changed", "processes were left"} <= set(found["damage"])


@pytest.mark.soak
def test_an_object_equal_to_everything_gets_full_marks_from_stock(capsys):
    assert stock_attacks.main(["--only", "an_object_equal_to_everything", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]

    assert (row["stock"], row["gained"]) == (5.0, 5.0)
