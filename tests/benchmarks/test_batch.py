"""The batch benchmark itself, small: the real command, killed on the way."""

import json

import pytest

from benchmarks import batch


def told(capsys, *words: str):
    code = batch.main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.sandbox
def test_a_small_batch_killed_twice_grades_everybody_once(capsys):
    code, found = told(capsys, "--lab", "clip", "--submissions", "20", "--kills", "2")

    assert (code, found["ok"], found["graded"]) == (0, True, 20), found
    assert found["runs"][-1] == 0
    assert found["not_once"] == {}
    assert found["left_over"] == []
    assert found["resumed"] is (len(found["runs"]) > 1)


@pytest.mark.sandbox
def test_it_sees_a_score_that_is_wrong_and_a_submission_graded_twice(capsys, monkeypatch):
    def broken(home, lab, expected):
        expected["learner-0000"] = 99.0
        return original(home, lab, expected)

    original = batch.judged
    monkeypatch.setattr(batch, "judged", broken)
    code, found = told(capsys, "--lab", "clip", "--submissions", "10", "--kills", "0")

    assert code == 1
    assert found["wrong_scores"] == ["learner-0000"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_submissions_of_a_torch_lab_killed_in_the_middle(capsys):
    code, found = told(capsys, "--submissions", "1000", "--kills", "1")

    assert (code, found["graded"]) == (0, 1000), found
