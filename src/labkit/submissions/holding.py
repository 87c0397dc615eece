"""What submissions keep of a person: the files handed in, receipts, and results as she may read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine

from labkit.courses import Lab
from labkit.database import reading
from labkit.database.tables import submissions
from labkit.programme.privacy.erase import pending_files
from labkit.programme.privacy.strip import STRIPPED
from labkit.submissions.blobs import Blobs
from labkit.submissions.coarse import coarsened, is_coarse
from labkit.submissions.history import Grading, lines
from labkit.submissions.scores import Score, Scores
from labkit.submissions.store import Store, Submission
from labkit.submissions.unused import clear


class SubmissionsHolding:
    """`lab` gives a lab that is taught. Results are as on her own pages: while she sees words only, so does the
    export; of a lab that is taught no more it has the points and what is not hidden."""

    name = "submissions"

    def __init__(self, engine: Engine, store: Store, blobs: Blobs, lab: Callable[[str, str], Lab | None]) -> None:
        self._engine, self._store, self._blobs, self._lab = engine, store, blobs, lab
        self._scores = Scores(engine)

    def export(self, username: str) -> Iterator[tuple[str, bytes]]:
        mine = sorted(self._store.of_person(username), key=lambda one: (one.received_at, one.id))
        for one in mine:
            if not one.digest.startswith(STRIPPED):
                yield f"receipts/{one.id}.json", _json(self._store.receipt(one).to_json())
                yield from self._files(one)
            yield from self._feedback(one, mine)

    def erase(self, username: str, pseudonym: str) -> None:
        clear(self._engine, self._blobs, pending_files(self._engine, pseudonym))

    def _files(self, submission: Submission) -> Iterator[tuple[str, bytes]]:
        for name, digest in sorted(submission.files.items()):
            try:
                yield f"submissions/{submission.id}/{name}", self._blobs.get(digest)
            except (OSError, ValueError):
                said = f"The kept file {digest} is missing or damaged.\n"
                yield f"submissions/{submission.id}/{name}.damaged.txt", said.encode()

    def _feedback(self, submission: Submission, mine: list[Submission]) -> Iterator[tuple[str, bytes]]:
        lab = self._lab(submission.course, submission.lab)
        of_lab = [one for one in mine if (one.course, one.lab) == (submission.course, submission.lab)]
        coarse = lab is None or is_coarse(lab, of_lab, learner=True)
        score = self._scores.get(submission.id)
        if score is not None:
            about = {"manual_score": score.manual_score, "manual_max": score.manual_max}
            yield f"feedback/{submission.id}.json", _json({**_result(submission, score, coarse=coarse), **about})
        with reading(self._engine) as connection:
            past = lines(connection, submissions.c.id == submission.id)
        for number, one in enumerate(reversed(past), start=1):
            shown = {**_result(submission, one, coarse=coarse), "why": one.why}
            yield f"feedback/{submission.id}/{number:03}.json", _json(shown)


def _result(submission: Submission, found: Score | Grading, *, coarse: bool) -> dict[str, Any]:
    report = coarsened(found.report) if coarse and "items" in found.report else found.report
    return {
        "course": submission.course,
        "lab": submission.lab,
        "graded_at": found.graded_at.isoformat(),
        "report": report,
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
