"""What a learner does to her notebook around her answers costs her nothing."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.grade import grade, grader_notebook
from autograder.repair import repair
from labkit.courses import Lab, load_course, load_text, notebook

LABS = [("testing", "clip"), ("prompting", "tokens-and-temperature"), ("prompting", "message-triage")]
COURSES = Path(__file__).parents[2] / "courses"
Cell = dict[str, Any]


@functools.cache
def lab_of(course: str, name: str) -> Lab:
    return load_course(COURSES, course).lab(name)


@functools.cache
def faces(course: str, name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The grader's notebook, the honest reference, and what repairing that gives."""
    lab = lab_of(course, name)
    trusted, honest = grader_notebook(lab), notebook(lab, load_text(lab), "reference")
    return trusted, honest, repair(trusted, json.dumps(honest).encode()).notebook


def is_answer(cell: Cell) -> bool:
    return cell["metadata"].get("labkit", {}).get("kind") in ("solution", "answer")


def answers_of(honest: dict[str, Any]) -> set[str]:
    return {cell["id"] for cell in honest["cells"] if is_answer(cell)}


def delete(cells: list[Cell], at: int, _other: int, answers: set[str]) -> None:
    if names(cells[at]) & answers:
        return
    del cells[at]


def duplicate(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    cells.insert(other, copy.deepcopy(cells[at]))


def duplicate_under_another_id(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    twin = copy.deepcopy(cells[at])
    if "grade_id" in nbgrader_of(twin):
        twin["id"] = f"copy-{other}"
    cells.insert(other, twin)


def retype(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    cells[at]["cell_type"] = ("markdown", "raw", "code", "heading", None, 7)[other % 6]


def move(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    cells.insert(other, cells.pop(at))


def turn_round(cells: list[Cell], _at: int, _other: int, _answers: set[str]) -> None:
    cells.reverse()


def damage_metadata(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    """All of it, where the cell still has its id."""
    if "id" in cells[at] and nbgrader_of(cells[at]).get("grade_id", cells[at]["id"]) == cells[at]["id"]:
        damaged = (
            {},
            None,
            [],
            "none",
            {"nbgrader": None},
            {"nbgrader": {"points": -1, "locked": False}},
            {"tags": [1]},
        )
        cells[at]["metadata"] = damaged[other % len(damaged)]


def damage_nbgrader(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    told = nbgrader_of(cells[at])
    for key in ("points", "solution", "grade", "locked", "schema_version", "cell_type"):
        if key in told:
            told[key] = (None, -5, "x", [], True, 10**30)[other % 6]


def lose_the_id(cells: list[Cell], at: int, _other: int, _answers: set[str]) -> None:
    if isinstance(nbgrader_of(cells[at]).get("grade_id"), str):
        cells[at].pop("id", None)


def damage_outputs(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    cells[at]["outputs"] = ([], None, "5.0", [{"output_type": "execute_result", "data": {"text/plain": "5.0"}}], [[]])[
        other % 5
    ]
    cells[at]["execution_count"] = other
    cells[at]["attachments"] = {"x": {"image/png": "?"}}


def rewrite(cells: list[Cell], at: int, other: int, answers: set[str]) -> None:
    if not names(cells[at]) & answers:
        cells[at]["source"] = ("1/0", "", None, 5, ["a", 3], {"a": 1})[other % 6]


def insert_foreign(cells: list[Cell], at: int, other: int, _answers: set[str]) -> None:
    foreign = {"cell_type": "code", "id": f"mine-{other}", "metadata": {}, "source": "exit()", "outputs": []}
    cells.insert(at, foreign)


DAMAGES = (
    *(delete, duplicate, duplicate_under_another_id, retype, move, turn_round, damage_metadata),
    *(damage_nbgrader, lose_the_id, damage_outputs, rewrite, insert_foreign),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(DAMAGES), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=25
)


def nbgrader_of(cell: Cell) -> dict[str, Any]:
    metadata = cell.get("metadata")
    told = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return told if isinstance(told, dict) else {}


def names(cell: Cell) -> set[Any]:
    return {cell.get("id"), nbgrader_of(cell).get("grade_id")}


def damaged(honest: dict[str, Any], steps) -> bytes:
    hers = copy.deepcopy(honest)
    answers = answers_of(honest)
    for damage, at, other in steps:
        if hers["cells"]:
            damage(hers["cells"], at % len(hers["cells"]), other % (len(hers["cells"]) + 1), answers)
    return json.dumps(hers).encode()


@pytest.mark.parametrize(("course", "name"), LABS)
@settings(max_examples=250, deadline=None)
@given(steps=STEPS)
def test_a_notebook_that_keeps_its_answers_is_rebuilt_as_it_was(course, name, steps):
    trusted, honest, rebuilt = faces(course, name)
    repaired = repair(trusted, damaged(honest, steps))

    assert repaired.readable
    assert repaired.notebook == rebuilt, repaired.notes


@pytest.mark.sandbox
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_it_is_really_graded_with_full_marks(warm, steps):
    lab = lab_of("testing", "clip")
    report = grade(lab, damaged(faces("testing", "clip")[1], steps), learner="ana", lane=None, warm=warm)

    assert (report.score, report.fault) == (report.max, None), report


def test_what_removes_an_answer_does_cost_it():
    """So that the property above can fail at all."""
    trusted, honest, rebuilt = faces("testing", "clip")
    hers = {**honest, "cells": [cell for cell in honest["cells"] if cell["id"] != "clip"]}

    assert repair(trusted, json.dumps(hers).encode()).notebook != rebuilt
