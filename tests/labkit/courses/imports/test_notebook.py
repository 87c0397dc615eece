"""A notebook may hold anything: it is read within bounds, or refused with what to do."""

import json
from pathlib import Path

import pytest

from labkit.courses.imports import notebook as room
from labkit.courses.imports.notebook import read_notebook
from labkit.courses.imports.report import Notes
from labkit.errors import OperatorError
from tests.labkit.courses.imports.conftest import KERNEL, SOLVED, TESTED, graded, notebook, plain


@pytest.fixture
def read(tmp_path: Path):
    def _read(content: str | bytes):
        path = tmp_path / "one.ipynb"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        notes = Notes("one.ipynb")
        return read_notebook(path, notes), "\n".join(str(note) for note in notes.all)

    return _read


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ('"caf\xe9"'.encode("latin-1"), "not UTF-8"),
        ("[1, 2]", "holds no object"),
        ("{}", "nbformat None"),
        ('{"nbformat": 5, "cells": []}', "nbformat 5"),
        ('{"nbformat": 4}', "no list of cells"),
        ('{"nbformat": 3, "worksheets": 7}', "cannot be upgraded"),
        ("[" * 100_000 + "]" * 100_000, "not JSON"),
        ("[" * (room.MOST_PARTS + 1), "larger than a notebook may be"),
    ],
)
def test_what_is_no_notebook_is_refused_and_says_what_to_do(read, content, found):
    with pytest.raises(OperatorError) as refused:
        read(content)

    assert found in refused.value.message
    assert refused.value.instead


def test_a_file_without_end_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "one.ipynb"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(OperatorError, match="larger than a notebook"):
        read_notebook(path, Notes(""))


def test_ten_thousand_cells_are_read_and_more_than_the_most_are_refused(read, monkeypatch):
    many = notebook(*[plain("x = 1")] * 10_000)
    assert len(read(many)[0].cells) == 10_000

    monkeypatch.setattr(room, "MOST_CELLS", 9_999)
    with pytest.raises(OperatorError, match="has 10000 cells"):
        read(many)


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(read):
    found, told = read("\ufeff" + notebook(plain("x = 1\r\ny = 2\rz = 3")))

    assert found.cells[0].source == "x = 1\ny = 2\nz = 3"
    assert not told


def test_characters_that_no_text_can_hold_are_replaced_and_told(read):
    content = {"cells": [plain("x = 'a\0b'"), plain("y = '\ud800'")], "metadata": KERNEL, "nbformat": 4}
    found, told = read(json.dumps(content))

    assert [cell.source for cell in found.cells] == ["x = 'a\ufffdb'", "y = '?'"]
    assert told.count("were replaced") == 2


@pytest.mark.parametrize(
    "cell", [7, None, {}, {"cell_type": "video", "source": ""}, {"cell_type": "code", "source": {"x": 1}}]
)
def test_a_cell_of_no_known_kind_is_told_and_the_others_stay(read, cell):
    found, told = read(json.dumps({"cells": [cell, plain("x")], "metadata": {}, "nbformat": 4}))

    assert [one.number for one in found.cells] == [2]
    assert "cell 1: no cell labkit knows" in told


def test_an_enormous_cell_is_left_out_and_told(read):
    found, told = read(notebook(plain("x" * (room.LONGEST_CODE + 1)), SOLVED))

    assert len(found.cells) == 1
    assert "cell 1: a cell of 262145 characters" in told


@pytest.mark.parametrize("version", [0, 1, 2])
def test_older_metadata_of_nbgraders_is_upgraded(read, version):
    about = {"grade": True, "grade_id": "t", "points": "3"} | ({"schema_version": version} if version else {})
    old = {"cell_type": "code", "metadata": {"nbgrader": about}, "source": "assert x"}
    found, told = read(notebook(old, old))

    assert (found.cells[0].grade, found.cells[0].points, found.cells[0].solution) == (True, 3, False)
    assert told == f"one.ipynb: nbgrader's metadata was of version {version}: upgraded"


@pytest.mark.parametrize("points", ["", None, -2, "many", [1], "nan", "inf", 1e300, 10**400])
def test_points_that_are_no_number_are_none(read, points):
    assert read(notebook(graded("assert x", "t", points)))[0].cells[0].points == 0


def test_metadata_newer_than_known_is_read_and_told(read):
    found, told = read(notebook(graded("assert x", "t", 2, schema_version=4)))

    assert found.cells[0].points == 2
    assert "version 4, which labkit does not know" in told


def test_metadata_that_says_nothing_makes_a_plain_cell(read):
    about = {
        "nbgrader": {"grade": False, "solution": False, "locked": False, "grade_id": "cell-1", "schema_version": 1}
    }
    found, _ = read(notebook({"cell_type": "code", "metadata": about, "source": "x"}))

    assert found.cells[0].name == ""


def test_a_notebook_of_nbformat_3_is_upgraded_by_nbformat(read):
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "metadata": {},
                "cells": [
                    {"cell_type": "heading", "level": 1, "metadata": {}, "source": "Old"},
                    {
                        "cell_type": "code",
                        "language": "python",
                        "collapsed": False,
                        "metadata": {},
                        "outputs": [],
                        "input": "x",
                    },
                ],
            }
        ],
    }
    found, told = read(json.dumps(old))

    assert [(one.kind, one.source) for one in found.cells] == [("markdown", "# Old"), ("code", "x")]
    assert "nbformat 3" in told


@pytest.mark.parametrize(
    ("metadata", "python"),
    [
        ({}, True),
        (KERNEL, True),
        ({"kernelspec": {"name": "ir", "language": "R"}}, False),
        ({"language_info": {"name": "julia"}}, False),
        ({"kernelspec": {"name": "xcpp17"}}, False),
        ({"kernelspec": 7, "language_info": []}, True),
    ],
)
def test_the_language_is_what_kernel_or_language_info_say(read, metadata, python):
    found, _ = read(json.dumps({"cells": [SOLVED, TESTED], "metadata": metadata, "nbformat": 4}))

    assert room.is_python(found.language) is python
