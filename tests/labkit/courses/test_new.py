"""A new lab begins as a whole one, and nothing that is there is written over."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit.courses import load_attempts, load_course, load_text
from labkit.courses.build import build
from labkit.courses.command import new
from labkit.courses.lint import lint
from labkit.courses.new import CONTRACT, new_lab
from labkit.errors import AuthorError, OperatorError


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_new_course_has_one_lab_that_teaches_every_form(tmp_path):
    lab = new_lab(tmp_path / "courses", "first", "ratings", "Rate a service")
    cells = load_text(lab).cells

    assert {cell.kind for cell in cells} == {"prose", "code", "demo", "solution", "test", "answer"}
    assert {cell.hidden for cell in cells if cell.kind == "test"} == {True, False}
    assert cells[0].source.startswith("# Rate a service\n")
    assert "labkit.submit()" in cells[-1].source
    assert next(cell for cell in cells if cell.kind == "solution").starter.endswith("return ...")
    assert lint(lab) == []
    bounds = sorted(str(attempt.bound) for attempt in load_attempts(lab))
    assert bounds == ["100%", "<=35% loses average-examples, average-unseen"]
    build(load_course(tmp_path / "courses", "first"), tmp_path / "built")


def test_a_new_lab_keeps_the_contract_of_a_hundred_points(tmp_path):
    cells = load_text(new_lab(tmp_path, "first", "ratings")).of("test", "answer")
    hygiene = next(cell for cell in cells if cell.id == "works-cleanly").points
    got = {
        "visible": sum(cell.points for cell in cells if cell.kind == "test" and not cell.hidden),
        "hidden skill": sum(cell.points for cell in cells if cell.hidden) - hygiene,
        "hygiene": hygiene,
        "reflection": sum(cell.points for cell in cells if cell.kind == "answer"),
    }
    assert got == CONTRACT
    assert sum(got.values()) == 100


def test_in_a_course_that_says_its_outcomes_each_graded_cell_names_one(tmp_path):
    new_lab(tmp_path, "first", "ratings")
    toml = tmp_path / "first/course.toml"
    outcome = '[[outcomes]]\nid = "averages"\ntext = "Work out an average"\n\n'
    toml.write_text(toml.read_text().replace("[[labs]]", outcome + "[[labs]]"))
    lab = new_lab(tmp_path, "first", "more")

    assert {cell.outcome for cell in load_text(lab).of("test", "answer")} == {"averages"}
    assert lint(lab) == []


def test_a_second_lab_is_added_at_the_end_and_what_stood_there_stays(write):
    root = write()
    toml, before = root / "c/course.toml", (root / "c/course.toml").read_text()
    toml.write_text(before + "\n# Ours.\n\n\n")
    new_lab(root, "c", "two")

    assert toml.read_text().startswith(before + "\n# Ours.")
    assert [lab.id for lab in load_course(root, "c").labs] == ["one", "two"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(title=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip))
def test_any_title_can_be_given(tmp_path_factory, title):
    lab = new_lab(tmp_path_factory.mktemp("any"), "c", "one", title)
    assert lab.title == " ".join(title.split())
    assert lint(lab) == []


@pytest.mark.parametrize("title", ['a\n# %% solution="x"', "a\u2028b", "a\r\n\tb"])
def test_a_title_stands_on_one_line(tmp_path, title):
    lab = new_lab(tmp_path, "c", "one", title)
    assert f"# # {' '.join(title.split())}\n" in (lab.path / "lab.py").read_text("utf-8")


@pytest.mark.parametrize("title", ["a\x1bb", "a\x00b", "a\udcffb"])
def test_a_title_nobody_can_read_is_refused_before_anything_is_written(tmp_path, title):
    with pytest.raises(OperatorError, match="cannot be a title"):
        new_lab(tmp_path / "courses", "c", "one", title)
    assert not (tmp_path / "courses").exists()


@pytest.mark.parametrize("which", ["Up/one", "c/One", "c/one/two", "c/..", "../one", "c/", "/one", "c/-"])
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_written(tmp_path, capsys, which):
    assert new([which, "--courses", str(tmp_path / "courses")]) == 1
    assert "a-z, 0-9" in capsys.readouterr().err
    assert not (tmp_path / "courses").exists()


def test_nothing_is_written_over(write):
    root = write()
    (root / "c/drafts").mkdir()
    (root / "c/drafts/lab.py").write_text("mine")
    (root / "empty").mkdir()
    before = content(root)
    for course, lab, told in (
        ("c", "one", "already"),
        ("c", "drafts", "does not name it"),
        ("empty", "one", "no course"),
    ):
        with pytest.raises(OperatorError, match=told):
            new_lab(root, course, lab)
    assert content(root) == before


def test_a_course_that_is_wrong_already_is_left_as_it_is(write):
    root = write(toml='title = "T"\nlabz = 3\n')
    before = content(root)
    with pytest.raises(AuthorError, match="labz"):
        new_lab(root, "c", "two")
    assert content(root) == before


def test_a_list_of_labs_in_brackets_is_left_as_it_is(write):
    root = write(toml='title = "T"\nlabs = [{id = "one", title = "One"}]\n')
    before = content(root)
    with pytest.raises(OperatorError, match=r"\[\[labs\]\]"):
        new_lab(root, "c", "two")
    assert content(root) == before


def test_one_that_fails_leaves_nothing_and_one_that_was_killed_is_taken_up(write, monkeypatch):
    root = write()
    before = content(root)
    monkeypatch.setattr("labkit.courses.new.write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert new(["c/two", "--courses", str(root)]) == 1
    assert content(root) == before

    monkeypatch.setattr("labkit.courses.new.write", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        new(["c/two", "--courses", str(root)])
    monkeypatch.undo()
    assert (root / "c/two/lab.py").is_file()
    assert new(["c/two", "--courses", str(root)]) == 0
    assert [lab.id for lab in load_course(root, "c").labs] == ["one", "two"]
