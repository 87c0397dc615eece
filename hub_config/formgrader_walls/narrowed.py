"""nbgrader's API with some of the learners: its lists, counts and averages are made of their work alone.

Covers what formgrader's handlers call. Does not cover what is asked of the gradebook itself: a handler that does so is
held by the ids it is given (`rules.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

_SCORES = ("score", "code_score", "written_score", "task_score")


class _Narrowed:
    """Goes before nbgrader's own class; each method gives what that one gives, of `pupils` only."""

    pupils: Collection[str] = frozenset()

    def get_submitted_students(self, *args: Any) -> set[str]:
        return self._of_hers(super().get_submitted_students(*args))  # type: ignore[misc]

    def get_autograded_students(self, *args: Any) -> set[str]:
        return self._of_hers(super().get_autograded_students(*args))  # type: ignore[misc]

    def get_students(self) -> list[dict[str, Any]]:
        return [one for one in super().get_students() if one["id"] in self.pupils]  # type: ignore[misc]

    def get_submissions(self, *args: Any) -> list[dict[str, Any]]:
        return self._rows(super().get_submissions(*args))  # type: ignore[misc]

    def _filter_existing_notebooks(self, *args: Any) -> list[Any]:
        """What is counted, stepped through and listed of one notebook."""
        found = super()._filter_existing_notebooks(*args)  # type: ignore[misc]
        return [one for one in found if one.student.id in self.pupils]

    def get_assignment(self, assignment_id: str, *args: Any, **named: Any) -> dict[str, Any] | None:
        found: dict[str, Any] | None = super().get_assignment(assignment_id, *args, **named)  # type: ignore[misc]
        if found is not None:
            with self.gradebook as book:  # type: ignore[attr-defined]
                found |= _averages(self._rows(book.submission_dicts(assignment_id)))
        return found

    def get_notebooks(self, assignment_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super().get_notebooks(assignment_id)  # type: ignore[misc]
        with self.gradebook as book:  # type: ignore[attr-defined]
            for one in found:
                if one["id"] is None:  # not in the gradebook: nobody has handed it in
                    continue
                rows = self._rows(book.notebook_submission_dicts(one["name"], assignment_id))
                waiting = any(row["needs_manual_grade"] for row in rows)
                one.update(_averages(rows), num_submissions=len(rows), needs_manual_grade=waiting)
        return found

    def _of_hers(self, names: Iterable[str]) -> set[str]:
        return {name for name in names if name in self.pupils}

    def _rows(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if row["student"] in self.pupils]


@cache
def _narrowed(whole: Any) -> Any:
    """A class of traits is made by its own metaclass, once."""
    return type(whole)("NarrowedAPI", (_Narrowed, whole), {})


def narrow(api: Any, pupils: Collection[str]) -> Any:
    """`api` itself, which from now on answers for `pupils` alone: nbgrader makes one for each request."""
    whole: Any = type(api)
    api.__class__ = _narrowed(whole)
    api.pupils = pupils
    return api


def _averages(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {f"average_{name}": sum(row[name] or 0.0 for row in rows) / max(1, len(rows)) for name in _SCORES}
