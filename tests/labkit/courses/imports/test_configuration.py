"""nbgrader_config.py is read, never run."""

import dataclasses
from pathlib import Path

import pytest

from labkit.courses.imports.configuration import Settings, read_settings
from labkit.courses.imports.report import Notes
from labkit.errors import OperatorError


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str | bytes) -> tuple[Settings, str]:
        file = tmp_path / "nbgrader_config.py"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        notes = Notes("nbgrader_config.py")
        settings = read_settings(file, notes)
        return settings, "\n".join(str(note) for note in notes.all)

    return _read


def test_nothing_in_it_is_run(read, tmp_path):
    mark = tmp_path / "ran"
    settings, told = read(
        f"import pathlib\nc = get_config()\npathlib.Path({str(mark)!r}).touch()\n"
        f"c.CourseDirectory.course_id = str(pathlib.Path({str(mark)!r}).touch())\n"
    )

    assert not mark.exists()
    assert settings == Settings()
    assert "line 3: `pathlib.Path(" in told
    assert "line 4: `c.CourseDirectory.course_id" in told


def test_what_it_says_simply_is_taken(read):
    settings, told = read(
        '"""Ours."""\nfrom traitlets.config import get_config\nconfig = get_config()\n'
        'config.CourseDirectory.course_id = "course " "101"\nconfig.ClearSolutions.code_stub = "pass"\n'
        'config.CourseDirectory.source_directory = "src"\nconfig.IncludeHeaderFooter.header = "src/top.ipynb"\n'
        'config.CourseDirectory.db_url = "sqlite:///grades.db"\nconfig.Exchange.root = "/srv/exchange"\n'
    )

    assert not told
    assert settings == Settings(
        course_id="course 101", code_stub="pass", source="src", header="src/top.ipynb", database="sqlite:///grades.db"
    )


@pytest.mark.parametrize(
    "line",
    [
        "c.Execute.timeout = 60",
        "for x in (1, 2):\n    c.ClearSolutions.text_stub = x",
        "c.ClearSolutions.text_stub = 7",
        'c.ClearSolutions.begin_solution_delimeter = ""',
        'c.ClearSolutions.text_stub += "x"',
        'other.ClearSolutions.text_stub = "x"',
        'c.ClearSolutions["text_stub"] = "x"',
        "c.ClearSolutions.text_stub = c.x = 'y'",
        "load_subconfig('more.py')",
        "c.ClearSolutions.code_stub = {'R': 'fail()'}",
        "c.CourseDirectory.db_students = [dict(id='ana')]",
    ],
)
def test_whatever_else_stands_there_is_told_with_its_line(read, line):
    settings, told = read(f"c = get_config()\n{line}\n")

    assert settings == Settings()
    assert "line 2: `" in told


@pytest.mark.parametrize("text", ["c = (", b"\xff\xfe", "c = 'a\0b'", "x = " + "(" * 5_000])
def test_what_is_not_python_is_refused_since_hidden_tests_may_hang_on_it(read, text):
    with pytest.raises(OperatorError) as refused:
        read(text)

    assert "Mend it" in refused.value.instead


def test_every_setting_that_is_taken_has_a_default():
    assert all(field.default is not dataclasses.MISSING for field in dataclasses.fields(Settings))
