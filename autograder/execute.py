"""Takes the place of nbgrader's Execute: no kernel runs; our report becomes the outputs `determine_grade` reads.

Each test cell gets its checks as text and one plain float as its result, the only form in which nbgrader reads
partial credit without guessing.
"""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpx
import nbformat
from nbgrader.preprocessors import Execute
from traitlets import Unicode

from autograder.report import Item, Report
from labkit.errors import PlatformFault

# Set by the worker, which has graded already and only wants nbgrader to write it down.
graded: ContextVar[Report | None] = ContextVar("graded", default=None)


class LabkitExecute(Execute):  # type: ignore[misc]
    grader_url = Unicode(help="The grading worker's address.").tag(config=True)
    grader_key_file = Unicode(help="The file with the key it asks for.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any, km: Any = None) -> tuple[Any, Any]:
        report = graded.get() or self._ask(nb, resources["nbgrader"])
        if report.fault is not None:
            # nbgrader must not write a score that is not one.
            raise PlatformFault(report.fault, instead="Grade it again; nothing was changed.")
        items = {item.name: item for item in report.items}
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = []
                item = items.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
                if item is not None and cell.metadata["nbgrader"].get("grade"):
                    cell.outputs = outputs(item)
        return nb, resources

    def _ask(self, nb: Any, names: dict[str, str]) -> Report:
        """Formgrader's Autograde button: the worker grades, in its sandbox and with its model lane."""
        body = {
            # Ours is the exporter's, and the exporter nbgrader's Autograde's, which knows the course.
            "course": self.parent.parent.coursedir.course_id,
            "lab": names["assignment"],
            "learner": names["student"],
            "notebook": nbformat.writes(nb),
        }
        key = Path(self.grader_key_file).read_text()
        try:
            answer = httpx.post(
                f"{self.grader_url}/grade", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=600
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise PlatformFault("The grading worker did not answer.", instead="Try again in a minute.") from error
        return Report.from_json(answer.json())


def outputs(item: Item) -> list[Any]:
    """What a test cell shows: a line for each check, then its points as nbgrader reads them."""
    lines = [f"{'✓' if check.passed else '✗'} {check.reason}" for check in item.checks]
    points = min(max(float(item.points), 0.0), float(item.max))
    return [
        nbformat.v4.new_output("stream", name="stdout", text="\n".join(lines) + "\n"),
        nbformat.v4.new_output("execute_result", data={"text/plain": repr(points)}, execution_count=1),
    ]
