import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import command
from autograder.bounds import with_answers
from autograder.grade import grader_notebook
from labkit.courses.new import new_lab
from labkit.errors import SandboxUnavailable
from tests.autograder.conftest import CLIP

pytestmark = pytest.mark.sandbox
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"
WRONG = "def clip(x, low, high):\n    return low\n"
TITLE = "# %% [markdown]\n# # Clip a reward\n"


@pytest.fixture
def courses(make_lab) -> Path:
    return make_lab(TITLE + CLIP).path.parents[1]


@pytest.fixture
def notebook(make_lab, tmp_path) -> Path:
    path = tmp_path / "one.ipynb"
    path.write_text(json.dumps(with_answers(grader_notebook(make_lab(TITLE + CLIP)), {"clip": RIGHT})))
    return path


def test_grade_prints_the_report_as_json(courses, notebook, capsys):
    assert command.grade(["c", "one", str(notebook), "--courses", str(courses), "--learner", "ana", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["score"], told["max"], told["fault"]) == (5, 5, None)
    assert set(told["items"][0]) == {"name", "points", "max", "checks", "hidden", "pending"}
    assert set(told["items"][0]["checks"][0]) == {"reason", "passed", "hint", "advice"}


def test_grade_prints_for_people_too(courses, notebook, capsys):
    assert command.grade(["c", "one", str(notebook), "--courses", str(courses)]) == 0
    assert "5 of 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["d", "one", "N"], "no course 'd'"),
        (["c", "two", "N"], "no lab 'two'"),
        (["c", "one", "missing.ipynb"], "cannot be read"),
        (["c", "one", "N", "--language", "fil"], "not written in 'fil'"),
    ],
)
def test_grade_refuses_what_it_cannot_find_in_one_sentence(courses, notebook, capsys, words, told):
    words = [str(notebook) if word == "N" else word for word in words]

    assert command.grade([*words, "--courses", str(courses)]) == 1
    assert told in capsys.readouterr().err


def test_where_no_sandbox_works_it_ends_with_three(courses, notebook, capsys, monkeypatch):
    def refuse(*_):
        raise SandboxUnavailable("No tier of the sandbox works here.", instead="Say `labkit sandbox`.")

    monkeypatch.setattr("autograder.warm.Warm.fork", refuse)

    assert command.grade(["c", "one", str(notebook), "--courses", str(courses)]) == 3
    assert "labkit sandbox" in capsys.readouterr().err


def check(courses: Path, *words: str) -> int:
    return command.check([*words, "--courses", str(courses)])


def attempt(courses: Path, first: str, answer: str) -> None:
    folder = courses / "c/one/submissions"
    folder.mkdir(exist_ok=True)
    (folder / "tried.py").write_text(f'{first}\n# %% solution="clip"\n{answer}')


@pytest.mark.parametrize(
    ("first", "answer", "code"),
    [
        ("# score: >=90%", RIGHT, 0),
        ("# score: >=90%", WRONG, 1),
        ("# score: <=60% loses clip-properties", WRONG, 0),
        ("# score: <=100% loses clip-properties", RIGHT, 1),
        ("# score: 2", WRONG, 0),
        ("# score: 40%", WRONG, 0),
        ("# score: 3", WRONG, 1),
        ("# score: 60%", WRONG, 1),
    ],
)
def test_check_holds_every_attempt_to_its_first_line(courses, capsys, first, answer, code):
    attempt(courses, first, answer)

    assert check(courses, "c/one", "--json") == code
    (lab,) = json.loads(capsys.readouterr().out)["labs"]
    assert (lab["course"], lab["lab"], lab["ok"]) == ("c", "one", code == 0)
    assert [bound["name"] for bound in lab["bounds"]] == ["reference", "starter", "tried"]
    assert set(lab["bounds"][0]) == {"name", "score", "limit", "ok", "cpu"}
    assert [bound["ok"] for bound in lab["bounds"][:2]] == [True, True]


def test_check_prints_a_table_of_all_courses(courses, capsys):
    assert check(courses, "--all") == 0
    assert "c/one" in capsys.readouterr().out


def test_what_would_trouble_learners_is_named_and_fails_the_check(make_lab, capsys):
    lab = make_lab(TITLE + CLIP.replace('"keeps what is inside"', '"inside"'))

    assert check(lab.path.parents[1], "c", "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["labs"][0]["ok"] is True
    assert "a check whose reason is 'inside'" in json.loads(out)["findings"][0]
    assert "a check whose reason is 'inside'" in err


def test_a_course_that_no_model_grades_has_nothing_to_calibrate(courses, capsys):
    assert command.calibrate(["c", "--courses", str(courses)]) == 1
    assert "No model grades anything in c" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.calibrate(["c", "--courses", str(courses), "--draws", "0"])


def test_a_reference_that_fails_and_a_starter_that_passes_are_breaches(make_lab, capsys):
    lab = make_lab(
        '# %% solution="a"\n### BEGIN SOLUTION\na = 1\n### END SOLUTION\n### BEGIN STARTER\n# a = 2\n### END STARTER\n'
        '# %% test="t" points=1\nassert a == 2\n'
    )
    assert check(lab.path.parents[1], "c", "--json") == 1
    bounds = json.loads(capsys.readouterr().out)["labs"][0]["bounds"]

    assert [bound["ok"] for bound in bounds] == [False, False]


def test_a_lab_that_cannot_be_built_is_not_graded(make_lab, capsys):
    courses = make_lab().path.parents[1]
    (courses / "c/one/lab.py").write_text("# %% hiden\n")

    assert check(courses, "c") == 1
    assert "lab.py:1" in capsys.readouterr().err


def test_a_lab_named_alone_is_checked_whatever_is_wrong_in_another(make_lab, capsys):
    courses = make_lab(TITLE + CLIP).path.parents[1]
    with (courses / "c/course.toml").open("a") as file:
        file.write('[[labs]]\nid = "two"\ntitle = "Two"\n')
    (courses / "c/two").mkdir()
    (courses / "c/two/lab.py").write_text("# %% hiden\n")

    assert check(courses, "c/one") == 0
    assert check(courses, "c/two") == 1
    assert check(courses, "c") == 1
    assert "two/lab.py:1" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary account runs every other test of this file as itself")
def test_an_ordinary_account_grades_too(courses, notebook, tmp_path_factory):
    place = Path(shutil.copytree(courses, tmp_path_factory.mktemp("open") / "courses"))
    shutil.copy(notebook, place / "one.ipynb")
    for path in (place, *place.rglob("*"), *list(place.parents)[:3]):
        path.chmod(0o755)
    arguments = ["c", "one", "one.ipynb", "--courses", ".", "--json"]
    code = f"from autograder.command import grade; raise SystemExit(grade({arguments!r}))"
    words = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", sys.executable, "-c", code]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, cwd=place, timeout=60)

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["score"] == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a NOTEBOOK"),
        (["one.ipynb", "--all"], "not both"),
        (["one.ipynb", "--workers", "2"], "--workers goes with --all"),
        (["one.ipynb", "--rescore"], "--rescore goes with --all"),
        (["--all", "--yes"], "--yes goes with --rescore"),
        (["--all", "--rescore", "--only-changed"], "--only-changed"),
        (["--all", "--workers", "0"], "1 to 64"),
    ],
)
def test_words_that_do_not_go_together_are_refused_with_what_to_write(capsys, words, said):
    from autograder.command import grade

    with pytest.raises(SystemExit):
        grade(["c", "one", *words])
    assert said in capsys.readouterr().err


def test_a_batch_without_a_platform_says_where_it_looked(capsys, tmp_path):
    from autograder.command import grade

    assert grade(["c", "one", "--all", "--home", str(tmp_path)]) == 1
    assert "--home DIR" in capsys.readouterr().err


def test_a_new_lab_passes_check_as_it_stands(tmp_path, capsys):
    new_lab(tmp_path, "first", "ratings")
    assert check(tmp_path, "first/ratings") == 0
    assert "does not hold" not in capsys.readouterr().out
