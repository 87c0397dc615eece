"""Pictures and data become files of the lab, and nothing outside of the assignment does."""

import base64
import os

import pytest

from labkit.courses import build
from labkit.courses.imports import files as room
from tests.labkit.courses.imports.conftest import SOLVED, TESTED, answer, cell, plain, prose

PNG = b"\x89PNG picture"
ATTACHED = {"image/png": base64.b64encode(PNG).decode()}


def data(made) -> dict[str, bytes]:
    folder = made.folder / "one" / "data"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_picture_inside_a_cell_becomes_a_file_and_the_cell_shows_it(lab):
    made = lab(prose("![a tree](attachment:my%20tree.png)", attachments={"my tree.png": ATTACHED}), SOLVED, TESTED)

    assert data(made) == {"my-tree.png": PNG}
    assert made.cells[0].source == "![a tree](data/my-tree.png)"


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "..\\..\\x.png", "....", "a/../../b", "~/.ssh/key", "x" * 300, "\n"]
)
def test_no_name_of_a_picture_leads_out_of_the_data(lab, name):
    made = lab(prose(f"![x](attachment:{room.quote(name, safe='')})", attachments={name: ATTACHED}), SOLVED, TESTED)

    (found,) = data(made)
    assert "/" not in found
    assert not found.startswith(".")
    assert list(data(made).values()) == [PNG]
    assert {path.name for path in made.folder.parent.iterdir()} == {"given"}


def test_two_pictures_of_one_name_stay_two_and_the_same_picture_is_one(lab):
    other = {"image/png": base64.b64encode(b"other").decode()}
    cells = [prose("![x](attachment:a.png)", attachments={"a.png": form}) for form in (ATTACHED, other, ATTACHED)]
    made = lab(*cells, SOLVED, TESTED)

    assert data(made) == {"a.png": PNG, "a-2.png": b"other"}
    assert [one.source for one in made.cells[:3]] == ["![x](data/a.png)", "![x](data/a-2.png)", "![x](data/a.png)"]


@pytest.mark.parametrize(
    "secret",
    [
        answer("The truth: ![x](attachment:a.png)", attachments={"a.png": ATTACHED}),
        cell(
            "markdown",
            "Do.\n### BEGIN MARK SCHEME\n![x](attachment:a.png)\n### END MARK SCHEME",
            "m",
            task=True,
            points=1,
            attachments={"a.png": ATTACHED},
        ),
    ],
)
def test_a_picture_of_an_answer_or_a_mark_scheme_does_not_reach_learners(lab, secret):
    made = lab(secret, SOLVED, TESTED)

    assert data(made) == {}
    assert "'a.png': nothing that learners see shows it" in made.lost


def test_a_picture_that_is_missing_or_broken_is_told(lab):
    made = lab(
        prose("![x](attachment:gone.png) ![y](attachment:bad.png)", attachments={"bad.png": {"image/png": "a"}}),
        SOLVED,
        TESTED,
    )

    assert "the picture 'gone.png' is not in the notebook" in made.lost
    assert "the picture 'bad.png' is not in the notebook" in made.lost


def test_files_beside_the_notebook_go_to_data_and_what_names_them_follows(lab):
    code = 'import csv\nrows = open("table.csv"), open("./sub/b.txt"), open("data/kept.txt"), "table.csv.old"'
    made = lab(
        prose('![](jupyter.png) [table](./table.csv) <img src="jupyter.png"> [site](https://example.org/jupyter.png)'),
        plain(code),
        SOLVED,
        TESTED,
        **{
            "source/one/jupyter.png": PNG,
            "source/one/table.csv": "a,b\n",
            "source/one/sub/b.txt": "b",
            "source/one/data/kept.txt": "k",
        },
    )

    assert set(data(made)) == {"jupyter.png", "table.csv", "sub/b.txt", "kept.txt"}
    assert made.cells[0].source == (
        '![](data/jupyter.png) [table](data/table.csv) <img src="data/jupyter.png"> [site](https://example.org/jupyter.png)'
    )
    assert (
        'open("data/table.csv"), open("data/sub/b.txt"), open("data/kept.txt"), "table.csv.old"' in made.cells[1].source
    )
    build(made.course, made.folder.parent / "built")


def test_a_file_that_two_places_want_to_have_gets_a_number(lab):
    made = lab(SOLVED, TESTED, **{"source/one/x.csv": "beside", "source/one/data/x.csv": "in data"})

    assert data(made) == {"x.csv": b"in data", "x-2.csv": b"beside"}


def test_links_are_told_and_never_followed(course, bring, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("SECRET")
    root = course({"source/one/one.ipynb": [SOLVED, TESTED]})
    (root / "source/one/link.csv").symlink_to(secret / "key")
    (root / "source/one/folder").symlink_to(secret)
    (root / "source/two").symlink_to(secret)
    os.mkfifo(root / "source/one/pipe")
    made = bring(root)

    assert data(made) == {}
    for name in ("'link.csv' is a link", "folder is a link", "two is a link", "'pipe' is a link, or no plain file"):
        assert name in made.lost


def test_caches_hidden_files_and_gradebooks_are_not_data(lab):
    beside = ("one/.ipynb_checkpoints/one-checkpoint.ipynb", "one/__pycache__/x.pyc", "one/.secret", "one/gradebook.db")
    made = lab(SOLVED, TESTED, **{f"source/{name}": "x" for name in beside})

    assert data(made) == {}
    assert not made.told


def test_what_is_too_large_or_too_much_or_cannot_be_named_is_told(course, bring, monkeypatch):
    root = course({"source/one/one.ipynb": [SOLVED, TESTED], "source/one/a.txt": "a", "source/one/b.txt": "b"})
    with (root / "source/one/large.bin").open("wb") as file:
        file.truncate(room.LARGEST + 1)
    (root / "source/one/new\nline").write_text("x")
    monkeypatch.setattr(room, "MOST_FILES", 1)
    made = bring(root)

    assert set(data(made)) == {"a.txt"}
    for told in (
        "'b.txt' is one more than 1 files",
        "'large.bin' has more than 100 MB",
        "has a name that no text can hold",
    ):
        assert told in made.lost


def test_a_file_goes_to_the_notebooks_that_name_it_or_to_all_of_them(course, bring):
    cells = {name: [plain(f'open("{name}.csv")'), SOLVED, TESTED] for name in ("a", "b")}
    files = {"source/set/a.ipynb": cells["a"], "source/set/b.ipynb": cells["b"]}
    brought = bring(course({**files, **{f"source/set/{name}.csv": name for name in ("a", "b", "both")}}))

    found = {lab.id: {path.name for path in (lab.path / "data").iterdir()} for lab in brought.course.labs}
    assert found == {"set-a": {"a.csv", "both.csv"}, "set-b": {"b.csv", "both.csv"}}


@pytest.mark.parametrize("broken", ['x = "\\x1"', 'x = "\\N{nope}"', "x = '\\u12'"])
def test_a_text_with_half_an_escape_is_left_as_it_is(lab, broken):
    made = lab(plain(broken), SOLVED, TESTED)
    assert made.cells[0].source == broken or broken in str(made.cells[0])


def test_a_notebook_in_a_folder_below_and_a_module_beside_are_told(lab):
    made = lab(
        plain("import helper"),
        SOLVED,
        TESTED,
        **{"source/one/more/extra.ipynb": [SOLVED], "source/one/helper.py": "x = 1"},
    )

    assert "'more/extra.ipynb' is a notebook in a folder below" in made.lost
    assert "it imports helper.py, a file beside it" in made.lost
    assert made.course.packages == ()


def test_a_notebook_that_lies_about_takes_only_what_it_names(course, bring):
    files = {
        "n.ipynb": [plain('open("table.csv"), open("sub/b.txt")'), SOLVED, TESTED],
        "table.csv": "t",
        "other.csv": "o",
    }
    root = course(files | {"sub/b.txt": "b", "sub/c.txt": "c", "private/table.csv": "p"}, config=None)
    (root / "link.csv").symlink_to(root / "other.csv")
    brought = bring(root / "n.ipynb")

    folder = brought.folder / "n" / "data"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "table.csv",
        "sub/b.txt",
    }
    assert not brought.lost
