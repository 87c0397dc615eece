"""A process follows what is published, and keeps what it knows while nothing can be read."""

from __future__ import annotations

import shutil

from labkit.courses import load_course
from labkit.courses.new import new_lab
from labkit.courses.publish import publish
from labkit.courses.taught import Taught


def test_a_release_is_followed_within_a_second_and_a_new_lab_with_it(tmp_path):
    now = [0.0]
    build = tmp_path / "build"
    build.mkdir()
    new_lab(tmp_path / "courses", "first", "one")
    ours = load_course(tmp_path / "courses", "first")
    taught = Taught(build, [ours], lambda: now[0])
    assert list(taught) == [ours]  # nothing is published yet

    publish(ours, build)
    now[0] += 1
    assert taught[0].path == build / "first/source/first"
    new_lab(tmp_path / "courses", "first", "two")
    publish(load_course(tmp_path / "courses", "first"), build)
    assert [lab.id for lab in taught[0].labs] == ["one"]
    now[0] += 1
    assert [lab.id for lab in taught.by_id["first"].labs] == ["one", "two"]
    assert (list(taught.by_id), len(taught), "other" in taught.by_id, taught[:1]) == (["first"], 1, False, (taught[0],))

    shutil.rmtree(build / "first")
    now[0] += 1
    assert [lab.id for lab in taught[0].labs] == ["one", "two"]
