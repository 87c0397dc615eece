"""Puts a freshly built course in the place of the one people use, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from labkit.courses.build import build
from labkit.courses.course import Course


def publish(course: Course, root: Path) -> None:
    """Builds ROOT/COURSE anew; what older releases gave to fill in is kept."""
    with tempfile.TemporaryDirectory(dir=root, prefix=".") as fresh:
        made, there = Path(fresh) / course.id, root / course.id
        if (kept := there / "releases").is_dir():
            shutil.copytree(kept, made / "releases")  # somebody may still work on an older one
        build(course, made)
        for folder in (made, *(path for path in made.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        # Learners' servers bind only the learner's side; the rest is the grader's.
        for private in ("grader", "reference", "releases"):
            (made / private).chmod(0o700)
        if there.exists():
            there.rename(Path(fresh) / "old")
        made.rename(there)
