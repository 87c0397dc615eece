"""A kept file goes when nobody refers to it, and never under somebody who hands it in at that moment."""

from __future__ import annotations

import hashlib
import threading

from sqlalchemy import Engine, delete

from labkit.database.tables import submissions
from labkit.submissions.store import Store
from labkit.submissions.unused import clear

BYTES = b"the same"
DIGEST = hashlib.sha256(BYTES).hexdigest()


def hand_in(store: Store, who: str, number: int = 0) -> None:
    store.receive(who, "testing", "clip", {"clip.ipynb": BYTES, "own": f"{who}{number}".encode()}, [])


def test_what_somebody_refers_to_stays(engine: Engine, store: Store):
    hand_in(store, "ana")
    hand_in(store, "ben")
    with engine.begin() as connection:
        connection.execute(delete(submissions).where(submissions.c.username == "ana"))
    own = hashlib.sha256(b"ana0").hexdigest()
    assert clear(engine, store._blobs, [DIGEST, own, "0" * 64]) == 1
    assert not store._blobs.has(own)
    assert store._blobs.get(DIGEST) == BYTES


def test_what_is_cleared_between_the_bytes_and_the_row_is_put_back(engine: Engine, store: Store, monkeypatch):
    sign = store._signer.sign

    def cleared(receipt):
        clear(engine, store._blobs, [DIGEST])
        assert not store._blobs.has(DIGEST)
        return sign(receipt)

    monkeypatch.setattr(store._signer, "sign", cleared)
    hand_in(store, "ana")
    assert store._blobs.get(DIGEST) == BYTES


def test_handed_in_while_it_is_cleared_all_the_time_nothing_is_lost(engine: Engine, store: Store):
    stop = threading.Event()
    cleared = []

    def keep_clearing() -> None:
        while not stop.is_set():
            cleared.append(clear(engine, store._blobs, list(store._blobs.all())))

    thread = threading.Thread(target=keep_clearing)
    thread.start()
    try:
        for number in range(40):
            hand_in(store, "ana", number)
    finally:
        stop.set()
        thread.join()
    assert cleared
    for one in store.of_person("ana"):
        assert store.content(one)["clip.ipynb"] == BYTES
