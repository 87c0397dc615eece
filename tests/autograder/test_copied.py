"""An answer that is the lab's own is said to the instructor, and a right one of somebody's own is not."""

import json

import pytest

from autograder.copied import bare, is_copied
from autograder.report import Report
from labkit.courses import load_text, notebook

OWN = '''\
def totals(rows, column):
    """Adds up a column of every group."""
    found = {}
    for row in rows:
        group = row["group"]
        if group not in found:
            found[group] = 0
        found[group] += row[column]
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"group": group, "total": total} for group, total in ordered]
'''
LAB = """\
# %% solution="totals"
### BEGIN SOLUTION
{own}
### END SOLUTION
# %% test="adds" points=2
assert totals([], "x") == {empty}
"""
WHOLE = LAB.format(own=OWN, empty=[])
RENAMED = (
    OWN.replace("found", "sums").replace("row", "line").replace("Adds up a column of every group.", "My own words.")
)
LAID_OUT = "# by me\n" + OWN.replace("    found[group] = 0", "    found[group] = (\n                0)")
OTHERWISE = """\
def totals(rows, column):
    groups = sorted({row["group"] for row in rows})
    added = [(group, sum(row[column] for row in rows if row["group"] == group)) for group in groups]
    added.sort(key=lambda one: one[1], reverse=True)
    return [dict(group=group, total=total) for group, total in added]
"""


def answered(text, source):
    built = {"id": "totals", "source": source.splitlines(keepends=True)}
    return is_copied(text, {"cells": [built]})


@pytest.fixture
def text(make_lab):
    return load_text(make_lab(WHOLE))


@pytest.mark.parametrize("source", [OWN, RENAMED, LAID_OUT], ids=["word for word", "renamed", "laid out anew"])
def test_the_labs_own_answer_is_known_again(text, source):
    assert answered(text, source)


@pytest.mark.parametrize(
    "source",
    [OTHERWISE, "", "def totals(rows, column: ...", OWN.replace("-pair[1]", "pair[1]"), OWN + "\nmore = 1\n", "\x00"],
    ids=["another way", "empty", "broken", "another sign", "more", "nul"],
)
def test_any_other_answer_is_not(text, source):
    assert not answered(text, source)


def test_an_answer_that_everybody_would_write_alike_says_nothing(make_lab):
    short = "def totals(rows, column):\n    return sum(row[column] for row in rows)\n"
    lab = make_lab(LAB.format(own=short, empty=0))
    assert not answered(load_text(lab), short)


def test_what_names_mean_outside_is_kept():
    assert bare("first = 1") != bare("second = 1")
    assert bare("def f(a): return a + b") == bare("def f(c): return c + b") != bare("def f(b): return b + a")


def test_an_expression_without_end_is_no_copy_and_no_fault():
    endless = "a = " + "+".join(["0"] * 3000)
    assert bare(endless) == endless
    assert bare(f"def f():\n    return {'-' * 5000}1")


def test_a_prompt_is_compared_word_by_word():
    assert (
        bare('T = """Message: {m}\n\n  Type:"""')
        == bare('T = """Message:  {m} Type:"""')
        != bare('T = """Message: {m}"""')
    )


@pytest.mark.sandbox
def test_a_report_says_so_and_keeps_it(submit):
    graded = submit({"totals": RENAMED}, WHOLE).report
    assert graded.copied
    assert Report.from_json(json.loads(json.dumps(graded.to_json()))).copied
    assert not submit({"totals": OTHERWISE}, WHOLE).report.copied


def test_learners_notebooks_do_not_have_it(make_lab):
    lab = make_lab(WHOLE)
    given = notebook(lab, load_text(lab), "learner")["cells"]
    assert "sorted(found" not in "".join("".join(cell["source"]) for cell in given)
