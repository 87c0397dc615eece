"""The grading benchmark: its arithmetic, what it says it left out, and that no child's seconds are forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.grade import grade
from autograder.warm import Warm
from benchmarks.grading import __main__ as program
from benchmarks.grading import figures, otter
from benchmarks.grading.cost import Cpu, Watch
from benchmarks.grading.plan import LabPlan, Plan
from benchmarks.grading.subject import SUBJECTS, learner, subject
from labkit.submissions.scores import Scores

PROJECT = Path(__file__).parents[2]
ONE = {figures.OURS: 0.2, "ours, 2 workers": 0.1, figures.STOCK: 4.0}


class TestArithmetic:
    def test_a_way_that_never_ran_has_no_median(self):
        assert figures.medians({"a": [3, 1, 2], "b": []}) == {"a": 2}

    def test_each_other_way_is_compared_with_each_of_ours(self):
        assert figures.ratios(ONE) == {figures.STOCK: {figures.OURS: 20.0, "ours, 2 workers": 40.0}}

    @pytest.mark.parametrize(("share", "value"), [(0.5, 15), (0.95, 29), (1, 30), (0, 1)])
    def test_a_percentile_is_one_of_the_values(self, share: float, value: int):
        assert figures.percentile(range(30, 0, -1), share) == value

    @pytest.mark.parametrize(
        ("boot", "stock", "ours", "count"),
        [(3.0, 4.0, 1.0, 1), (3.1, 4.0, 1.0, 2), (0.1, 4.0, 1.0, 1), (9.0, 1.0, 0.5, 18), (3.0, 1.0, 1.0, None)],
    )
    def test_a_boot_pays_once_what_it_saves_is_more(self, boot: float, stock: float, ours: float, count: int | None):
        assert figures.break_even(boot, stock, ours) == count

    def test_a_class_waits_from_each_ones_own_submission(self):
        waited = figures.waits([0, 1, 2], [5, 2, 8])
        assert waited == {"first_submit_to_last": 8, "p50": 5, "p95": 6}

    @pytest.mark.parametrize(
        ("ratio", "cpu", "held"), [(10.0, 0.3, [True, True]), (9.9, 0.31, [False, False]), (None, 0.1, [None, True])]
    )
    def test_a_goal_is_held_missed_or_unknown(self, ratio: float | None, cpu: float, held: list[bool | None]):
        ratios = {figures.STOCK: {figures.OURS: ratio}} if ratio else {}
        goals = figures.goals({"light": {"ratios": ratios, "cpu": {"above_own": cpu}}})
        assert [one["held"] for one in goals] == held


class TestWhatIsRun:
    def test_quick_leaves_out_what_is_slowest_and_says_so(self):
        quick = Plan.quick()
        assert "prompt" not in quick.labs
        assert {"the prompt lab", "stock in one batch and in process", "otter"} <= set(quick.left_out)
        assert all(lab.ours < LabPlan().ours for lab in quick.labs.values())
        assert set(Plan().labs) == set(SUBJECTS)
        assert Plan().left_out == ()

    @pytest.mark.parametrize("name", list(SUBJECTS))
    def test_every_learners_notebook_is_her_own(self, name: str, tmp_path: Path):
        one = subject(name, tmp_path / name)
        assert len({one.finished(number) for number in range(5)}) == 5
        assert len({learner(number)["id"] for number in range(30)}) == 30
        assert one.most == sum(points for _, points, _ in one.tests()) > 0

    def test_otter_is_given_our_tests_in_its_own_form(self):
        found: dict[str, Any] = {}
        exec(otter._test("t", 2, 'x = 3\ncheck("x is three", x == 3, points=2, hint="no")'), found)
        code = found["test"]["suites"][0]["cases"][0]["code"]
        assert (found["test"]["name"], found["test"]["points"]) == ("t", 2)
        exec(code.removeprefix(">>> "), {})
        with pytest.raises(AssertionError, match="x is three"):
            exec(code.removeprefix(">>> ").replace("x = 3", "x = 4"), {})

    def test_without_otter_the_figures_say_so_and_go_on(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ):
        monkeypatch.setattr(otter, "HOME", tmp_path / "nowhere")
        waited = figures.waits([0], [1])
        lab = {"seconds": ONE, "ratios": figures.ratios(ONE), "cpu": {"above_own": 0.1}}
        monkeypatch.setattr(program, "compare", lambda *words: lab | {"otter": words[-1]})
        monkeypatch.setattr(program.classroom, "hand_in", lambda *_, **__: {"score": waited})
        monkeypatch.setattr(program.logging, "disable", lambda _level: None)
        monkeypatch.setattr(program.signal, "signal", lambda *_: None)
        assert program.main(["--quick", "--json", "--only", "light"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert set(found) == {"quick", "left_out", "otter", "labs", "class", "goals", "seconds"}
        assert found["quick"] is True
        assert found["labs"]["light"]["otter"] is None
        assert "not installed" in found["otter"]
        assert {found["otter"], "the train lab"} <= set(found["left_out"])
        assert [goal["held"] for goal in found["goals"]] == [True, True]

    def test_an_otter_that_cannot_be_installed_leaves_nothing_half_done(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        monkeypatch.setattr(otter, "HOME", tmp_path / "otter")
        failed = subprocess.CompletedProcess([], 1, "", "no such package")
        monkeypatch.setattr(otter.subprocess, "run", lambda *_, **__: failed)
        with pytest.raises(otter.NoOtter, match="no such package"):
            otter.install(may_download=True)
        with pytest.raises(otter.NoOtter, match="not installed yet"):
            otter.install(may_download=False)


@pytest.fixture(scope="module")
def warm_grader() -> Iterator[Warm]:
    with Warm() as warm:
        warm.boot("light")
        yield warm


@pytest.mark.sandbox
class TestCost:
    BURN = b"import time\\nend = time.process_time() + 0.5\\nwhile time.process_time() < end: pass\\n"

    def test_what_a_child_burnt_before_it_was_ended_is_counted(self, tmp_path: Path, warm_grader: Warm):
        one = subject("light", tmp_path)
        burning = one.finished(0).replace(b"# written by number 0", self.BURN)
        assert burning != one.finished(0)
        with Cpu(warm_grader) as spent:
            report = grade(one.lab, burning, learner="ana", lane=None, warm=warm_grader)
        assert report.score == report.max
        assert spent.seconds >= 0.5

    def test_the_memory_of_children_and_zygote_is_seen(self, tmp_path: Path, warm_grader: Warm):
        one = subject("light", tmp_path)
        with Watch(warm_grader.pids()["light"]) as watch:
            for number in range(3):
                grade(one.lab, one.finished(number), learner="ana", lane=None, warm=warm_grader)
            found = watch.figures()
        assert found["children_seen"] > 0
        assert 0 < found["zygote_pss_mb"] <= found["zygote_rss_mb"]


@pytest.mark.sandbox
@pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")  # nbgrader's own way with sessions
def test_a_class_is_graded_to_the_last_learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given: list[float] = []
    record = Scores.record

    def noted(self: Scores, submission: str, report: dict[str, Any], *words: Any, **more: Any) -> bool:
        given.append(report["score"])
        return record(self, submission, report, *words, **more)

    monkeypatch.setattr(Scores, "record", noted)
    one = subject("light", tmp_path / "built")
    with Warm() as warm:
        found = program.classroom.hand_in(one, tmp_path / "class", warm, 3)
    assert given == [one.most] * 3
    assert (found["learners"], found["workers"]) == (3, 2)
    assert found["score"]["p50"] <= found["score"]["p95"] <= found["score"]["first_submit_to_last"]
    assert "first_word" not in found


@pytest.mark.soak
@pytest.mark.sandbox
@pytest.mark.timeout(600)
def test_a_quick_run_says_all_it_should():
    command = [sys.executable, "-m", "benchmarks.grading", "--quick", "--json"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert set(found["labs"]) == set(found["class"]) == {"light", "train"}
    for lab in found["labs"].values():
        assert set(lab) == {"rounds", "sizes", "seconds", "ratios", "large_batch", "boot", "cpu", "memory"}
        assert lab["ratios"][figures.STOCK][figures.OURS] > 1
        assert lab["cpu"]["whole"] > lab["cpu"]["own"]
        assert lab["memory"]["child_pss_mb_median"] < lab["memory"]["zygote_rss_mb"]
    assert len(found["goals"]) == 4
