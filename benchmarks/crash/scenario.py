"""What is recorded for the power cuts: learners hand in and ask, a grader records, all on SQLite, in threads.

    python -m benchmarks.crash.scenario HOME

Each acknowledgement is one line of JSON on standard output, written after the platform has given its word.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from sqlalchemy import Engine

from labkit.allowance import Ledger
from labkit.database import connect, migrate
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

_ROUNDS = 30
_RULE = SimpleNamespace(tokens=1_000_000, per="total", requests=None)
HOLDER = "gateway"


@dataclass(frozen=True)
class Parts:
    """The platform's parts on one folder, opened as at a start."""

    engine: Engine
    signer: Signer
    store: Store
    ledger: Ledger
    queue: Queue
    scores: Scores

    @classmethod
    def open(cls, home: Path) -> Parts:
        url = f"sqlite:///{home / 'labkit.sqlite'}"
        migrate(url)
        engine, signer = connect(url), Signer(home / "secrets" / "receipts.pem")
        store = Store(engine, Blobs(home / "blobs"), signer)
        return cls(engine, signer, store, Ledger(engine), Queue(engine), Scores(engine))


def main(home: Path) -> None:
    parts = Parts.open(home)
    store, ledger, queue, scores = parts.store, parts.ledger, parts.queue, parts.scores

    def learn(username: str) -> None:
        for number in range(_ROUNDS):
            # The second file is the same for everybody, so that threads meet over its bytes.
            files = {"clip.ipynb": uuid.uuid4().hex.encode() * 40, "notes.txt": f"round {number}".encode() * 100}
            receipt, _ = store.receive(username, "testing", "clip", files, list(files))
            _acknowledge(receipt=receipt.to_json())
            reservation = ledger.reserve(username, "testing", "clip", _RULE, 20, HOLDER)
            if number % 7 == 3:
                ledger.release(reservation)
            else:
                _acknowledge(charge=reservation.id, amount=ledger.settle(reservation, 3 + number))

    def grade() -> None:
        while not done.wait(0.01):
            while taken := queue.take():
                scores.record(taken.id, {"score": 5.0, "max": 5.0, "items": []}, 10.0)
                _acknowledge(score=taken.id)

    done = threading.Event()
    grader = threading.Thread(target=grade)
    learners = [threading.Thread(target=learn, args=(name,)) for name in ("ana", "ben", "carla")]
    for thread in (grader, *learners):
        thread.start()
    for thread in learners:
        thread.join()
    done.set()
    grader.join()
    parts.engine.dispose()


def _acknowledge(**what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
