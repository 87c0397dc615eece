"""The courses a process works with, as they were published last: a release reaches every process within a second.

Not covered: what a process has derived from a course and keeps (a title in a list it made at its start).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import overload

from labkit.courses.course import Course
from labkit.courses.publish import published
from labkit.errors import LabkitError

_FRESH_SECONDS = 1.0
Mark = tuple[int, int]


class Taught(Sequence[Course]):
    """`courses`, each as it stands in `build` where it was published there; which ones they are never changes."""

    def __init__(self, build: Path, courses: Sequence[Course], clock: Callable[[], float] = time.monotonic) -> None:
        self._build, self._clock = build, clock
        self._now, self._marks = tuple(courses), dict[str, Mark]()
        self._looked, self._lock = float("-inf"), threading.Lock()

    @overload
    def __getitem__(self, at: int) -> Course: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Course]: ...

    def __getitem__(self, at: int | slice) -> Course | Sequence[Course]:
        return self._fresh()[at]

    def __len__(self) -> int:
        return len(self._now)

    def __iter__(self) -> Iterator[Course]:
        return iter(self._fresh())

    @property
    def by_id(self) -> Mapping[str, Course]:
        return _ById(self)

    def _fresh(self) -> tuple[Course, ...]:
        with self._lock:
            if self._clock() - self._looked >= _FRESH_SECONDS:
                self._looked = self._clock()
                self._now = tuple(map(self._newest, self._now))
            return self._now

    def _newest(self, known: Course) -> Course:
        """In the moment a release takes another's place there is none: then what is known holds."""
        try:
            found = (self._build / known.id / "source" / known.id / "course.toml").stat()
            mark = (found.st_ino, found.st_mtime_ns)
            if self._marks.get(known.id) == mark:
                return known
            course = published(self._build, known.id)
        except (OSError, LabkitError):
            return known
        self._marks[known.id] = mark
        return course


class _ById(Mapping[str, Course]):
    def __init__(self, taught: Taught) -> None:
        self._taught = taught

    def __getitem__(self, course_id: str) -> Course:
        for course in self._taught:
            if course.id == course_id:
                return course
        raise KeyError(course_id)

    def __iter__(self) -> Iterator[str]:
        return (course.id for course in self._taught)

    def __len__(self) -> int:
        return len(self._taught)
