"""What would trouble learners although it builds and grades well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.courses import load_course, load_courses
from labkit.courses.lint import lint

GOOD = """\
# %% [markdown]
# # Clip a reward
#
# ## Why
# See [the table](data/table.csv) and ![a curve that flattens](data/curve.png), or [elsewhere](https://example.org).
#
# ```
# # not a heading, and not [a link](nowhere.md)
# ```
# %% solution="clip"
def clip(x, low, high):
    ### BEGIN SOLUTION
    smallest_of_both = min(high, x)
    return max(low, smallest_of_both)
    ### END SOLUTION
# %% demo
clip(5, 0, 3)
# %% test="clip-examples" points=2
check("keeps what is inside", clip(2, 0, 3) == 2, points=2)
# %% [markdown] answer="reflect" points=10
# ## Think
# Why?
"""
LICENCES = """\
["table.csv"]
licence = "CC0-1.0"
source = "Made for this course."

["curve.png"]
licence = "CC0-1.0"
source = "Made for this course."
"""
FILES = {"data/table.csv": "a,b\n", "data/curve.png": "png", "data/LICENSES.toml": LICENCES}

Write = Callable[..., Path]


def found(write: Write, text: str = GOOD, **files: str) -> list[str]:
    root = write(**{"lab.py": text, **FILES, **files})
    return [str(one) for one in lint(load_course(root, "c").lab("one"))]


def test_a_good_lab_has_nothing_to_be_found(write: Write) -> None:
    assert found(write) == []


@pytest.mark.parametrize("course", load_courses(Path(__file__).parents[3] / "courses"), ids=lambda course: course.id)
def test_nothing_is_found_in_the_courses_of_this_repository(course) -> None:
    assert [str(one) for lab in course.labs for one in lint(lab)] == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"keeps what is inside"', '"inside"', "lab.py:19: a check whose reason is 'inside'"),
        (
            'check("keeps what is inside", clip(2, 0, 3) == 2, points=2)',
            "check(clip(2, 0, 3) == 2, points=2)",
            "lab.py:19: a check without a reason or a condition",
        ),
        ("# ## Why\n", "# ##\n", "lab.py:4: a heading without words"),
        ("[elsewhere](https://example.org)", "[there](#9-nothing)", "a link to '#9-nothing', which is no heading"),
        ("clip(5, 0, 3)", "smallest_of_both = min(high, x)", "a line of the answer 'clip' stands here"),
        ("# Why?", "# smallest_of_both = min(high, x)", "a line of the answer 'clip' stands here"),
        ("# # Clip a reward", "# ## Clip a reward", "the first heading is not the lab's title"),
        ("# ## Why", "# # Why", "lab.py:4: a second title"),
        ("# ## Why", "# ### Why", "lab.py:4: a heading of level 3 after one of 1"),
        ("![a curve that flattens]", "![ ]", "lab.py:5: a picture without words"),
        ("![a curve that flattens](data/curve.png)", '<img src="data/curve.png">', "a picture without words"),
        ("(data/table.csv)", "(data/tabel.csv)", "lab.py:5: a link to 'data/tabel.csv'"),
        ("(data/table.csv)", "(../other/lab.py)", "which learners do not have"),
        ("(data/table.csv)", "(data/../lab.py)", "which learners do not have"),
    ],
)
def test_what_is_wrong_in_the_text_is_found_with_its_line(before: str, after: str, told: str, write: Write) -> None:
    assert before in GOOD
    [one] = found(write, GOOD.replace(before, after))
    assert told in one


@pytest.mark.parametrize("to", ["#Why", "#why", "#Clip-a-reward", "#clip-a-reward", "#think"])
def test_a_link_to_a_heading_of_the_lab_is_no_finding(to: str, write: Write) -> None:
    assert found(write, GOOD.replace("[elsewhere](https://example.org)", f"[above]({to})")) == []


def test_a_lab_without_a_title_is_found(write: Write) -> None:
    text = GOOD.replace("# # Clip a reward\n", "# Clip\n").replace("# ## ", "# ")
    assert ["no title" in one for one in found(write, text)] == [True]


@pytest.mark.parametrize(
    ("licences", "told"),
    [
        ("", ["curve.png has no licence", "table.csv has no licence"]),
        (LICENCES + '\n["gone.csv"]\nlicence = "CC0-1.0"\nsource = "x"\n', ["there is no file 'gone.csv'"]),
        (LICENCES.replace('licence = "CC0-1.0"', 'licence = " "', 1), ["table.csv does not say licence and source"]),
        (LICENCES.replace('"CC0-1.0"', "3 of", 1), ["this is not TOML"]),
        ("table = 1\n" + LICENCES, ["there is no file 'table'"]),
        (LICENCES.replace("source", "origin", 1), ["table.csv does not say licence and source"]),
    ],
)
def test_every_file_says_its_licence_and_where_it_is_from(licences: str, told: list[str], write: Write) -> None:
    lines = found(write, **{"data/LICENSES.toml": licences})
    assert len(lines) == len(told)
    assert all(part in line for part, line in zip(told, lines, strict=True))


@pytest.mark.parametrize(
    ("filipino", "told"),
    [
        (GOOD.replace("# %% demo\nclip(5, 0, 3)\n", ""), "1 demo less"),
        (GOOD.replace("# %% demo\n", "# %% [markdown]\n# Isa pa.\n# %% demo\n"), "1 prose more"),
        (
            GOOD.replace(
                'check("keeps what is inside", clip(2, 0, 3) == 2, points=2)',
                'check("a b c", clip(2, 0, 3) == 2)\ncheck("d e f", clip(0, 0, 3) == 0)',
            ),
            "the checks of 'clip-examples' give 1 + 1 points, those of lab.py 2",
        ),
    ],
)
def test_languages_that_have_drifted_apart_are_found(filipino: str, told: str, write: Write) -> None:
    [one] = found(write, **{"lab.fil.py": filipino})
    assert "lab.fil.py" in one and told in one


def test_in_a_course_with_outcomes_every_graded_cell_names_one(write: Write) -> None:
    toml = 'title = "T"\n[[outcomes]]\nid = "clip"\ntext = "x"\n[[labs]]\nid = "one"\ntitle = "One"\n'
    one, two = found(write, toml=toml)
    assert "lab.py:18: the points of 'clip-examples' count for no outcome" in one
    assert 'outcome="ID"' in two and "'reflect'" in two
    named = GOOD.replace("points=2\n", 'points=2 outcome="clip"\n').replace("points=10", 'points=10 outcome="clip"')
    assert found(write, named, toml=toml) == []
