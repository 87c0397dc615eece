"""nbgrader's gradebook, written through nbgrader itself."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.execute import outputs
from autograder.gradebook import CourseGradebook, ManualGrade
from autograder.repair import repair
from autograder.report import Check, Item, Report
from labkit.courses import Course, build, load_course
from labkit.errors import OperatorError, PlatformFault

# nbgrader's own way with SQLAlchemy's sessions.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

COURSES = Path(__file__).parents[2] / "courses"
ANA = {"id": "ana", "first_name": "Ana", "last_name": "Cruz", "email": "ana@example.org"}
NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


def report(points: float, fault: str | None = None) -> Report:
    check = Check(reason="never leaves the bounds", passed=points > 0, hint="")
    items = (Item("clip-examples", 2.0, 2.0, ()), Item("clip-properties", points, 3.0, (check,)))
    return Report(score=2 + points, max=5.0, items=() if fault else items, fault=fault)


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(COURSES, "testing")


@pytest.fixture(scope="module")
def built(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(course, folder)
    return folder


@pytest.fixture(scope="module")
def registered(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course's folder with one lab registered: nbgrader takes seconds to make its database."""
    root = tmp_path_factory.mktemp("nbgrader") / "testing"
    assert CourseGradebook(root, "testing").register("clip", built / "grader" / "clip" / "clip.ipynb")
    return root


@pytest.fixture
def book(registered: Path, tmp_path: Path) -> CourseGradebook:
    shutil.copytree(registered, tmp_path / "testing")
    return CourseGradebook(tmp_path / "testing", "testing")


def submission(built: Path, answer: str | None = "Nowhere, I think.", source: Path | None = None) -> dict:
    notebook = json.loads((built / "learner" / "clip" / "clip.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["id"] == "clip":
            cell["source"] = "def clip(x, low, high):\n    return max(low, min(high, x))"
        if cell["id"] == "reflect" and answer is not None:
            cell["source"] = answer
    released = json.loads((source or built / "grader" / "clip" / "clip.ipynb").read_text())
    return repair(released, json.dumps(notebook).encode()).notebook


def grades(book: CourseGradebook) -> dict[str, tuple[float | None, bool]]:
    with Gradebook(f"sqlite:///{book.root / 'gradebook.db'}", "testing") as gradebook:
        notebook = gradebook.find_submission_notebook("clip", "clip", "ana")
        return {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in notebook.grades}


def give(book: CourseGradebook, points: float) -> None:
    """As formgrader does when an instructor types a score."""
    with Gradebook(f"sqlite:///{book.root / 'gradebook.db'}", "testing") as gradebook:
        grade = gradebook.find_grade("reflect", "clip", "clip", "ana")
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def test_registering_the_same_notebook_again_does_nothing(book: CourseGradebook, built: Path):
    assert not book.register("clip", built / "grader" / "clip" / "clip.ipynb")


def test_a_registered_notebook_that_a_power_cut_emptied_is_registered_again(book: CourseGradebook, built: Path):
    copy, source = book.root / "source" / "clip" / "clip.ipynb", built / "grader" / "clip" / "clip.ipynb"
    copy.write_bytes(b"")
    assert book.register("clip", source)
    assert copy.read_bytes() == source.read_bytes()


def test_partial_points_arrive_as_they_are(book: CourseGradebook, built: Path):
    book.write(ANA, "clip", submission(built), NOW, report(1.5))
    assert grades(book) == {"clip-examples": (2.0, False), "clip-properties": (1.5, False), "reflect": (None, True)}


@pytest.mark.parametrize(("points", "kept"), [(0.0, 0.0), (-3.0, 0.0), (99.0, 3.0), (1 / 3, 1 / 3)])
def test_no_number_is_read_as_full_marks_or_stops_the_submission(
    book: CourseGradebook, built: Path, points: float, kept: float
):
    book.write(ANA, "clip", submission(built), NOW, report(points))
    assert grades(book)["clip-properties"][0] == pytest.approx(kept)


def test_writing_again_replaces_the_automatic_score_and_keeps_what_a_person_gave(book: CourseGradebook, built: Path):
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    give(book, 8)
    assert book.manual_grades() == [ManualGrade("ana", "clip", 8.0)]
    book.write(ANA, "clip", submission(built), NOW, report(3.0))
    assert grades(book)["clip-properties"] == (3.0, False)
    assert book.manual_grades() == [ManualGrade("ana", "clip", 8.0)]


@pytest.mark.parametrize("torn", [b"", b'{"cells": [', b"\xff"])
def test_a_notebook_that_a_crash_cut_short_is_written_anew_and_the_grade_kept_for_reading(
    book: CourseGradebook, built: Path, torn: bytes
):
    book.write(ANA, "clip", submission(built), NOW, report(3.0))
    notebook = book.root / "autograded" / "ana" / "clip" / "clip.ipynb"
    notebook.chmod(0o644)
    notebook.write_bytes(torn)
    book.write(ANA, "clip", submission(built), NOW, report(1.0))

    assert book.automatic_scores("clip") == {"ana": 3.0}
    assert json.loads(notebook.read_text())["cells"]


def test_a_changed_answer_is_read_again(book: CourseGradebook, built: Path):
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    give(book, 8)
    book.write(ANA, "clip", submission(built, answer="I changed my mind."), NOW, report(1.0))
    assert book.manual_grades() == [ManualGrade("ana", "clip", None)]


def test_a_written_answer_waits_until_a_person_has_read_it(book: CourseGradebook, built: Path):
    assert book.manual_grades() == []
    before = book.stamp()
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    assert book.manual_grades() == [ManualGrade("ana", "clip", None)]
    assert book.stamp() > before
    give(book, 7.5)
    assert book.manual_grades() == [ManualGrade("ana", "clip", 7.5)]


def test_an_answer_left_untouched_is_zero_and_waits_for_nobody(book: CourseGradebook, built: Path):
    book.write(ANA, "clip", submission(built, answer=None), NOW, report(1.0))
    assert book.manual_grades() == [ManualGrade("ana", "clip", 0.0)]


def test_a_fault_of_ours_is_never_written_as_a_score(book: CourseGradebook, built: Path):
    book.write(ANA, "clip", submission(built), NOW, report(3.0))
    with pytest.raises(PlatformFault):
        book.write(ANA, "clip", submission(built), NOW, report(0, fault="the model did not answer"))
    assert grades(book)["clip-properties"] == (3.0, False)


def test_formgrader_is_shown_each_check_and_its_points(book: CourseGradebook, built: Path):
    book.write(ANA, "clip", submission(built), NOW, report(1.5))
    shown = json.loads((book.root / "autograded" / "ana" / "clip" / "clip.ipynb").read_text())
    cell = next(cell for cell in shown["cells"] if cell["id"] == "clip-properties")
    text = json.dumps(cell["outputs"], ensure_ascii=False)
    assert "✓ never leaves the bounds" in text
    assert "1.5" in text


def test_the_output_nbgrader_reads_is_one_plain_float():
    stream, result = outputs(Item("x", 1.5, 2.0, ()))
    assert stream.name == "stdout"
    assert result.data == {"text/plain": "1.5"}


def changed(built: Path, tmp_path: Path, change) -> Path:
    notebook = json.loads((built / "grader" / "clip" / "clip.ipynb").read_text())
    change(notebook["cells"])
    path = tmp_path / "changed.ipynb"
    path.write_text(json.dumps(notebook))
    return path


def add_prose(cells: list[dict]) -> None:
    about = {**cells[0]["metadata"]["nbgrader"], "grade_id": "prose_9"}
    cells.append({**cells[0], "id": "prose_9", "metadata": {"nbgrader": about}})


def drop_prose(cells: list[dict]) -> None:
    del cells[0]


def reword_a_test(cells: list[dict]) -> None:
    cell = next(cell for cell in cells if cell["id"] == "clip-examples")
    cell["source"] = "assert clip(7, 0, 3) == 3"


@pytest.mark.parametrize("change", [add_prose, drop_prose, reword_a_test])
def test_a_lab_may_be_reworded_after_learners_handed_in(book: CourseGradebook, built: Path, tmp_path: Path, change):
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    give(book, 8)
    source = changed(built, tmp_path, change)
    assert book.register("clip", source)
    assert grades(book)["clip-properties"] == (1.0, False)
    book.write(ANA, "clip", submission(built, source=source), NOW, report(2.0))
    assert grades(book)["clip-properties"] == (2.0, False)
    assert book.manual_grades() == [ManualGrade("ana", "clip", 8.0)]


def test_a_test_that_went_after_learners_handed_in_is_refused_by_name(
    book: CourseGradebook, built: Path, tmp_path: Path
):
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    without = changed(built, tmp_path, lambda cells: cells.remove(next(c for c in cells if c["id"] == "clip-examples")))
    with pytest.raises(OperatorError, match="clip-examples"):
        book.register("clip", without)
    assert grades(book)["clip-examples"] == (2.0, False)


def test_one_write_hands_over_that_learners_files_alone(
    book: CourseGradebook, built: Path, monkeypatch: pytest.MonkeyPatch
):
    """Written by root, read and replaced by formgrader's own account."""
    book.write({**ANA, "id": "ben"}, "clip", submission(built), NOW, report(1.0))
    handed: list[Path] = []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("os.chown", lambda path, *_, **__: handed.append(Path(path).relative_to(book.root)))
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    for stage in ("submitted", "autograded"):
        parts = (stage, f"{stage}/ana", f"{stage}/ana/clip", f"{stage}/ana/clip/clip.ipynb")
        assert {Path(part) for part in parts} <= set(handed)
    assert not [path for path in handed if "ben" in path.parts]


def test_a_gradebook_that_was_put_in_anothers_place_is_read_anew(book: CourseGradebook, built: Path):
    """As a restore does it; nbgrader's statements are kept from one opening to the next, its connections are not."""
    book.write(ANA, "clip", submission(built), NOW, report(1.0))
    earlier = (book.root / "gradebook.db").read_bytes()
    book.write(ANA, "clip", submission(built), NOW, report(3.0))
    (book.root / "restored").write_bytes(earlier)
    (book.root / "restored").rename(book.root / "gradebook.db")
    assert grades(book)["clip-properties"] == (1.0, False)
    book.write(ANA, "clip", submission(built), NOW, report(2.0))
    assert grades(book)["clip-properties"] == (2.0, False)


def test_code_that_a_person_grades_waits_for_her_and_keeps_what_she_gave(make_lab, tmp_path: Path):
    solved = '# %% solution="essay" points=4\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n'
    make_lab(f'{solved}# %% test="t" points=1\nassert x\n')
    build(load_course(tmp_path, "c"), tmp_path / "built")
    released = tmp_path / "built" / "grader" / "one" / "one.ipynb"
    book = CourseGradebook(tmp_path / "nbgrader" / "c", "c")
    book.register("one", released)

    def hand_in(learner: str, source: str | None) -> None:
        notebook = json.loads(released.read_text())
        notebook["cells"][0]["source"] = source or notebook["cells"][0]["source"]
        graded = Report(score=1.0, max=1.0, items=(Item("t", 1.0, 1.0, ()),))
        book.write(ANA | {"id": learner}, "one", notebook, NOW, graded)

    hand_in("ana", "x = 5")
    hand_in("ben", None)
    assert book.manual_grades() == [ManualGrade("ana", "one", None), ManualGrade("ben", "one", 0.0)]

    with Gradebook(f"sqlite:///{book.root / 'gradebook.db'}", "c") as gradebook:
        grade = gradebook.find_grade("essay", "one", "one", "ana")
        grade.manual_score, grade.needs_manual_grade = 3, False
        gradebook.db.commit()
    hand_in("ana", "x = 5")
    assert book.manual_grades()[0] == ManualGrade("ana", "one", 3.0)
    hand_in("ana", "x = 6")
    assert book.manual_grades()[0] == ManualGrade("ana", "one", None)
