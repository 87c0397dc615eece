"""`labkit courses import`, held against stock nbgrader: what it releases, and what it scores."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbgrader import preprocessors, utils
from nbgrader.api import Base, Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import create_engine
from traitlets.config import Config

from autograder.bounds import with_answers
from autograder.express import inexpressible
from autograder.grade import grade, grader_notebook
from autograder.import_command import import_course
from labkit.courses import Lab, load_course, load_text, notebook
from labkit.programme.roster.load import load as load_roster
from tests.labkit.courses.imports.conftest import SOLVED, graded
from tests.labkit.courses.imports.conftest import notebook as made

pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

NBGRADER = Path(str(find_spec("nbgrader").submodule_search_locations[0]))  # type: ignore[union-attr,index]
DOCS = NBGRADER / "docs" / "source" / "user_guide" / "source"
USES = "sum_of_squares_uses_squares"  # it deletes what learners wrote: no test can ask that here


@pytest.fixture
def imported(tmp_path: Path, capsys):
    """Imports a path by the command: its report, and the labs labkit reads back."""

    def _imported(path: Path, *words: str) -> SimpleNamespace:
        code = import_course([str(path), "--to", str(tmp_path / "courses"), "--name", "c", "--json", *words])
        said = capsys.readouterr()
        assert code == 0, said.err
        report = json.loads(said.out)
        return SimpleNamespace(report=report, course=load_course(tmp_path / "courses", "c"))

    return _imported


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    """What `nbgrader quickstart course101` writes: its documentation's first assignment, a header, a configuration."""
    root = tmp_path / "course101"
    shutil.copytree(DOCS / "ps1", root / "source" / "ps1")
    shutil.copyfile(DOCS / "header.ipynb", root / "source" / "header.ipynb")
    (root / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "course101"\n'
        'c.IncludeHeaderFooter.header = "source/header.ipynb"\n'
    )
    return root


def released(path: Path, header: Path | None = None) -> list[Any]:
    """The cells stock nbgrader would give learners."""
    config = Config()
    config.IncludeHeaderFooter.header = str(header or "")
    found, resources = nbformat.read(path, as_version=4), {}
    for name in ("IncludeHeaderFooter", "LockCells", "ClearSolutions", "ClearHiddenTests", "ClearMarkScheme"):
        found, resources = getattr(preprocessors, name)(config=config).preprocess(found, resources)
    return list(found.cells)


def ours(lab: Lab) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in notebook(lab, load_text(lab), "learner")["cells"]}


# `labkit` puts files into data/, and asks a test to say by `assert` that it can fail.
_PUT = ("(data/jupyter.png)", "(jupyter.png)"), ("\nassert True  # nothing above failed", "")


def text(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    for now, before in _PUT:
        source = source.replace(now, before)
    return source.strip("\n").rstrip()


def assert_equivalent(lab: Lab, told: dict[str, Any], stock: list[Any], lost: set[str]) -> None:
    """Every cell nbgrader knows by name has its flags, points and released text here; every other its text."""
    mine = ours(lab)
    texts = {text(one) for one in mine.values()}
    for one in stock:
        about, source = one.metadata.get("nbgrader", {}), one.source.strip("\n").rstrip()
        name = next((now["to"] for now in told["names"] if now["from"].endswith(f"({about.get('grade_id')})")), "")
        if not name or name.endswith("(set aside)"):
            assert source in texts
            assert bool(name) is (about.get("grade_id") in lost)
            continue
        here, hidden = mine[name], mine.get(f"{name}-hidden", {"metadata": {"nbgrader": {}}})
        metadata = here["metadata"]["nbgrader"]
        points = metadata.get("points", 0) + hidden["metadata"]["nbgrader"].get("points", 0)
        assert points == pytest.approx(float(about.get("points", 0)))
        if utils.is_task(one):  # the task itself, and an answer below it
            assert source in texts
            assert text(here) == "YOUR ANSWER HERE"
        else:
            assert text(here) == source
            assert (metadata["grade"], metadata["solution"]) == (utils.is_grade(one), utils.is_solution(one))
            assert (metadata["locked"], here["cell_type"]) == (utils.is_locked(one), one.cell_type)


def test_the_quickstart_course_comes_back_as_the_assignment_nbgrader_releases(quickstart, imported):
    brought = imported(quickstart)

    header = quickstart / "source" / "header.ipynb"
    assert [lab.id for lab in brought.course.labs] == ["ps1-problem1", "ps1-problem2"]
    for lab, told in zip(brought.course.labs, brought.report["labs"], strict=True):
        assert_equivalent(lab, told, released(quickstart / told["notebook"], header), {USES})
    assert [(one["before"], one["automatic"], one["manual"]) for one in brought.report["labs"]] == [
        (10, 2.5, 7),
        (3, 0, 3),
    ]
    assert [(one["cell"], one["points"]) for one in brought.report["lost"]] == [(f"cell 13 ({USES})", 0.5)]


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("docs/source/user_guide/source/ps1_autotest/problem2.ipynb", (3, 0, 3)),
        *((f"tests/apps/files/{name}.ipynb", (6, 2.5, 3)) for name in ("test", "test-v0", "test-v1", "test-v2")),
        ("tests/apps/files/test-hidden-tests.ipynb", (3, 2.5, 0)),
        ("tests/preprocessors/files/test.ipynb", (6, 2.5, 3)),
        ("tests/preprocessors/files/test_taskcell.ipynb", (8, 2.5, 5)),
        ("tests/preprocessors/files/manually-graded-code-cell.ipynb", (1, 0, 1)),
    ],
)
def test_every_notebook_of_nbgraders_own_comes_back_as_it_is_released(name, points, imported, tmp_path):
    folder = tmp_path / "course" / "source" / "one"
    folder.mkdir(parents=True)
    shutil.copyfile(NBGRADER / name, folder / "one.ipynb")
    shutil.copyfile(DOCS / "ps1" / "jupyter.png", folder / "jupyter.png")
    brought = imported(tmp_path / "course")

    (told,) = brought.report["labs"]
    assert_equivalent(brought.course.labs[0], told, released(folder / "one.ipynb"), {USES})
    assert (told["before"], told["automatic"], told["manual"]) == points


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("assert f is f", "compares something of hers with `is`"),
        ("assert type(f(1)) == f", "compares type(...) with a class of hers"),
        ("with f as g:\n    assert g", "enters an object of hers with `with`"),
        ("del f\nassert True", "deletes a name of hers"),
        ("assert f(1) == unknown", "uses 'unknown', which no cell before it binds"),
    ],
)
def test_a_test_that_cannot_be_asked_here_is_named_with_its_points_and_the_others_stay(tmp_path, imported, test, found):
    path = tmp_path / "one.ipynb"
    path.write_text(made(SOLVED, graded(test, "odd", 3), graded("assert f(1) == 2", "even", 2)))
    brought = imported(path)

    (lost,) = brought.report["lost"]
    assert found in lost["told"]
    assert (lost["cell"], lost["points"]) == ("cell 2 (odd)", 3)
    text = load_text(brought.course.labs[0])
    assert [(cell.kind, cell.points) for cell in text.cells] == [("solution", 0), ("demo", 0), ("test", 2)]
    assert not inexpressible(brought.course.labs[0])


def test_a_dry_run_says_the_same_and_writes_nothing(quickstart, tmp_path, capsys):
    to = tmp_path / "courses"
    assert import_course([str(quickstart), "--to", str(to), "--dry-run"]) == 0
    dry = capsys.readouterr().out
    assert not to.exists()
    assert import_course([str(quickstart), "--to", str(to)]) == 0

    said = capsys.readouterr().out
    assert dry.splitlines()[:-1] == [line for line in said.splitlines() if line in dry.splitlines()]
    assert f"2 labs would stand in {to / 'course101'}. Nothing was written." in dry
    assert f"labkit courses check course101 --courses {to}" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{tmp}/nothing", "--to", "{tmp}/to"], "There is no"),
        (["{tmp}", "--to", "{tmp}/to"], "There is no notebook in"),
        (["{course}", "--to", "{tmp}/to", "--name", "No Id"], "cannot be a course's id"),
        (["{course}", "--to", "{course}/nbgrader_config.py"], "cannot be read or written"),
        (["{docs}/release", "--to", "{tmp}/to"], "a released version"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_a_sentence_and_nothing_is_written(
    quickstart, tmp_path, capsys, arguments, said
):
    empty = tmp_path / "empty"
    empty.mkdir()
    words = {"tmp": empty, "course": quickstart, "docs": DOCS.parent}
    assert import_course([argument.format(**words) for argument in arguments]) == 1

    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert list(empty.iterdir()) == []


class Stock:
    """A course of stock nbgrader's, with labkit's built grader notebooks as its source."""

    def __init__(self, root: Path, labs: tuple[Lab, ...]) -> None:
        config = Config()
        config.CourseDirectory.root = str(root)
        # The built notebooks have no solutions in them: nothing is to be taken out again.
        taken = ("LockCells", "ClearOutput", "CheckCellMetadata", "ComputeChecksums", "SaveCells", "ClearHiddenTests")
        config.GenerateAssignment.preprocessors = [
            f"nbgrader.preprocessors.{name}" for name in (*taken, "ComputeChecksums", "CheckCellMetadata")
        ]
        self.root, self._api = root, NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
        for lab in labs:
            self._put(root / "source" / lab.id, lab, grader_notebook(lab))
            assert self._api.generate_assignment(lab.id)["success"]

    def grade(self, lab: Lab, learner: str, handed_in: dict[str, Any]) -> dict[str, float]:
        self._put(self.root / "submitted" / learner / lab.id, lab, handed_in)
        done = self._api.autograde(lab.id, learner)
        assert done["success"], done
        with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}") as book:
            found = book.find_submission_notebook(lab.id, lab.id, learner).grades
            return {one.name: one.auto_score for one in found if one.name in points_of(lab)}

    @staticmethod
    def _put(folder: Path, lab: Lab, content: dict[str, Any]) -> None:
        folder.mkdir(parents=True)
        (folder / f"{lab.id}.ipynb").write_text(json.dumps(content))


def points_of(lab: Lab) -> dict[str, float]:
    return {cell.id: cell.points for cell in load_text(lab).of("test")}


@pytest.fixture
def quiet(monkeypatch) -> Iterator[None]:
    """nbgrader logs every step, and looks for a bare `alembic`."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


def faces(lab: Lab) -> dict[str, dict[str, Any]]:
    return {face: notebook(lab, load_text(lab), face) for face in ("reference", "learner")}


@pytest.mark.sandbox
def test_labkit_and_stock_nbgrader_score_the_imported_labs_alike(quickstart, imported, tmp_path, quiet, warm):
    hidden = graded("assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(5) == 6\n### END HIDDEN TESTS", "two", 3)
    (quickstart / "source" / "more").mkdir()
    (quickstart / "source" / "more" / "more.ipynb").write_text(made(SOLVED, hidden, graded("f(3)", "runs", 1)))
    course = imported(quickstart).course
    more, problem = course.lab("more"), course.lab("ps1-problem1")
    stock = Stock(tmp_path / "stock", (more, problem))

    def scores(lab: Lab, learner: str, handed_in: dict[str, Any]) -> dict[str, float]:
        report = grade(lab, handed_in, learner=learner, lane=None, warm=warm)
        found = {item.name: item.points for item in report.items}
        assert lab is not problem or stock.grade(lab, learner, handed_in) == found
        return found

    for lab in (more, problem):
        handed_in = faces(lab)
        assert scores(lab, "reference", handed_in["reference"]) == points_of(lab)
        assert scores(lab, "learner", handed_in["learner"]) == dict.fromkeys(points_of(lab), 0)
    half = with_answers(grader_notebook(more), {"f": "def f(x):\n    return 2"})
    found = scores(more, "half", half)
    assert found == {"two": 1.5, "two-hidden": 0, "runs": 1}
    assert stock.grade(more, "half", half) == found


@pytest.mark.sandbox
@pytest.mark.parametrize(("answer", "points"), [("x + 1", 4), ("x", 2), ("None", 0)])
def test_points_that_a_cell_computes_are_given(imported, tmp_path, warm, answer, points):
    path = tmp_path / "one.ipynb"
    path.write_text(made(SOLVED, graded("right = (f(1) == 2) + (f(0) in (0, 1))\nright * 2", "some", 4)))
    lab = imported(path).course.labs[0]
    handed_in = with_answers(grader_notebook(lab), {"f": f"def f(x):\n    return {answer}"})

    assert grade(lab, handed_in, learner="ana", lane=None, warm=warm).score == points


# As nbgrader's own tables have it; that it reads them alike is asked in tests/labkit/courses/imports/test_history.py.
PEOPLE = """
INSERT INTO student (id, first_name, last_name, email) VALUES ('ana', 'Ana', 'Cruz', 'ana@example.org'),
  ('ben', NULL, NULL, NULL);
INSERT INTO assignment (id, name, duedate, course_id) VALUES ('a', 'ps1', '2027-01-31 15:59:00.000000', 'course101');
INSERT INTO notebook (id, name, assignment_id) VALUES ('n', 'problem1', 'a');
INSERT INTO base_cell (id, name, notebook_id, type) VALUES ('g', 'correct_squares', 'n', 'GradeCell');
INSERT INTO grade_cells (id, max_score, cell_type) VALUES ('g', 1, 'code');
INSERT INTO submitted_assignment (id, assignment_id, student_id) VALUES ('s', 'a', 'ana');
INSERT INTO submitted_notebook (id, assignment_id, notebook_id) VALUES ('sn', 's', 'n');
INSERT INTO grade (id, notebook_id, cell_id, manual_score, needs_manual_grade) VALUES ('1', 'sn', 'g', 0.75, 1);
"""


def test_people_due_dates_and_scores_of_a_gradebook_come_along(quickstart, tmp_path, capsys):
    engine = create_engine(f"sqlite:///{quickstart / 'gradebook.db'}")
    Base.metadata.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(quickstart / "gradebook.db")) as book:
        book.executescript(PEOPLE)
    to = tmp_path / "courses"
    assert import_course([str(quickstart), "--to", str(to)]) == 0

    said, folder = capsys.readouterr().out, to / "course101"
    assert "1 people in roster.csv and 1 score in history.csv" in said
    assert "'ben' is not in roster.csv: The e-mail address is missing." in said
    assert [row.email for row in load_roster(folder / "roster.csv").rows] == ["ana@example.org"]
    assert "ps1,ana,0.75,1,0,yes," in (folder / "history.csv").read_text()
    assert {(folder / name).stat().st_mode & 0o777 for name in ("roster.csv", "history.csv")} == {0o600}
    assert (folder / ".gitignore").read_text() == "roster.csv\nhistory.csv\n"
    assert {lab.due.isoformat() for lab in load_course(to, "course101").labs} == {"2027-01-31T15:59:00+00:00"}

    assert import_course([str(quickstart), "--to", str(to), "--name", "bare", "--no-gradebook"]) == 0
    assert not (to / "bare" / "roster.csv").exists()


def test_the_command_is_registered():
    from importlib.metadata import entry_points

    (point,) = entry_points(group="labkit.commands", name="courses.import")
    assert point.load() is import_course
