import pytest

from autograder.grade import grader_notebook
from autograder.program import Run, plan
from labkit.courses import load_text

TEXT = """\
# %%
import math
LIMIT = 3
# %% demo
print(nothing)
# %% solution="grow"
import json
### BEGIN SOLUTION
RATE = 2
def grow(x): return RATE * x
### END SOLUTION
# %%
import random
sizes = [grow(n) for n in range(LIMIT)]
def largest(): return max(sizes)
# %%
total = sum(sizes)
# %% test="t" points=1
assert total == 6
"""


@pytest.fixture
def program(make_lab):
    lab = make_lab(TEXT)
    return plan(lab, load_text(lab), grader_notebook(lab))


def test_steps_keep_the_notebooks_order_and_leave_demos_out(program):
    assert [step.name for step in program.steps] == ["code_1", "grow", "code_2", "code_3", "t"]


def test_hers_is_what_she_binds_and_what_is_computed_with_it(program):
    assert {"grow", "RATE", "sizes", "total"} <= set(program.allowed)
    assert not {"LIMIT", "math", "nothing", "max", "check"} & set(program.allowed)


def test_the_tests_run_the_authors_own_part_for_themselves(program):
    trusted = {step.name: step.trusted for step in program.steps if isinstance(step, Run)}

    assert trusted["code_1"] == "import math\nLIMIT = 3"
    assert trusted["grow"] == "import json"
    assert trusted["code_2"] == "import random\ndef largest():\n    return max(sizes)"
    assert trusted["code_3"] == ""


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("import math", {"numpy": False, "labkit": False}),
        ("import numpy as np", {"numpy": True, "labkit": False}),
        ("import labkit", {"numpy": False, "labkit": True}),
        ("from labkit.checks import check", {"numpy": False, "labkit": False}),
    ],
)
def test_both_processes_are_told_what_to_get_ready(make_lab, line, settings):
    lab = make_lab(TEXT.replace("import math", line))
    told = plan(lab, load_text(lab), grader_notebook(lab)).settings

    assert told == {"profile": "light", "model": lab.models[0], **settings}
