"""nbgrader's configuration for one course: our exchange, our grading, our feedback page in the places of its own."""

from __future__ import annotations

from pathlib import Path

from traitlets.config import Config


def config(root: Path, course: str) -> Config:
    """nbgrader's configuration for one course, for our worker and for its formgrader alike."""
    c = Config()
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = course
    c.ExchangeFactory.exchange = "autograder.exchange.Exchange"
    for part in ("list", "submit", "collect", "fetch_assignment", "fetch_feedback", "release_assignment"):
        c.ExchangeFactory[part] = f"autograder.exchange.Exchange{part.title().replace('_', '')}"
    c.ExchangeFactory.release_feedback = "autograder.exchange.ExchangeReleaseFeedback"
    # Our courses are built from text: solutions are gone and ids are right before nbgrader sees a notebook.
    c.GenerateAssignment.preprocessors = [
        f"nbgrader.preprocessors.{name}" for name in ("LockCells", "ComputeChecksums", "SaveCells", "CheckCellMetadata")
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.execute.LabkitExecute",
        *(f"nbgrader.preprocessors.{name}" for name in ("LimitOutput", "SaveAutoGrades", "AssignLatePenalties")),
    ]
    c.GenerateFeedback.exporter_class = "autograder.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = ["nbgrader.preprocessors.GetGrades"]
    return c
