"""Another system's students become lines that our own reader takes."""

import pytest

from labkit.programme.roster.load import load
from labkit.programme.roster.students import roster

ANA = ("ana", "Ana", "Cruz", "Ana.Cruz@Example.org")


def test_students_are_learners_of_one_cohort_and_the_file_is_read_without_a_mistake(tmp_path):
    text, refused = roster([ANA, ("ben", "", "Santos", "ben@example.org"), ("cy", "", "", "cy@example.org")], "stats")
    file = tmp_path / "roster.csv"
    file.write_text(text, "utf-8")
    contents = load(file)

    assert not refused
    assert not contents.mistakes
    assert [(row.email, row.given_name, row.family_name) for row in contents.rows] == [
        ("ana.cruz@example.org", "Ana", "Cruz"),
        ("ben@example.org", "Santos", ""),
        ("cy@example.org", "cy", ""),
    ]
    assert {(row.role, row.cohort, row.course) for row in contents.rows} == {("learner", "stats", "stats")}


@pytest.mark.parametrize(
    "student",
    [
        ("ben", "Ben", "Santos", ""),
        ("ben", "Ben", "Santos", "not an address"),
        ("ben", "=HYPERLINK()", "Santos", "ben@example.org"),
        ("ben", "Ben", "Santos", "ana.cruz@example.org"),
    ],
)
def test_whoever_cannot_stand_in_a_roster_is_named_with_the_reason(student):
    text, refused = roster([ANA, student], "stats")

    assert text.count("\n") == 2
    ((name, why),) = refused
    assert name == "ben"
    assert why
