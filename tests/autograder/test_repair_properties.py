"""Whatever happens to a notebook that keeps its answers, the answers are graded as they were."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.bounds import with_answers
from autograder.grade import grade, grader_notebook
from autograder.repair import repair
from labkit.courses import Lab, load_course

RIGHT = {"clip": "def clip(x, low, high):\n    return max(low, min(high, x))\n", "reflect": "It hides what was there."}
ANSWERS = ("clip", "reflect")
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def lab(pytestconfig) -> Lab:
    return load_course(pytestconfig.rootpath / "courses", "testing").lab("clip")


def named(cell):
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", cell.get("id"))


def delete(cells, place, _):
    if named(cells[place]) not in ANSWERS:
        del cells[place]


def duplicate(cells, place, where):
    """A copy as the editor makes it: another id, the same name, somewhere else."""
    cells.insert(where % (len(cells) + 1), {**copy.deepcopy(cells[place]), "id": f"copy{len(cells)}"})


def retype(cells, place, where):
    cells[place]["cell_type"] = ("code", "markdown", "raw")[where % 3]


def move(cells, place, where):
    cell = cells.pop(place)
    cells.insert(where % (len(cells) + 1), cell)


def blank(cells, place, _):
    """Everything but name and text is lost."""
    cells[place] = {"id": named(cells[place]), "cell_type": cells[place]["cell_type"], "source": cells[place]["source"]}


def unname(cells, place, _):
    cells[place].pop("id", None) if "nbgrader" in cells[place].get("metadata", {}) else None


def stranger(cells, place, where):
    cells.insert(place, {"id": f"x{where}", "cell_type": "code", "metadata": {}, "source": "1/0", "outputs": [where]})


DAMAGES = (delete, duplicate, retype, move, blank, unname, stranger)
damage = st.lists(st.tuples(st.sampled_from(DAMAGES), st.integers(0, 99), st.integers(0, 99)), max_size=12)


def damaged(lab: Lab, steps) -> bytes:
    notebook = with_answers(grader_notebook(lab), RIGHT)
    cells = notebook["cells"]
    for what, place, where in steps:
        if cells:
            what(cells, place % len(cells), where)
    return json.dumps(notebook).encode()


@given(steps=damage)
@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_rebuilt_notebook_is_the_honest_one(lab, steps):
    trusted = grader_notebook(lab)
    honest = repair(trusted, json.dumps(with_answers(trusted, RIGHT)).encode())

    assert repair(trusted, damaged(lab, steps)).notebook == honest.notebook


@given(steps=damage)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.sandbox
def test_the_full_score_is_kept(lab, warm, steps):
    report = grade(lab, damaged(lab, steps), learner="ana", lane=None, warm=warm)

    assert (report.score, report.fault) == (5, None), report


@given(cells=st.lists(anything, max_size=5), metadata=anything, more=st.dictionaries(st.text(max_size=5), anything))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_a_learner_could_send_raises(lab, cells, metadata, more):
    trusted = grader_notebook(lab)
    for sent in ({**more, "cells": cells, "metadata": metadata}, cells, metadata, {"worksheets": [{"cells": cells}]}):
        repaired = repair(trusted, json.dumps(sent).encode())

        assert [cell["id"] for cell in repaired.notebook["cells"]] == [cell["id"] for cell in trusted["cells"]]
