"""What a teacher of some cohorts may ask of nbgrader's formgrader, by the name of the handler that answers.

A handler that is not here is refused to her, and so is a method that is not: what nbgrader adds later is closed until
somebody has looked at it. Does not cover what an answer holds: lists are narrowed in `narrowed.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODULE = "nbgrader.server_extensions.formgrader"


@dataclass(frozen=True)
class Rule:
    """`arguments` says of each part of the path what it names. `asks` is the argument of the query that names a
    submission, `never` one that is refused to everybody."""

    arguments: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET",)
    asks: str = ""
    never: str = ""

    def allows(self, method: str) -> bool:
        return ("GET" if method == "HEAD" else method) in self.methods


_CHANGES = ("GET", "PUT")
_RUNS = ("POST",)
_PAGES = {
    # `path` has nbgrader read its configuration, which is Python, from a folder of the asker's choice.
    "FormgraderHandler": Rule(never="path"),
    "ManageAssignmentsHandler": Rule(),
    "ManageSubmissionsHandler": Rule(("assignment",)),
    "GradebookAssignmentsHandler": Rule(),
    "GradebookNotebooksHandler": Rule(("assignment",)),
    "GradebookNotebookSubmissionsHandler": Rule(("assignment", "notebook")),
    "SubmissionHandler": Rule(("submission",)),
    "SubmissionNavigationHandler": Rule(("submission", "action")),
    "SubmissionFilesHandler": Rule(("file",)),
    "ManageStudentsHandler": Rule(),
    "ManageStudentsAssignmentsHandler": Rule(("student",)),
    "ManageStudentNotebookSubmissionsHandler": Rule(("student", "assignment")),
    "Template404": Rule(),
}
# Of the whole course, or of all its learners at once: for whoever teaches them all.
_WHOLE = ("Assign", "UnRelease", "Release", "Collect", "GenerateAllFeedback", "ReleaseAllFeedback")
_API = {
    **{f"{name}Handler": Rule(("assignment",), methods=()) for name in _WHOLE},
    "StatusHandler": Rule(),
    "AssignmentCollectionHandler": Rule(),
    "AssignmentHandler": Rule(("assignment",)),
    "NotebookCollectionHandler": Rule(("assignment",)),
    "SubmissionCollectionHandler": Rule(("assignment",)),
    "SubmissionHandler": Rule(("assignment", "student")),
    "SubmittedNotebookCollectionHandler": Rule(("assignment", "notebook")),
    "StudentCollectionHandler": Rule(),
    "StudentHandler": Rule(("student",), _CHANGES),
    "StudentSubmissionCollectionHandler": Rule(("student",)),
    "StudentNotebookSubmissionCollectionHandler": Rule(("student", "assignment")),
    "AutogradeHandler": Rule(("assignment", "student"), _RUNS),
    "GenerateFeedbackHandler": Rule(("assignment", "student"), _RUNS),
    "ReleaseFeedbackHandler": Rule(("assignment", "student"), _RUNS),
    "FlagSubmissionHandler": Rule(("submission",), _RUNS),
    "GradeCollectionHandler": Rule(asks="submission_id"),
    "CommentCollectionHandler": Rule(asks="submission_id"),
    "GradeHandler": Rule(("grade",), _CHANGES),
    "CommentHandler": Rule(("comment",), _CHANGES),
}
RULES: Mapping[str, Rule] = {
    **{f"{MODULE}.handlers.{name}": rule for name, rule in _PAGES.items()},
    **{f"{MODULE}.apihandlers.{name}": rule for name, rule in _API.items()},
}
CLOSED = Rule(methods=())


def rule_of(handler: type) -> Rule:
    """The rule for nbgrader's own class among those of `handler`."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in handler.__mro__)
    return next((RULES[name] for name in names if name in RULES), CLOSED)
