"""What the lab's own answer passes and hers does not is hers, whatever it ends in; what neither passes is ours."""

import json

import pytest

from autograder import conversation, grade, observe
from autograder.bounds import measure, with_answers
from autograder.lane import Later
from autograder.verdict import Doubt
from labkit.errors import AuthorError

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(120)]
LAB = """\
# %% solution="s"
### BEGIN SOLUTION
{right}
### END SOLUTION
# %% test="t" points=1
{test}
# %% test="after" points=1
check("asked afterwards", True)
"""
TABLE = "limits = {seconds = 2, memory_mb = 300}"
RETURNS = "def s(x):\n    return {}"
DEEP = "def s(x):\n    value = 1\n    for _ in range(41):\n        value = [value]\n    return value"
# The lab's own answer, its test, an answer that ends it otherwise, and what its learner is told.
CASES = {
    "too deep to hand on": (RETURNS.format("x"), 'check("held", s([s(1)]) == [1])', DEEP, "could not be checked"),
    "no such file": (
        RETURNS.format("'/dev/null'"),
        'check("held", open(s(1)).read() == "")',
        RETURNS.format("'/nowhere'"),
        "FileNotFoundError",
    ),
    "no such module": (
        RETURNS.format("'json'"),
        'check("held", __import__(s(1)))',
        RETURNS.format("'nowhere_to_be_found'"),
        "ModuleNotFoundError",
    ),
    "never ends": (
        RETURNS.format("[1, 2]"),
        'check("held", sum(s(1)) == 3)',
        RETURNS.format("range(10**18)"),
        "took too long to check",
    ),
    "checks without number": (
        RETURNS.format("1"),
        'for _ in range(s(1)):\n    check("held", True)',
        RETURNS.format("50_000"),
        "could not be checked",
    ),
    "a key that cannot be written": (
        RETURNS.format("1"),
        'held = {1: 2}\ncheck("held", held[s(1)] == 2)',
        RETURNS.format("10**5000"),
        "KeyError",
    ),
    "takes all memory": (
        RETURNS.format("[1, 2]"),
        'check("held", sum(list(s(1))) == 3)',
        RETURNS.format("range(10**11)"),
        "MemoryError",
    ),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(conversation, "GRACE", 1.0)
    observe.forget()


@pytest.mark.parametrize("case", CASES)
def test_what_only_her_answer_does_is_hers_and_she_is_told(submit, case):
    right, test, hers, told = CASES[case]
    graded = submit({"s": hers}, LAB.format(right=right, test=test), table=TABLE)

    assert graded.fault is None
    assert graded.points["t"] == 0
    assert told in graded.text


@pytest.mark.parametrize(
    "case", [case for case in CASES if case not in ("takes all memory", "a key that cannot be written")]
)
def test_what_the_labs_own_answer_does_too_is_ours(submit, case):
    _right, test, hers, told = CASES[case]
    graded = submit({"s": hers}, LAB.format(right=hers, test=test), table=TABLE)

    assert graded.fault
    assert told not in graded.text


def test_the_author_is_told_the_line(make_lab, warm):
    _right, test, hers, _told = CASES["no such file"]

    with pytest.raises(AuthorError, match="FileNotFoundError") as caught:
        measure(make_lab(LAB.format(right=hers, test=test), table=TABLE), None, warm, lambda _: None)
    assert caught.value.line == 7


def test_a_wrong_attempt_of_the_authors_own_is_no_mistake_of_the_labs(make_lab, warm):
    """`courses check` grades the starter and wrong attempts too: what they end in is theirs."""
    right, test, hers, _told = CASES["no such file"]
    lab = make_lab(LAB.format(right=right, test=test), table=TABLE)
    attempt = f'# score: 50% loses t\n# %% solution="s"\n{hers}\n'
    (lab.path / "submissions").mkdir()
    (lab.path / "submissions" / "wrong.py").write_text(attempt)

    assert measure(lab, None, warm, lambda _: None).bounds[-1].ok


def test_what_does_not_happen_a_second_time_costs_her_nothing(make_lab, warm, monkeypatch):
    """A machine that was busy for a moment."""
    right, test, _hers, _told = CASES["never ends"]
    lab = make_lab(LAB.format(right=right, test=test), table=TABLE)
    runs, run = [], grade._run

    def busy_once(*given, **words):
        outcome = run(*given, **words)
        runs.append(outcome)
        if len(runs) == 2:  # the lab's own answer comes first
            outcome.results["t"] = {"checks": [], "stopped": {"what": "checked_time"}, "pending": []}
            outcome.doubts.append(Doubt("t", 0, "it did not come to an end"))
        return outcome

    monkeypatch.setattr(grade, "_run", busy_once)
    sent = with_answers(grade.grader_notebook(lab), {"s": right})
    report = grade.grade(lab, sent, learner="ana", lane=None, warm=warm)

    assert (report.fault, report.score, len(runs)) == (None, 2, 3)  # the lab's own, hers, hers again


def test_the_labs_own_answer_is_looked_at_once_for_each_release(submit, monkeypatch):
    right, test, hers, _told = CASES["no such file"]
    runs, run = [], grade._run
    monkeypatch.setattr(
        grade, "_run", lambda lab, program, own, **words: runs.append(own) or run(lab, program, own, **words)
    )
    for _ in range(2):
        submit({"s": hers}, LAB.format(right=right, test=test), table=TABLE)
    submit({"s": hers}, LAB.format(right=right, test=test + "\n"), table=TABLE)

    assert sum(own is None for own in runs) == 2


def test_in_a_pass_without_the_model_it_waits_for_the_one_with_it(make_lab, warm):
    right, test, hers, told = CASES["no such file"]
    lab = make_lab(LAB.format(right=right, test=test), table=TABLE)
    sent, later = with_answers(grade.grader_notebook(lab), {"s": hers}), Later()
    first = grade.grade(lab, sent, learner="ana", lane=later, warm=warm, later=later)
    second = grade.grade(lab, sent, learner="ana", lane=None, warm=warm)

    assert [item.pending for item in first.items] == [True, True]
    assert told not in json.dumps(first.to_json())
    assert [item.points for item in second.items] == [0, 1]
