"""A check that was interrupted goes on where it was, and nothing that changed is taken for known."""

import json

import pytest

from autograder import command, kept
from autograder.bounds import measure
from autograder.kept import Kept
from tests.autograder.conftest import CLIP

TITLE = "# %% [markdown]\n# # Clip a reward\n"


class Counted:
    def __init__(self, **result):
        self.result, self.calls = result, 0

    def __call__(self):
        self.calls += 1
        return self.result


@pytest.fixture
def lab(make_lab):
    return make_lab(TITLE + CLIP)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept" / "courses.jsonl"


def test_what_was_measured_is_not_measured_again(lab, file):
    first, again = Counted(score=3), Counted(score=4)

    assert Kept(file).find(lab, "reference", first) == {"score": 3}
    assert Kept(file).find(lab, "reference", again) == {"score": 3}
    assert (first.calls, again.calls) == (1, 0)


@pytest.mark.parametrize("what", ["lab.py", "hidden/data.txt", "data/data.txt", "calibration.json"])
def test_a_file_that_changed_is_measured_again(lab, file, what):
    Kept(file).find(lab, "reference", Counted(score=3))
    changed = lab.path / what
    changed.parent.mkdir(exist_ok=True)
    with changed.open("a") as text:
        text.write("\n# another line\n")

    assert Kept(file).find(lab, "reference", Counted(score=4)) == {"score": 4}


def test_another_answer_of_the_same_name_is_measured_again_and_no_other_is(lab, file):
    Kept(file).find(lab, "tried", Counted(score=3), "return low")

    assert Kept(file).find(lab, "tried", Counted(score=4), "return high") == {"score": 4}
    assert Kept(file).find(lab, "tried", Counted(score=5), "return low") == {"score": 3}


def test_another_version_of_labkit_measures_again(lab, file, monkeypatch):
    Kept(file).find(lab, "reference", Counted(score=3))
    monkeypatch.setattr(kept, "_machinery", lambda: "another")

    assert Kept(file).find(lab, "reference", Counted(score=4)) == {"score": 4}


def test_our_own_fault_is_never_kept(lab, file):
    Kept(file).find(lab, "reference", Counted(fault="the model was away"))

    assert Kept(file).find(lab, "reference", Counted(score=4)) == {"score": 4}


@pytest.mark.parametrize("tail", ['{"key": "12', "\x00\x00", "[]", '{"key": "x"}'])
def test_a_last_line_that_was_cut_short_costs_nothing(lab, file, tail):
    Kept(file).find(lab, "reference", Counted(score=3))
    with file.open("a") as text:
        text.write("\n" + tail)

    assert Kept(file).find(lab, "reference", Counted(score=4)) == {"score": 3}
    assert Kept(file).find(lab, "starter", Counted(score=0)) == {"score": 0}
    assert Kept(file).find(lab, "starter", Counted(score=5)) == {"score": 0}


def test_without_a_file_everything_is_measured(lab):
    held = Kept(None)

    assert [held.find(lab, "reference", Counted(score=score)) for score in (1, 2)] == [{"score": 1}, {"score": 2}]


@pytest.mark.sandbox
def test_a_check_that_is_run_again_says_the_same_and_grades_nothing(lab, file, capsys, monkeypatch):
    words = ["c", "--courses", str(lab.path.parents[1]), "--json", "--resume", str(file)]
    assert command.check(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert sum(bound["cpu"] for bound in first["labs"][0]["bounds"]) > 0

    monkeypatch.setattr("autograder.bounds.grade_repaired", lambda *_, **__: pytest.fail("graded again"))
    assert command.check(words) == 0
    assert json.loads(capsys.readouterr().out) == first


@pytest.mark.sandbox
def test_a_lab_that_takes_too_long_to_grade_is_named(lab, capsys, monkeypatch):
    monkeypatch.setattr("autograder.bounds.MOST_CPU", 0)

    assert command.check(["c", "--courses", str(lab.path.parents[1])]) == 1
    assert "s of CPU time" in capsys.readouterr().err


@pytest.mark.sandbox
def test_processes_that_ended_count_as_cpu_time(lab, warm):
    before = warm.cpu_seconds()
    measure(lab, None, warm, lambda _: None)

    assert warm.cpu_seconds() > before
