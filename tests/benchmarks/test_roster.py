"""The roster's benchmark measures what it says, on each database, and checks that nothing is left to change."""

from __future__ import annotations

import pytest

from benchmarks import roster
from labkit.programme.roster.read import read


@pytest.mark.postgresql
def test_each_step_is_timed_on_each_database():
    found = roster.run(90, 1)
    steps = ["plan", "apply", "apply again", "a tenth moves"]
    assert {name: list(each) for name, each in found["seconds"].items()} == {"sqlite": steps, "postgresql": steps}
    assert list(found["postgresql over sqlite"]) == steps


def test_the_file_has_three_cohorts_of_two_courses_and_a_tenth_that_moves():
    first, second = (read("r.csv", roster.roster(300, moved=moved)) for moved in (0, 30))
    assert not first.mistakes and not second.mistakes
    assert {(row.cohort, row.course) for row in first.rows} == {("a", "prompting"), ("b", "prompting"), ("t", "tuning")}
    moved = [one for one, other in zip(first.rows, second.rows, strict=True) if one.cohort != other.cohort]
    assert len(moved) == 20 and all(row.course == "prompting" for row in moved)
