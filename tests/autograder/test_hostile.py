"""Hostile and broken submissions, kept by name: none gains a point it has not earned, hurts
anybody, or stops the rest.

hostile/WHAT_IT_DOES/expect.toml    why (a sentence), most (points it may get at the most), exactly, note (what the
                                    learner must be told), lab (clip, linear or descent), limits
                     answer.py      what is handed in as the code answer, or
                     make.py        submission(notebook, cells) -> bytes, from an honest notebook that is right
"""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import children
from autograder.bounds import with_answers
from autograder.grade import grade, grader_notebook
from labkit.courses import Lab, load_course

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(200)]
HERE = Path(__file__).parent / "hostile"
FOLDERS = sorted(path.parent for path in HERE.glob("*/expect.toml"))
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"
# Numbers that only the hidden test knows, and words of it.
HIDDEN = ("314159", "271828", "0.4142135", "all(0")
KEYS = {"why", "most", "exactly", "note", "lab", "limits"}


def expectation(folder: Path) -> dict:
    return tomllib.loads((folder / "expect.toml").read_text())


def needs(folder: Path) -> list:
    return [pytest.mark.model] if "lab" in expectation(folder) else []


@pytest.fixture
def lab_of(make_lab, pytestconfig):
    """The lab an expectation names, with its limits."""

    def _lab(expected: dict) -> Lab:
        if "lab" not in expected:
            limits = expected["limits"]
            table = f"limits = {{seconds = {limits['seconds']}, memory_mb = {limits['memory_mb']}}}"
            return make_lab(table=table)
        lab = load_course(pytestconfig.rootpath / "courses", "testing").lab(expected["lab"])
        return replace(lab, limits=replace(lab.limits, **expected["limits"]))

    return _lab


def handed_in(lab: Lab, folder: Path) -> bytes:
    if (folder / "make.py").exists():
        spec = importlib.util.spec_from_file_location(folder.name, folder / "make.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        honest = with_answers(grader_notebook(lab), {"clip": RIGHT})
        return module.submission(honest, {cell["id"]: cell for cell in honest["cells"]})
    source = (folder / "answer.py").read_text("utf-8")
    names = [
        cell["id"] for cell in grader_notebook(lab)["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")
    ]
    code = [name for name in names if name != "reflect"]
    return json.dumps(with_answers(grader_notebook(lab), dict.fromkeys(code, source))).encode()


@pytest.mark.parametrize("folder", [pytest.param(one, id=one.name, marks=needs(one)) for one in FOLDERS])
def test_it_gains_nothing_and_is_told_what_stopped_it(lab_of, warm, folder):
    expected = expectation(folder)
    lab = lab_of(expected)
    report = grade(lab, handed_in(lab, folder), learner="mallory", lane=None, warm=warm)
    told = json.dumps(report.to_json(), ensure_ascii=False)

    assert report.fault is None
    assert report.score <= expected["most"], told
    assert report.score == expected.get("exactly", report.score), told
    assert expected.get("note", "") in told, told
    assert not [word for word in HIDDEN if word in told]


def test_there_are_many_and_each_says_what_it_tries():
    names = [folder.name for folder in FOLDERS]
    reasons = [expectation(folder)["why"] for folder in FOLDERS]

    assert len(names) >= 80
    assert len(set(reasons)) == len(reasons)
    assert all(reason.endswith(".") for reason in reasons)
    for folder in FOLDERS:
        assert set(expectation(folder)) <= KEYS
        assert sorted(path.name for path in folder.iterdir() if path.suffix == ".py") in (["answer.py"], ["make.py"])


def test_after_the_worst_of_them_an_honest_answer_is_graded_and_nothing_is_left(lab_of, make_lab, warm, tmp_path):
    canary = tmp_path / "canary"
    canary.write_text("as it was")
    files = {path.name for path in Path(tempfile.gettempdir()).glob("labkit-child-*")}
    for name in ("a_fork_bomb", "forgets_to_die_with_its_parent", "turns_on_the_watching_process", "fills_the_disk"):
        expected = expectation(HERE / name)
        lab = lab_of(expected)
        grade(lab, handed_in(lab, HERE / name), learner="mallory", lane=None, warm=warm)
    lab = make_lab()
    honest = json.dumps(with_answers(grader_notebook(lab), {"clip": RIGHT})).encode()

    assert grade(lab, honest, learner="ana", lane=None, warm=warm).score == 5
    assert canary.read_text() == "as it was"
    assert {path.name for path in Path(tempfile.gettempdir()).glob("labkit-child-*")} == files
    assert ours_gone()


def ours_gone() -> bool:
    """No process of an account that only sandboxes of this very process use."""
    first = children._FIRST_UID + os.getpid() % 100_000 * children._SLOTS * 2
    mine = range(first, first + children._SLOTS * 2)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(_uid(path) in mine for path in Path("/proc").glob("[0-9]*")):
            return True
        time.sleep(0.1)
    return False


def _uid(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return -1
