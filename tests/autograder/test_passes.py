"""What needs no model is told at once; the rest follows in a pass behind everybody's first."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from autograder.bounds import with_answers
from autograder.grade import grade, grader_notebook
from autograder.lane import Later

pytestmark = pytest.mark.sandbox
TEXT = """\
# %%
import labkit
# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
# %% test="doubles" points=2
assert double(2) == 4
# %% solution="ask"
def ask(message):
    ### BEGIN SOLUTION
    return labkit.score(message, [" yes", " no"])
    ### END SOLUTION
# %% test="asks" points=3 hidden
check("asks the model", ask("is it?") == [6.0, 6.0], points=3)
# %% test="plain" points=1
assert double(3) == 6
"""
DOUBLE = "def double(x):\n    return 2 * x"
ASK = 'import labkit\ndef ask(message):\n    return labkit.score(message, [" yes", " no"])'


class Lengths:
    def score(self, prompts, choices, model):
        return [[float(len(prompt)) for _ in choices] for prompt in prompts]

    def chat(self, messages, **options):
        return "chat"


@pytest.fixture
def passes(make_lab, warm):
    """The report of the pass without a model, and of the one with it."""

    def grade_twice(answers: dict[str, str], text: str = TEXT):
        lab = make_lab(text)
        notebook = with_answers(grader_notebook(lab), answers)
        later = Later()
        first = grade(lab, notebook, learner="ana", lane=later, warm=warm, later=later)
        second = grade(lab, notebook, learner="ana", lane=Lengths(), warm=warm)
        return SimpleNamespace(first=first, second=second)

    return grade_twice


def states(report) -> dict[str, object]:
    return {item.name: "pending" if item.pending else item.points for item in report.items}


def test_only_what_asked_for_the_model_is_pending_and_nothing_is_a_fault(passes):
    both = passes({"double": DOUBLE, "ask": ASK})
    assert both.first.fault is None
    assert states(both.first) == {"doubles": 2, "asks": "pending", "plain": 1}
    assert (both.first.score, both.first.max, both.first.pending) == (3, 3, True)
    assert all(not item.checks for item in both.first.items if item.pending)
    assert (both.second.score, both.second.max, both.second.pending) == (6, 6, False)


@pytest.mark.parametrize(
    "ask",
    [
        f"{ASK}\nNOW = ask('x')",
        f"{ASK}\ntry:\n    NOW = ask('x')\nexcept Exception:\n    NOW = None",
        f"{ASK}\nfor _ in range(60):\n    try: ask('x')\n    except Exception: pass",
        f"{ASK}\ntry: ask('x')\nexcept Exception:\n    import os; os._exit(3)",
    ],
    ids=["stopped by it", "caught it", "asks for ever", "ends for it"],
)
def test_after_a_cell_of_hers_that_asked_everything_is_pending_and_no_note_speaks_of_it(passes, ask: str):
    both = passes({"double": DOUBLE, "ask": ask})
    assert states(both.first) == {"doubles": 2, "asks": "pending", "plain": "pending"}
    assert (both.first.fault, both.first.notes) == (None, ())


def test_code_that_catches_the_models_absence_in_a_test_cannot_make_it_final(passes):
    answer = (
        'import labkit\ndef ask(message):\n    try: return labkit.score(message, ["a"])\n'
        "    except Exception: return []"
    )
    both = passes({"double": DOUBLE, "ask": answer})
    assert states(both.first)["asks"] == "pending"


def test_a_cell_of_the_authors_that_asks_makes_the_rest_pending(passes):
    text = TEXT.replace('# %% test="plain"', '# %%\nFACT = labkit.score("a", [" b"])\n# %% test="plain"')
    both = passes({"double": DOUBLE, "ask": ASK}, text)
    assert (both.first.fault, states(both.first)["plain"]) == (None, "pending")
    assert both.second.score == 6


def test_an_answer_that_asks_nothing_waits_where_the_labs_own_answer_asks(passes):
    both = passes({"double": DOUBLE, "ask": "def ask(message):\n    return [6.0, 6.0]"})
    assert states(both.first) == {"doubles": 2, "asks": "pending", "plain": 1}
    assert both.second.score == 6


def test_a_lab_that_asks_nothing_is_final_at_once(passes):
    text = TEXT.replace('return labkit.score(message, [" yes", " no"])', "return [6.0, 6.0]")
    both = passes({"double": DOUBLE, "ask": "def ask(message):\n    return [6.0, 6.0]"}, text)
    assert both.first == both.second
    assert not both.first.pending


def test_the_labs_own_answer_is_looked_at_once_without_the_model_and_once_with_it(make_lab, warm, monkeypatch):
    from autograder import grade as grading

    lab, runs, run = make_lab(TEXT), [], grading._run
    monkeypatch.setattr(
        grading, "_run", lambda lab, program, own, **words: runs.append(own) or run(lab, program, own, **words)
    )
    notebook = with_answers(grader_notebook(lab), {"double": DOUBLE, "ask": ASK})
    for _ in range(3):
        later = Later()
        assert grade(lab, notebook, learner="ana", lane=later, warm=warm, later=later).pending
    for _ in range(2):
        assert grade(lab, notebook, learner="ana", lane=Lengths(), warm=warm).score == 6

    assert sum(own is None for own in runs) == 2
