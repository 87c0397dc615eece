"""Runs a module of the platform after breaking it: `python broken.py HOW MODULE ARGUMENT...`."""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.pool import Pool

from labkit import durable
from labkit.allowance import Ledger
from labkit.submissions.files import digest
from labkit.submissions.store import Store, Submission

receive, settle, fsync = Store.receive, Ledger.settle, os.fsync


def names_not_synced() -> None:
    durable.sync_folder = lambda path: None


def bytes_not_synced() -> None:
    os.fsync = lambda descriptor: None


def database_not_synced() -> None:
    @event.listens_for(Pool, "checkout")
    def _off(connection, *_):
        connection.execute("PRAGMA synchronous=OFF").close()


def acknowledged_before_the_commit() -> None:
    def early(self, username, course, lab, files, released, most=None):
        hashes = {name: self._blobs.put(content) for name, content in files.items()}

        def late():
            time.sleep(2)
            receive(self, username, course, lab, files, released, most)

        threading.Thread(target=late).start()
        shown = {"username": username, "course": course, "lab": lab, "files": hashes, "missing": [], "extra": []}
        now = {"id": uuid.uuid4().hex, "received_at": datetime.now(UTC), "state": "queued", "tries": 0}
        row = dict.fromkeys(Submission.__dataclass_fields__)
        return self.receipt(Submission.of({**row, **shown, **now, "digest": digest(hashes)})), True

    Store.receive = early


def charged_without_a_line() -> None:
    def silent(self, reservation, used):
        self.release(reservation)
        return used

    Ledger.settle = silent


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    sys.argv = sys.argv[2:]
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
