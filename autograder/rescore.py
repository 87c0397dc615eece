"""Grades a lab anew after its checks were mended, shows what would change, and only then writes it down.

`propose` keeps each result in a file of the release it was graded with, so a run that was cut short does not grade
twice; `commit` publishes the mended lab, records every score that changes with its line in the history, and writes
the gradebook. Committed again after a crash, it does what is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.alone import alone
from autograder.bounds import refuse_wrong
from autograder.grader import Grader
from autograder.recordings import RecordedLane
from labkit.courses import Lab, load_text, notebook
from labkit.courses.publish import publish
from labkit.errors import PlatformFault
from labkit.submissions.batches import newest
from labkit.submissions.store import Submission


@dataclass(frozen=True)
class Proposal:
    """One learner's score as it is and as it would be. `report` is None where our fault left it without one."""

    submission: str
    learner: str
    old: float | None
    new: float | None
    max: float
    report: dict[str, Any] | None

    @property
    def changes(self) -> bool:
        return self.new is not None and self.new != self.old

    def to_json(self) -> dict[str, Any]:
        return {"learner": self.learner, "old": self.old, "new": self.new, "max": self.max, "changes": self.changes}


def refuse(grader: Grader, lab: Lab) -> None:
    """Raises OperatorError or AuthorError, before anybody is graded, for a text that could not be put in force."""
    grader.gradebooks[lab.course].refuse(lab.id, notebook(lab, load_text(lab), "grader"))
    lane = grader.lane.of(lab.course, lab.id) if isinstance(grader.lane, RecordedLane) else grader.lane
    refuse_wrong(lab, lane, grader.warm)


def propose(grader: Grader, lab: Lab, *, workers: int, progress: Callable[[int, int], None]) -> tuple[Proposal, ...]:
    """Grades every learner's newest submission and writes nothing down but its own notes."""
    found = [one for id_ in newest(grader.engine, lab) if (one := grader.store.get(id_)) is not None]
    known = _read(_notes(grader, lab))
    waiting = [one for one in found if one.id not in known]
    progress(len(known), len(found))
    with ThreadPoolExecutor(workers, thread_name_prefix="rescore") as pool, _notes(grader, lab).open("a") as notes:
        notes.write("\n" if notes.tell() else "")  # the last line may have been cut short
        running = {pool.submit(_grade, grader, lab, one): one for one in waiting}
        try:
            for number, done in enumerate(as_completed(running), len(found) - len(waiting) + 1):
                report = done.result()
                if report is not None:
                    known[running[done].id] = report
                    notes.write(json.dumps([running[done].id, report]) + "\n")
                    notes.flush()
                progress(number, len(found))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C waits for what runs, not for the rest
    return tuple(sorted((_proposal(grader, one, known.get(one.id)) for one in found), key=lambda one: one.learner))


def commit(grader: Grader, lab: Lab, proposals: tuple[Proposal, ...]) -> int:
    """Publishes the mended lab and writes the new scores down; gives how many changed."""
    course = grader.courses[lab.course]
    gradebook = grader.gradebooks[lab.course]
    with alone(gradebook.root):
        publish(course, grader.build)
        gradebook.register(lab.id, grader.build / course.id / "grader" / lab.id / f"{lab.id}.ipynb", lab.due)
    for one in proposals:
        standing = grader.scores.get(one.submission)
        if one.report is None or (standing is not None and standing.release == lab.release):
            continue
        manual = sum(answer["max"] for answer in one.report["manual"])
        record = grader.scores.record
        record(one.submission, one.report, manual, release=lab.release, why="rescore", written=False)
    while grader.write_next():
        pass
    _notes(grader, lab).unlink(missing_ok=True)
    return sum(one.changes for one in proposals)


def _grade(grader: Grader, lab: Lab, submission: Submission) -> dict[str, Any] | None:
    content = grader.store.content(submission)[f"{lab.id}.ipynb"]
    try:
        report = grader.grade_notebook(lab.course, lab.id, submission.username, content)
    except PlatformFault:
        return None
    return None if report.fault else report.to_json()


def _proposal(grader: Grader, submission: Submission, report: dict[str, Any] | None) -> Proposal:
    standing = grader.scores.get(submission.id)
    old = standing.score if standing is not None else None
    new, most = (report["score"], report["max"]) if report else (None, standing.max if standing else 0.0)
    return Proposal(submission.id, submission.username, old, new, most, report)


def _notes(grader: Grader, lab: Lab) -> Path:
    folder = grader.build.parent / "rescoring"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{lab.course}.{lab.id}.{lab.release}.jsonl"


def _read(notes: Path) -> dict[str, dict[str, Any]]:
    """What an earlier run found; a line that was cut short is graded again."""
    found: dict[str, dict[str, Any]] = {}
    for line in notes.read_text("utf-8").splitlines() if notes.exists() else ():
        try:
            submission, report = json.loads(line)
        except ValueError:
            continue
        found[submission] = report
    return found
