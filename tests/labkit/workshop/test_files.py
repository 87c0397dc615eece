"""Only what the builder reads is a course's text, under names that mean one thing everywhere."""

from __future__ import annotations

import base64

import pytest

from labkit.errors import RequestRefused
from labkit.workshop import files

TOML = base64.b64encode(b'title = "T"').decode()


@pytest.mark.parametrize(
    "name",
    [
        *("course.toml", "README.md", "one/lab.py", "one/lab.fil.py", "one/README.md", "one/calibration.json"),
        *("one/submissions/another_way.py", "one/data/a b.csv", "one/hidden/deep/er/é.json", "one/data/LICENSES.toml"),
    ],
)
def test_what_the_builder_reads_is_text(name):
    assert files.is_text(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "/course.toml",
            "../course.toml",
            "one/../course.toml",
            "one/data/../lab.py",
            "./course.toml",
            "one//lab.py",
        ),
        *(
            ".git/config",
            "one/.git/hooks/x",
            "one/data/.gitattributes",
            ".gitattributes",
            "one/data/.x",
            "one/.hidden/x",
        ),
        *(
            "one/lab.ipynb",
            "one/lab.tl.py",
            "One/lab.py",
            "one/submissions/x.txt",
            "one/submissions/a/b.py",
            "one/x.py",
        ),
        *(
            "one/data/a\\b",
            "one/data/a\nb",
            'one/data/"a',
            "one/data/" + "x" * 300,
            "one/data/\ud800",
            "one/data",
            "one",
        ),
        *("one/data/1/2/3/4/5/6/7", "course.toml/x", "one/data/a\x7f"),
        *("one/data/git~1", "one/data/GIT~1/x", "one/hidden/deep/Git~2"),  # `.git`, as Windows shortens it
    ],
)
def test_anything_else_is_not_and_is_refused_when_it_is_sent(name):
    assert not files.is_text(name)
    with pytest.raises(RequestRefused, match="no file of a course"):
        files.decode({"course.toml": TOML, name: "YQ=="})


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (None, "no course.toml"),
        ({}, "no course.toml"),
        ([], "no course.toml"),
        ({"course.toml": "?"}, "arrive whole"),
        ({"course.toml": 3}, "arrive whole"),
        ({"course.toml": TOML, "one/data/a": "YQ==", "one/data/a/b": "YQ=="}, "file and a folder"),
        ({"course.toml": TOML, **{f"one/data/{n}": "" for n in range(files.MOST_FILES)}}, "2000 at most"),
    ],
)
def test_what_is_no_course_is_refused_in_words(sent, told):
    with pytest.raises(RequestRefused, match=told):
        files.decode(sent)


def test_a_course_larger_than_the_bound_is_refused(monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 20)
    with pytest.raises(RequestRefused, match="larger than"):
        files.decode({"course.toml": TOML, "one/data/a": base64.b64encode(b"x" * 20).decode()})


def test_a_folder_is_read_without_links_and_what_nobody_reads(course, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (course.path / "ratings/data/link.csv").symlink_to(tmp_path / "secret")
    (course.path / "ratings/hidden").symlink_to(tmp_path)
    (course.path / "ratings/.ipynb_checkpoints").mkdir()
    (course.path / "ratings/.ipynb_checkpoints/lab.py").write_text("old")
    (course.path / "notes.txt").write_text("mine")
    found = files.read(course.path)
    assert set(found) == {
        *("course.toml", "ratings/lab.py", "ratings/data/small.csv"),
        *("ratings/submissions/another_way.py", "ratings/submissions/counts_the_missing.py"),
    }
    assert files.decode(files.encode(found)) == found
    files.write(found, tmp_path / "again")
    assert files.read(tmp_path / "again") == found
