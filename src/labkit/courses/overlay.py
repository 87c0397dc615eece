"""A private overlay: what graded work rests on and a public repository must not give away.

OVERLAY/COURSE/LAB/hidden/...           joins the lab's own hidden files, or takes the place of one of the same name
OVERLAY/COURSE/LAB/calibration.json     takes the place of the lab's own

A copy of it lies beside what is published, ROOT/.overlay, for whoever publishes: a start, a release from the browser, a
rescore. What this does not cover: whoever may read that folder, or teaches the course, sees it; and a lab whose items
are no secret any more needs new ones.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.courses.course import Course
from labkit.courses.frameworks import frameworks_of
from labkit.courses.load import load_course
from labkit.errors import AuthorError, OperatorError

KEPT = ".overlay"
_INSTEAD = "An overlay holds COURSE/LAB/hidden/... and COURSE/LAB/calibration.json, and nothing else."


@contextmanager
def overlaid(course: Course, overlay: Path | None) -> Iterator[Course]:
    """The course with what the overlay holds for it, in a folder of its own while this lasts; the course itself where
    it holds nothing. Raises AuthorError for a file that belongs to no lab."""
    ours = overlay / course.id if overlay else None
    if ours is None or not ours.is_dir():
        yield course
        return
    files = list(_files(ours, course))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(course.path, Path(folder, course.id), ignore=shutil.ignore_patterns("__pycache__", ".*"))
        if (frameworks := frameworks_of(course.path)).is_file():
            shutil.copyfile(frameworks, Path(folder, course.id, frameworks.name))
        for file in files:
            to = Path(folder, course.id, file.relative_to(ours))
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
        yield load_course(Path(folder), course.id)


def put(overlay: Path | None, root: Path) -> None:
    """Lays a copy of `overlay` beside what is published below `root`, whole or not at all; None takes it away."""
    if overlay is not None and not overlay.is_dir():
        raise OperatorError(
            f"There is no folder {overlay}.", instead="Name the overlay's, or leave LABKIT_OVERLAY out."
        )
    with tempfile.TemporaryDirectory(dir=root, prefix=".") as fresh:
        if overlay is not None:
            shutil.copytree(overlay, Path(fresh, "new"), symlinks=True)
            Path(fresh, "new").chmod(0o700)
        if (root / KEPT).exists():
            (root / KEPT).rename(Path(fresh, "old"))
        if overlay is not None:
            Path(fresh, "new").rename(root / KEPT)


def _files(ours: Path, course: Course) -> Iterator[Path]:
    labs = {lab.id for lab in course.labs}
    for file in sorted(ours.rglob("*")):
        lab, *rest = file.relative_to(ours).parts
        if lab not in labs:
            raise AuthorError(
                str(file), 1, f"{course.id} has no lab {lab!r}", instead=f"Its labs: {', '.join(sorted(labs))}."
            )
        if file.is_symlink():
            raise AuthorError(str(file), 1, "a link in an overlay", instead="Copy the file here.")
        if file.is_dir():
            continue
        if rest != ["calibration.json"] and (len(rest) < 2 or rest[0] != "hidden"):
            raise AuthorError(str(file), 1, "nothing reads this file of an overlay", instead=_INSTEAD)
        yield file
