"""Puts a freshly built course in the place of the one people use, whole or not at all.

With it goes the text it was built from: what is graded is what was published, whatever an author writes meanwhile.

ROOT/COURSE/source/COURSE/                  course.toml, test.toml, frameworks.toml and the labs' folders, without
                                            `submissions/`
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from labkit.courses.build import build, copy_data
from labkit.courses.course import Course
from labkit.courses.frameworks import frameworks_of
from labkit.courses.load import load_course
from labkit.courses.overlay import KEPT, overlaid
from labkit.courses.quiz import FILE as QUIZ
from labkit.errors import OperatorError


def publish(course: Course, root: Path) -> None:
    """Builds ROOT/COURSE anew, with what ROOT/.overlay holds for it; what older releases gave to fill in is kept.
    Raises OperatorError for a text that changed while it was being built."""
    with overlaid(course, root / KEPT) as whole:
        _publish(whole, root)


def _publish(course: Course, root: Path) -> None:
    with tempfile.TemporaryDirectory(dir=root, prefix=".") as fresh:
        made, there = Path(fresh) / course.id, root / course.id
        if (kept := there / "releases").is_dir():
            shutil.copytree(kept, made / "releases")  # somebody may still work on an older one
        build(course, made)
        _keep_source(course, made / "source" / course.id)
        kept_text = load_course(made / "source", course.id)
        if any(lab.release != kept_text.lab(lab.id).release for lab in course.labs):
            raise OperatorError(
                f"The text of {course.id} changed while it was built.", instead="Save it, then try again."
            )
        for folder in (made, *(path for path in made.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        # Learners' servers bind only the learner's side; the rest is the grader's.
        for private in ("grader", "reference", "releases", "source"):
            (made / private).chmod(0o700)
        if there.exists():
            there.rename(Path(fresh) / "old")
        made.rename(there)


def published(root: Path, course_id: str) -> Course:
    """The course as it was published last."""
    return load_course(root / course_id / "source", course_id)


def _keep_source(course: Course, to: Path) -> None:
    to.mkdir(parents=True)
    for file in (frameworks_of(course.path), course.path / QUIZ):
        if file.is_file():
            shutil.copyfile(file, to / file.name)
    shutil.copyfile(course.path / "course.toml", to / "course.toml")
    for lab in course.labs:
        (to / lab.id).mkdir()
        for file in (*lab.path.glob("lab.py"), *lab.path.glob("lab.*.py"), *lab.path.glob("calibration.json")):
            shutil.copyfile(file, to / lab.id / file.name)
        for folder in ("data", "hidden"):
            copy_data(lab.path / folder, to / lab.id / folder)
