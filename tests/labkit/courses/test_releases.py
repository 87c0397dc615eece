import json

import pytest

from labkit.courses import build, load_course, releases


@pytest.fixture
def built(pytestconfig, tmp_path):
    course = load_course(pytestconfig.rootpath / "courses", "testing")
    build(course, tmp_path)
    return course.lab("clip"), tmp_path / "releases"


def test_a_release_is_kept_with_what_it_gave_to_fill_in(built):
    lab, folder = built
    found = releases.starters(folder, "clip", lab.release, "en")

    assert found is not None
    assert set(found) == {"clip", "reflect"}
    assert "NotImplementedError" in found["clip"]
    assert "max(low" not in json.dumps(found)


def test_the_learners_notebook_says_which_release_it_is(built):
    lab, folder = built
    notebook = json.loads((folder.parent / "learner" / "clip" / "clip.ipynb").read_text())

    assert notebook["metadata"]["labkit"]["release"] == lab.release


@pytest.mark.parametrize("release", ["", "0" * 64, "../clip", "a/b", "é" * 64])
def test_a_release_nobody_built_is_unknown(built, release):
    _, folder = built

    assert releases.starters(folder, "clip", release, "en") is None
