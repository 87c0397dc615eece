"""A course as a whole: where its notebooks are, what its labs are called, and that it is written whole or not."""

import json
import tomllib

import pytest

from labkit.courses import build, load_course
from labkit.courses.imports import write as writing
from labkit.errors import OperatorError
from tests.labkit.courses.imports.conftest import SOLVED, TESTED, answer, cell, notebook, plain, prose, solution

LAB = [SOLVED, TESTED]
RELEASED = [solution("def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"), TESTED]


@pytest.mark.parametrize(
    ("path", "labs"),
    [
        (".", ["one", "two-a", "two-b"]),
        ("source", ["one", "two-a", "two-b"]),
        ("source/two", ["two-a", "two-b"]),
        ("source/one/problem.ipynb", ["one"]),
    ],
)
def test_a_course_its_source_an_assignment_or_a_notebook_can_be_named(course, bring, path, labs):
    files = {"source/one/problem.ipynb": LAB, "source/two/a.ipynb": LAB, "source/two/b.ipynb": LAB}
    brought = bring(course({**files, "source/loose.ipynb": LAB}) / path)

    assert [lab.id for lab in brought.course.labs] == labs


def test_a_folder_of_notebooks_needs_no_configuration(course, bring):
    brought = bring(course({"Week 1.ipynb": LAB, "Week 2.ipynb": LAB, "notes.txt": "x"}, config=None))

    assert [lab.id for lab in brought.course.labs] == ["week-1", "week-2"]


def test_an_assignment_of_several_notebooks_is_told(course, bring):
    brought = bring(course({"source/two/a.ipynb": LAB, "source/two/b.ipynb": LAB}))

    assert "source/two: an assignment of 2 notebooks: each is a lab of its own" in brought.told


@pytest.mark.parametrize(
    ("name", "lab_id"),
    [
        ("Problem Set 1", "problem-set-1"),
        ("ps.1_final", "ps-1-final"),
        ("ÜBUNG", "ubung"),
        ("作业", "lab"),
        ("x" * 90, "x" * 63),
        ("-- -", "lab"),
    ],
)
def test_every_name_becomes_an_id(course, bring, name, lab_id):
    brought = bring(course({f"source/{name}/n.ipynb": LAB}))

    assert [lab.id for lab in brought.course.labs] == [lab_id]
    build(brought.course, brought.folder.parent / "built")


def test_two_assignments_of_the_same_id_stay_two_and_are_told(course, bring):
    brought = bring(course({"source/PS 1/n.ipynb": LAB, "source/ps-1/n.ipynb": LAB, "source/ps_1/n.ipynb": LAB}))

    assert [lab.id for lab in brought.course.labs] == ["ps-1", "ps-1-2", "ps-1-3"]
    assert "another lab is called ps-1 already: this one is ps-1-2" in brought.told


def test_packages_labkit_does_not_bring_are_named_in_course_toml(course, bring):
    code = plain("import os, numpy, sklearn.svm\nfrom PIL import Image\nimport scipy as sp\nfrom . import here")
    test = cell("code", "from nose.tools import eq_\neq_(f(1), 2)", "t", grade=True, points=1)
    brought = bring(course({"source/one/n.ipynb": [code, SOLVED, test]}))

    assert brought.course.packages == ("pillow", "scikit-learn", "scipy")
    assert "nose runs on no Python" in brought.lost


def test_a_lab_that_imports_torch_has_its_profile(course, bring):
    brought = bring(course({"source/one/n.ipynb": [plain("import torch"), *LAB], "source/two/n.ipynb": LAB}))

    assert [lab.profile for lab in brought.course.labs] == ["torch", "light"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (notebook(*LAB, metadata={"kernelspec": {"language": "R", "name": "ir"}}), "its language is R"),
        (notebook(*RELEASED), "a released version"),
        ("{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (notebook(), "it has no cells"),
    ],
)
def test_a_notebook_that_cannot_be_taken_is_left_out_and_told_and_alone_it_is_refused(course, bring, content, told):
    brought = bring(course({"source/good/n.ipynb": LAB, "source/odd/n.ipynb": content}))
    assert [lab.id for lab in brought.course.labs] == ["good"]
    assert told in brought.lost

    with pytest.raises(OperatorError, match=told) as refused:
        bring(brought.folder.parents[1] / "given" / "source" / "odd" / "n.ipynb", "alone")
    assert refused.value.instead


def test_a_source_whose_written_answers_are_stubs_is_no_released_version(course, bring):
    brought = bring(course({"source/one/n.ipynb": [answer("YOUR ANSWER HERE"), *LAB]}))

    assert [lab.id for lab in brought.course.labs] == ["one"]


def test_a_notebook_that_is_a_link_is_not_read(course, bring, tmp_path):
    (tmp_path / "elsewhere.ipynb").write_text(notebook(*LAB))
    root = course({"source/one/good.ipynb": LAB})
    (root / "source/one/link.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    brought = bring(root)

    assert [lab.id for lab in brought.course.labs] == ["one"]
    assert "link.ipynb is a link" in brought.lost


@pytest.mark.parametrize("line", ['source_directory = "../outside"', 'db_url = "sqlite:////etc/passwd"'])
def test_a_configuration_does_not_lead_out_of_the_course(course, bring, tmp_path, line):
    outside = tmp_path / "outside" / "one"
    outside.mkdir(parents=True)
    (outside / "n.ipynb").write_text(notebook(*LAB))
    root = course({"source/one/n.ipynb": LAB}, f"c = get_config()\nc.CourseDirectory.{line}\n")

    if "source" in line:
        with pytest.raises(OperatorError, match="no notebook"):
            bring(root)
    else:
        assert "the gradebook is not in this folder" in bring(root).lost


def test_a_header_outside_or_missing_is_told(course, bring):
    config = (
        'c = get_config()\nc.IncludeHeaderFooter.header = "../../x.ipynb"\nc.IncludeHeaderFooter.footer = "y.ipynb"\n'
    )
    brought = bring(course({"source/one/n.ipynb": LAB}, config))

    assert "the header '../../x.ipynb' is not in this folder" in brought.lost
    assert "the footer 'y.ipynb' is not in this folder" in brought.lost


@pytest.mark.parametrize("files", [{}, {"source/one/readme.txt": "x"}, {"source/.hidden/n.ipynb": LAB}])
def test_a_folder_without_notebooks_is_refused_with_what_to_name(course, bring, files):
    with pytest.raises(OperatorError) as refused:
        bring(course(files))

    assert "no notebook" in refused.value.message
    assert "nbgrader_config.py" in refused.value.instead


@pytest.mark.parametrize("name", ["Course", "a_b", "../x", "-", "x" * 64])
def test_a_name_that_is_no_id_is_refused(course, bring, name):
    with pytest.raises(OperatorError, match="cannot be a course's id"):
        bring(course({"source/one/n.ipynb": LAB}), name)


def test_what_is_there_already_is_never_touched(course, bring):
    root = course({"source/one/n.ipynb": LAB})
    folder = bring(root).folder
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    with pytest.raises(OperatorError, match="is there already"):
        bring(root)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_write_that_fails_leaves_nothing(course, bring, monkeypatch, tmp_path):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    root = course({"source/one/n.ipynb": LAB, "source/one/x.csv": "x"})
    monkeypatch.setattr(writing.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        bring(root)

    assert list((tmp_path / "courses").iterdir()) == []


def test_a_title_that_toml_cannot_hold_as_it_is_is_read_back(course, bring):
    title = 'Say "hi" \\ and\x07 \u007f “ñ”'
    brought = bring(course({"source/one/n.ipynb": [prose(f"# {title}"), *LAB]}))

    assert brought.course.labs[0].title == 'Say "hi" \\ and “ñ”'
    tomllib.loads((brought.folder / "course.toml").read_text())


def test_import_md_tells_it_all_and_stands_in_the_courses_way_no_more_than_its_lists(course, bring):
    brought = bring(course({"source/one/n.ipynb": [prose("a | b"), answer("x"), *LAB], "source/one/l|k.txt": "x"}))
    text = (brought.folder / "IMPORT.md").read_text()

    for note in brought.report.notes:
        assert note.told.replace("|", "\\|") in text
    assert "| one | source/one/n.ipynb | 5 | 2 | 3 |" in text
    assert load_course(brought.folder.parent, "given").labs


def test_ten_thousand_cells_make_a_lab(course, bring):
    numbered = [plain(f"x{number} = 1") for number in range(4_998)]
    brought = bring(course({"source/one/n.ipynb": [*[prose("x")] * 5_000, *numbered, *LAB]}))

    assert brought.report.labs[0].automatic == 2


def test_the_report_is_json(course, bring):
    report = bring(course({"source/one/n.ipynb": [*LAB, prose("x", task=True)]})).report.to_json()

    assert json.loads(json.dumps(report)) == report
    assert report["labs"][0]["names"][0] == {"from": "cell 1 (f)", "to": "f"}


def test_written_answers_alone_are_a_released_version_where_nbgrader_says_so(course, bring):
    with pytest.raises(OperatorError, match="a released version"):
        bring(course({"source/one/n.ipynb": [answer("YOUR ANSWER HERE", checksum="5f3c"), TESTED]}))


def test_a_lab_that_cannot_be_built_yet_is_written_and_says_so(course, bring):
    words = 'print("""\nwords that stand inside of a string\n""")\n'
    test = f"{words}assert f(1) == 2\n### BEGIN HIDDEN TESTS\n{words}assert f(2) == 3\n### END HIDDEN TESTS"
    report = bring(course({"source/one/n.ipynb": [SOLVED, cell("code", test, "t", grade=True, points=1)]})).report

    assert "is given away" in report.labs[0].refused
    assert report.labs[0].refused in [note.told for note in report.lost]
