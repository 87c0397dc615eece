import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.grade import grade, grader_notebook
from autograder.repair import repair
from autograder.report import Report
from labkit.courses import load_course, load_text
from labkit.sandbox import Bind

pytestmark = pytest.mark.sandbox
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


def solution(body: str, test: str, points: int = 1) -> str:
    marked = f"### BEGIN SOLUTION\n{body}\n### END SOLUTION"
    return f'# %% solution="s"\n{marked}\n# %% test="t" points={points}\n{test}\n'


def test_a_right_answer_gets_everything_and_its_reasons(submit):
    graded = submit(RIGHT)

    assert graded.report.to_json() == {
        "score": 5.0,
        "max": 5.0,
        "items": [
            {
                "name": "clip-examples",
                "points": 2,
                "max": 2,
                "checks": [{"reason": "Everything checked here holds.", "passed": True, "hint": "", "advice": ""}],
                "hidden": False,
                "pending": False,
            },
            {
                "name": "clip-properties",
                "points": 3,
                "max": 3,
                "checks": [
                    {"reason": "never leaves the bounds", "passed": True, "hint": "", "advice": ""},
                    {"reason": "keeps what is inside", "passed": True, "hint": "", "advice": ""},
                ],
                "hidden": True,
                "pending": False,
            },
        ],
        "fault": None,
        "notes": [
            "You left the written answer reflect as it was, so it earns nothing. Write your own and submit again."
        ],
        "early_notes": 1,
        "repaired": False,
        "limit": "",
        "copied": False,
        "manual": [{"name": "reflect", "max": 10}],
    }
    assert Report.from_json(graded.report.to_json()) == graded.report


def test_checks_give_partial_credit_and_a_hint(submit):
    graded = submit("def clip(x, low, high):\n    return low if x < 0.5 else high")

    assert graded.points == {"clip-examples": 2, "clip-properties": 2}
    assert "look at the middle case" in graded.text


def test_a_visible_assert_shows_its_line_and_a_hidden_one_does_not(submit):
    text = solution("s = 42", "assert s == 42")

    assert "Did not hold: assert s == 42" in submit({"s": "s = 41"}, text).text
    hidden = submit({"s": "s = 41"}, text.replace("points=1", "points=1 hidden"))
    assert "hidden check of this part did not hold" in hidden.text
    assert "42" not in hidden.text


def test_a_check_that_raises_fails_alone(submit):
    text = solution("s = lambda x: 1 / x", 'check("zero", s(0) == 0)\ncheck("one", s(1) == 1)', 2)
    graded = submit({"s": "s = lambda x: 1 / x"}, text)

    assert graded.points == {"t": 1}
    assert "Your code raised ZeroDivisionError in s: division by zero." in graded.text


def test_what_the_checks_needed_and_did_not_get_fails_them_all(submit):
    text = solution("s = lambda: 3", 'got = s()\ncheck("a", got == 3)\ncheck("b", got > 2)', 2)
    graded = submit({"s": "def s(): raise KeyError('x')"}, text)

    assert graded.points == {"t": 0}
    assert [check.reason for check in graded.report.items[0].checks] == ["a", "b"]
    assert "KeyError" in graded.report.items[0].checks[0].hint


def test_a_test_may_expect_an_error(submit):
    text = solution(
        "def s(x):\n    raise ValueError",
        "try:\n    s(1)\n    raised = False\nexcept ValueError:\n    raised = True\nassert raised",
    )

    assert submit({"s": "def s(x): raise ValueError('no')"}, text).score == 1
    assert submit({"s": "def s(x): raise TypeError('no')"}, text).score == 0
    assert submit({"s": "def s(x): return 1"}, text).score == 0


def test_each_test_meets_her_state_as_it_is_at_its_place(submit):
    text = (
        '# %% solution="a"\n### BEGIN SOLUTION\nn = 1\n### END SOLUTION\n# %% test="t" points=1\nassert n == 1\n'
        '# %% solution="b"\n### BEGIN SOLUTION\nn = 2\n### END SOLUTION\n# %% test="u" points=1\nassert n == 2\n'
    )
    assert submit({"a": "n = 1", "b": "n = n + 1"}, text).points == {"t": 1, "u": 1}


def test_an_object_of_hers_is_called_indexed_measured_and_walked(submit):
    body = (
        "class Box:\n    def __init__(self, *items): self.items = list(items); self.size = len(items)\n"
        "    def __getitem__(self, place): return self.items[place]\n    def __len__(self): return self.size\n"
        "    def twice(self): return Box(*self.items, *self.items)\n"
    )
    test = (
        "box = Box(1, 2, 3)\n"
        'check("attribute", box.size == 3)\ncheck("item", box[1] == 2)\ncheck("length", len(box) == 3)\n'
        'check("walk", list(box) == [1, 2, 3])\ncheck("method", len(list(box.twice())) == 6)\n'
        'check("private", not hasattr(box, "_items"))\n'
    )
    text = solution(body, test, 6).replace('"s"', '"box"')

    assert submit({"box": body}, text).score == 6


def test_her_objects_go_back_to_her_as_themselves(submit):
    body = "class Box:\n    v = 3\ndef make(): return Box()\ndef read(box): return box.v if type(box) is Box else None"
    graded = submit({"s": body}, solution(body, "assert read(make()) == 3"))

    assert graded.score == 1, graded.text


def test_what_a_call_changes_in_its_arguments_is_changed_in_the_test(submit):
    body = "def s(items):\n    items.clear()\n    return 1"
    graded = submit({"s": body}, solution(body, "mine = [1, 2]\nsame = mine\ns(mine)\nassert same == []"))

    assert graded.score == 1


def test_magics_in_an_answer_are_no_harm(submit):
    assert submit("%matplotlib inline\n!ls\n" + RIGHT).score == 5


def test_what_she_printed_is_not_in_the_report(submit):
    graded = submit("print('chatter')\n" + RIGHT.replace("    return", "    print('chatter', x)\n    return"))

    assert graded.score == 5
    assert "chatter" not in graded.text


def test_two_gradings_are_the_same(submit):
    text = solution(
        "import random\ns = lambda: (random.random(), hash('a'), list({'x', 'y', 'z'}))",
        'import random\ncheck("always", s() != random.random())\ncheck(f"{s()} {hash(\'b\')} {random.random()}", True)',
        2,
    )
    answer = "import random\ns = lambda: (random.random(), hash('a'), list({'x', 'y', 'z'}))"

    assert submit({"s": answer}, text).text == submit({"s": answer}, text).text


def test_an_unreadable_notebook_scores_nothing_and_says_why(make_lab, warm):
    report = grade(make_lab(), b"\x00", learner="ana", lane=None, warm=warm)

    assert (report.score, report.max, report.fault) == (0, 5, None)
    assert "Open the lab again" in report.notes[0]


def test_a_filipino_lab_speaks_filipino(make_lab, warm):
    fil = (
        '# %% solution="clip"\n# %% test="clip-examples" points=2\n# %% test="clip-properties" points=3 hidden\n'
        '# %% [markdown] answer="reflect" points=10\n# Bakit?\n'
    )
    lab = make_lab(**{"lab.fil.py": fil})
    report = grade(lab, grader_notebook(lab, "fil"), learner="ana", lane=None, warm=warm, language="fil")

    assert "Hindi pa naisusulat" in json.dumps(report.to_json())


class Broken:
    """Forks as the real one does, but one of the two sandboxes cannot be made."""

    def __init__(self, warm, role):
        self._warm, self._role = warm, role

    def fork(self, profile, role, sandbox, files):
        nowhere = (Bind(Path("/nowhere/at/all")),) if role == self._role else ()
        return self._warm.fork(profile, role, replace(sandbox, binds=(*sandbox.binds, *nowhere)), files)


@pytest.mark.parametrize("role", ["learner", "tests"])
def test_a_process_of_ours_that_does_not_start_is_a_fault_not_a_score(make_lab, warm, role):
    report = grade(make_lab(), grader_notebook(make_lab()), learner="ana", lane=None, warm=Broken(warm, role))

    assert report.fault and "not your work's fault" in report.fault
    assert report.items == ()


@pytest.mark.parametrize(
    "test", ["import no_such_module\nassert s", "assert open('missing.txt') and s", "assert s\nopen('x')"]
)
def test_a_test_that_is_broken_itself_is_a_fault(submit, test):
    assert submit({"s": "s = 1"}, solution("s = 1", test)).fault


def test_an_authors_cell_that_fails_is_a_fault(submit):
    assert submit({"s": "s = 1"}, "# %%\n1 / 0\n" + solution("s = 1", "assert s")).fault


def test_a_test_that_never_ends_is_a_fault(submit, monkeypatch):
    from autograder import conversation

    monkeypatch.setattr(conversation, "GRACE", 1.0)
    graded = submit(
        {"s": "s = 1"}, solution("s = 1", "assert s\nwhile True: pass"), table="limits = {seconds = 1, memory_mb = 256}"
    )

    assert graded.fault


def test_nothing_of_a_grading_is_left_behind(submit):
    name = f"daemon-{time.time_ns()}"
    daemon = (
        "import os, sys\nif os.fork() == 0:\n    os.setsid()\n"
        f"    os.execv(sys.executable, ['{name}', '-c', 'import time; time.sleep(77)'])\nclip = None"
    )
    submit(daemon)
    running = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout

    assert name not in running


class Flat:
    """A lane that finds every choice equally likely."""

    def score(self, prompts, choices, model):
        return [[-1.0 for _ in choices] for _ in prompts]

    def chat(self, messages, **options):
        return "I do not know."


ROOT = Path(__file__).parents[2] / "courses"
LABS = [str(path.parent.relative_to(ROOT)) for path in sorted(ROOT.glob("*/*/lab.py"))]


@pytest.mark.parametrize(
    "which", [pytest.param(which, marks=[] if which == "testing/clip" else [pytest.mark.model]) for which in LABS]
)
def test_no_report_holds_a_line_of_a_hidden_test(which, warm):
    course, _, name = which.partition("/")
    lab = load_course(ROOT, course).lab(name)
    for language in lab.languages:
        report = grade(lab, grader_notebook(lab, language), learner="ana", lane=Flat(), warm=warm, language=language)
        told = json.dumps(report.to_json())

        assert report.fault is None
        for cell in load_text(lab, language).of("test"):
            for line in cell.source.splitlines() if cell.hidden else ():
                assert len(line.strip()) < 5 or json.dumps(line.strip())[1:-1] not in told


def test_a_repaired_notebook_is_graded_as_the_submission_is(make_lab, warm):
    from autograder.grade import grade_repaired

    lab = make_lab()
    notebook = grader_notebook(lab)
    notebook["cells"][0]["source"] = RIGHT
    repaired = repair(grader_notebook(lab), json.dumps(notebook).encode())

    whole = grade(lab, notebook, learner="ana", lane=None, warm=warm)
    assert grade_repaired(lab, repaired, learner="ana", lane=None, warm=warm) == whole


def test_a_written_answer_is_missed_only_where_it_was_left_as_it_was(submit):
    right = "def clip(x, low, high):\n    return max(low, min(high, x))"
    assert submit({"clip": right, "reflect": "Because it hides news."}).report.notes == ()
    assert "reflect" in submit({"clip": right}).report.notes[0]
