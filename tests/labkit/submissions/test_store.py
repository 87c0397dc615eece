"""What is acknowledged is kept, whole, once."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from labkit.database.tables import submissions
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Signer, verify
from labkit.submissions.store import Store

NOTEBOOK = {"clip.ipynb": b'{"cells": []}', "data/notes.txt": "ñ".encode()}


def test_a_submission_is_kept_byte_for_byte(store: Store):
    receipt, new = store.receive("ana", "testing", "clip", NOTEBOOK, list(NOTEBOOK))
    assert new
    kept = store.get(receipt.id)
    assert store.content(kept) == NOTEBOOK
    assert (kept.state, kept.username, kept.lab) == ("queued", "ana", "clip")


def test_the_same_bytes_again_get_the_same_receipt(store: Store):
    first, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
    again, new = store.receive("ana", "testing", "clip", dict(reversed(NOTEBOOK.items())), [])
    assert not new
    assert again == first
    assert len(store.of_person("ana")) == 1


@pytest.mark.parametrize(
    ("who", "lab", "files"),
    [
        ("ben", "clip", NOTEBOOK),
        ("ana", "linear", NOTEBOOK),
        ("ana", "clip", {**NOTEBOOK, "clip.ipynb": b"{}"}),
        ("ana", "clip", {"clip.ipynb": NOTEBOOK["clip.ipynb"], "data/other.txt": NOTEBOOK["data/notes.txt"]}),
    ],
    ids=["another person", "another lab", "other bytes", "another name"],
)
def test_anything_else_is_another_submission(store: Store, who: str, lab: str, files: dict[str, bytes]):
    first, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
    other, new = store.receive(who, "testing", lab, files, [])
    assert new
    assert other.id != first.id


def test_a_receipt_says_what_is_missing_and_what_is_extra(store: Store):
    receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, ["clip.ipynb", "data/messages.csv"])
    assert receipt.missing == ("data/messages.csv",)
    assert receipt.extra == ("data/notes.txt",)


def test_many_at_once_are_all_kept_and_the_same_one_only_once(store: Store):
    receipts = []

    def hand_in(number: int) -> None:
        files = {"clip.ipynb": str(number % 5).encode()}
        receipts.append(store.receive("ana", "testing", "clip", files, [])[0])

    threads = [threading.Thread(target=hand_in, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 20
    assert len({receipt.id for receipt in receipts}) == len(store.of_person("ana")) == 5


def test_a_person_sees_only_her_own_newest_first(store: Store):
    store.receive("ben", "testing", "clip", NOTEBOOK, [])
    for number in range(3):
        store.receive("ana", "testing", "clip", {"clip.ipynb": bytes([number])}, [])
    mine = store.of_person("ana", "testing", "clip")
    assert [store.content(one)["clip.ipynb"] for one in mine] == [b"\x02", b"\x01", b"\x00"]
    assert store.of_person("ana", "testing", "linear") == ()
    assert {one.username for one in store.of_course("testing")} == {"ana", "ben"}


def test_bytes_that_the_disk_changed_are_not_passed_off_as_hers(tmp_path: Path):
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"work")
    path = tmp_path / digest[:2] / digest
    path.chmod(0o600)
    path.write_bytes(b"word")
    with pytest.raises(ValueError, match="damaged"):
        blobs.get(digest)


def test_nothing_half_written_has_a_name(tmp_path: Path):
    blobs = Blobs(tmp_path)
    blobs.put(b"work")
    assert [path.name for path in tmp_path.rglob(".*")] == []


class TestReceipts:
    def test_a_receipt_can_be_checked_by_anybody_with_the_public_key(self, store: Store, signer: Signer):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        assert verify(receipt, signer.public_key)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("username", "ben"),
            ("received_at", "2026-01-01T00:00:00.000+00:00"),
            ("digest", "0" * 64),
            ("files", {}),
            ("missing", ("x",)),
            ("lab", "linear"),
            ("key", "0" * 16),
            ("key", ""),
            ("signature", "AAAA"),
            ("signature", "not base64!"),
        ],
    )
    def test_a_changed_receipt_is_forged(self, store: Store, signer: Signer, field: str, value: object):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        assert not verify(type(receipt)(**{**vars(receipt), field: value}), signer.public_key)

    def test_a_receipt_of_another_platform_is_not_ours(self, store: Store, tmp_path: Path):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        assert not verify(receipt, Signer(tmp_path / "other.pem").public_key)

    def test_the_key_is_readable_by_its_owner_only_and_kept(self, tmp_path: Path):
        key = tmp_path / "receipts.pem"
        first = Signer(key)
        assert key.stat().st_mode & 0o777 == 0o600
        assert Signer(key).public_key == first.public_key

    def test_a_receipt_asked_for_again_is_the_same_to_the_letter(self, store: Store):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        assert store.receipt(store.get(receipt.id)) == receipt

    def test_two_processes_that_start_at_once_have_one_key(self, tmp_path: Path):
        found, start = [], threading.Barrier(8)

        def begin() -> None:
            start.wait()
            found.append(Signer(tmp_path / "secrets" / "receipts.pem").public_key)

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 1
        assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["receipts.pem"]

    def test_a_receipt_stays_the_same_to_the_letter_when_the_key_is_changed(self, store: Store, signer: Signer):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        old = signer.public_key
        signer.rotate(datetime.now(UTC))
        assert signer.public_key != old
        assert store.receipt(store.get(receipt.id)) == receipt
        assert store.receive("ana", "testing", "clip", NOTEBOOK, []) == (receipt, False)
        assert verify(receipt, old)
        assert signer.check(receipt)
        newer, _ = store.receive("ben", "testing", "clip", NOTEBOOK, [])
        assert signer.check(newer)
        assert newer.key != receipt.key

    def test_a_receipt_from_before_receipts_named_their_key_stays_the_same_too(
        self, store: Store, signer: Signer, engine: Engine
    ):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        with engine.begin() as connection:
            connection.execute(update(submissions).values(signature=None, signing_key=None))
        old = store.receipt(store.get(receipt.id))
        assert "key" not in old.to_json()
        assert verify(old, signer.public_key)
        assert store.keep_signatures() == 1
        assert store.keep_signatures() == 0
        signer.rotate(datetime.now(UTC))
        assert store.receipt(store.get(receipt.id)) == old
        assert signer.check(old)

    def test_a_key_that_was_stolen_signs_nothing_new_once_it_is_changed(self, signer: Signer, store: Store):
        receipt, _ = store.receive("ana", "testing", "clip", NOTEBOOK, [])
        stolen = Signer(signer._file)
        signer.rotate(datetime.now(UTC))
        later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="milliseconds")
        forged = stolen.sign(replace(receipt, received_at=later))
        assert verify(forged, stolen.public_key)
        assert not signer.check(forged)
        assert not signer.check(replace(forged, key=signer.key))
        assert not signer.check(replace(forged, key=""))

    def test_keys_changed_many_times_all_go_on_verifying(self, signer: Signer, store: Store):
        receipts = []
        for name in ("ana", "ben", "carla"):
            receipts.append(store.receive(name, "testing", "clip", NOTEBOOK, [])[0])
            signer.rotate(datetime.now(UTC))
        again = Signer(signer._file)
        assert all(map(again.check, receipts))
        assert len({receipt.key for receipt in receipts} | {again.key}) == 4
