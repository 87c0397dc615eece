"""What is published is what is graded, whatever an author writes meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labkit.courses import load_course, load_text
from labkit.courses import publish as publishing
from labkit.courses.publish import publish, published
from labkit.errors import OperatorError


@pytest.fixture
def courses(tmp_path: Path, pytestconfig) -> Path:
    shutil.copytree(pytestconfig.rootpath / "courses" / "testing", tmp_path / "courses" / "testing")
    (tmp_path / "build").mkdir()
    return tmp_path / "courses"


def test_the_published_text_is_its_own(courses: Path):
    build = courses.parent / "build"
    publish(load_course(courses, "testing"), build)
    file = courses / "testing" / "clip" / "lab.py"
    file.write_text(file.read_text().replace("clip(5, 0, 3) == 3", "clip(5, 0, 3) == 4"))
    in_force, written = published(build, "testing").lab("clip"), load_course(courses, "testing").lab("clip")

    assert in_force.release != written.release
    assert "== 4" not in "".join(cell.source for cell in load_text(in_force).cells)
    publish(load_course(courses, "testing"), build)
    assert published(build, "testing").lab("clip").release == written.release


def test_every_lab_is_published_whole_and_privately(courses: Path):
    course, build = load_course(courses, "testing"), courses.parent / "build"
    publish(course, build)
    again = published(build, "testing")

    assert [(lab.id, lab.release, lab.limits, lab.due) for lab in again.labs] == [
        (lab.id, lab.release, lab.limits, lab.due) for lab in course.labs
    ]
    assert (build / "testing" / "source").stat().st_mode & 0o077 == 0
    assert not list((build / "testing" / "source").rglob("submissions"))


def test_a_text_that_changes_while_it_is_built_is_not_published(courses: Path, monkeypatch):
    build = courses.parent / "build"
    publish(load_course(courses, "testing"), build)
    before = published(build, "testing").lab("clip").release
    file, building = courses / "testing" / "clip" / "lab.py", publishing.copy_data

    def meddle(source: Path, target: Path) -> None:
        building(source, target)
        file.write_text(file.read_text() + "\n# %% [markdown]\n# More.\n")

    monkeypatch.setattr(publishing, "copy_data", meddle)
    with pytest.raises(OperatorError, match="changed while it was built"):
        publish(load_course(courses, "testing"), build)
    assert published(build, "testing").lab("clip").release == before


def test_competencies_and_outcomes_are_published_with_the_course(courses: Path, pytestconfig):
    file = courses / "testing" / "course.toml"
    shutil.copy(pytestconfig.rootpath / "courses" / "frameworks.toml", courses)
    table = '[[outcomes]]\nid = "clip"\ntext = "Clip"\nframeworks = ["unesco-students/application-skills"]\n'
    file.write_text(f"{file.read_text()}\n{table}")
    course, build = load_course(courses, "testing"), courses.parent / "build"
    publish(course, build)
    assert course.outcomes and published(build, "testing").outcomes == course.outcomes
