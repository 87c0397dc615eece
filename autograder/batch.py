"""Grades a whole lab again: several workers, one submission after another, until none of the batch waits.

Killed at any point and started again, it goes on where it was: what is recorded is not graded a second time, what was
being graded is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.grader import Grader
from labkit.courses import Lab
from labkit.submissions.batches import Batch, Batches, Progress
from labkit.submissions.queue import Queue

_log = logging.getLogger(__name__)
_IDLE_SECONDS = 0.2


@dataclass(frozen=True)
class Summary:
    """What became of a batch. `limits` counts learners by the limit their code met; `faults` are ours."""

    graded: int
    repaired: int
    limits: dict[str, int]
    faults: tuple[str, ...]
    resumed: bool
    seconds: float
    rows: tuple[dict[str, Any], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "faults": list(self.faults), "rows": list(self.rows)}


def run(
    grader: Grader,
    lab: Lab,
    *,
    workers: int,
    only_changed: bool,
    progress: Callable[[Progress], None],
    stopping: Callable[[], None] = lambda: None,
) -> Summary:
    """Grades every learner's newest submission of `lab`. Raises nothing for what a learner sent.

    Ctrl-C tells `stopping` and lets what is being graded be finished; a second one ends that too, and it is graded
    again later.
    """
    begun = time.monotonic()
    grader.recover()
    batches = Batches(grader.engine)
    batch = batches.begin(lab, only_changed=only_changed)
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=_work, args=(replace(grader, queue=Queue(grader.engine)), batch, stop), name=f"grader-{n}"
        )
        for n in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        while (seen := batches.progress(batch.id)).waiting:
            progress(seen)
            time.sleep(_IDLE_SECONDS)
    except KeyboardInterrupt:
        stopping()
        raise
    finally:
        stop.set()  # each finishes the submission it is at
        for thread in threads:
            thread.join()
    progress(seen)
    batches.finish(batch.id)
    return _summary(batches, batch, time.monotonic() - begun)


def _work(grader: Grader, batch: Batch, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            busy = grader.grade_next(batch.id)
        except Exception:
            _log.exception("A worker met a fault of ours; it goes on")
            busy = False
        if not busy:
            stop.wait(_IDLE_SECONDS)


def _summary(batches: Batches, batch: Batch, seconds: float) -> Summary:
    found = batches.reports(batch.id)
    reports = [(learner, report) for learner, report in found if report is not None]
    limits = Counter(report["limit"] for _, report in reports if report.get("limit"))
    return Summary(
        graded=len(reports),
        repaired=sum(bool(report.get("repaired")) for _, report in reports),
        limits=dict(sorted(limits.items())),
        faults=tuple(learner for learner, report in found if report is None),
        resumed=batch.resumed,
        seconds=round(seconds, 3),
        rows=tuple(
            {"learner": learner, "score": report["score"], "max": report["max"], "limit": report.get("limit", "")}
            for learner, report in reports
        ),
    )
