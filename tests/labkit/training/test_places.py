"""Bytes of a training lie below one folder, and what is none of our ids never becomes a path."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from labkit.training.adapter_files import CONFIG, WEIGHTS, Files, digest_of
from labkit.training.jobs import new_id
from labkit.training.places import Places

FILE, JOB = "file-" + "0f" * 12, "ftjob-" + "0f" * 12
ADAPTER = Files(b'{"r": 8}', b"weights")
NONE = [
    *("", ".", "..", "/", "../../etc/passwd", "/etc/passwd", "~", "\0", "file-", "file-*"),
    *(FILE + "\n", FILE + "/", f"{FILE}/../../outside", f"../{FILE}", FILE + "\0", FILE + "0", FILE[:-1], " " + FILE),
    *(FILE.upper(), "file-" + "g" * 24, "file-" + "１" * 24, "ftckpt-" + "0f" * 12, "f" * 63, "f" * 65, "F" * 64),
]
USES = {
    "file": lambda places, id: places.file(id),
    "state": lambda places, id: places.state(id),
    "adapter": lambda places, id: places.adapter(id),
    "keep_file": lambda places, id: places.keep_file(id, b"x"),
    "make_state_folder": lambda places, id: places.make_state_folder(id),
    "read_adapter": lambda places, id: places.read_adapter(id),
    "open_adapter": lambda places, id: places.open_adapter(id),
    "drop_state": lambda places, id: places.drop_state(id),
    "drop_file": lambda places, id: places.drop_file(id),
    "drop_adapter": lambda places, id: places.drop_adapter(id),
}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "training")


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_is_none_of_our_ids_never_becomes_a_path(places, tmp_path, use: Any):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside.jsonl").write_text("kept")
    places.keep_file(FILE, b"rows")
    before = everything(tmp_path)
    for id in NONE:
        with pytest.raises(ValueError, match="names nothing of a training"):
            use(places, id)

    assert everything(tmp_path) == before


def test_the_ids_that_are_given_out_are_ours(places):
    assert places.state(new_id()).is_relative_to(places.folder)
    assert places.file(FILE).parent == places.folder / "files"
    assert places.adapter(ADAPTER.digest).parent == places.folder / "adapters"


def test_a_file_is_kept_for_nobody_else_to_read(places):
    places.keep_file(FILE, b"rows")

    assert places.file(FILE).read_bytes() == b"rows"
    assert places.file(FILE).stat().st_mode & 0o777 == 0o600
    assert places.file(FILE).parent.stat().st_mode & 0o777 == 0o700


def test_an_adapter_is_named_by_the_hash_of_its_files(places):
    assert places.keep_adapter(ADAPTER) == ADAPTER.digest
    assert places.keep_adapter(ADAPTER) == ADAPTER.digest, "kept twice it is there once"
    other = places.keep_adapter(Files(ADAPTER.config, b"other weights"))

    assert other != ADAPTER.digest
    assert places.read_adapter(ADAPTER.digest) == ADAPTER
    assert sorted(path.name for path in (places.folder / "adapters").iterdir()) == sorted([other, ADAPTER.digest])
    assert {path.stat().st_mode & 0o777 for path in places.adapter(other).iterdir()} == {0o600}


def test_which_bytes_are_of_which_file_is_part_of_the_hash():
    assert Files(b"ab", b"c").digest != Files(b"a", b"bc").digest


@pytest.mark.parametrize("lost", [CONFIG, WEIGHTS])
def test_an_adapter_of_which_half_was_written_is_none_until_it_is_whole(places, lost: str):
    digest = places.keep_adapter(ADAPTER)
    (places.adapter(digest) / lost).unlink()
    with pytest.raises(FileNotFoundError):
        places.read_adapter(digest)
    places.keep_adapter(ADAPTER)

    assert places.read_adapter(digest) == ADAPTER


@pytest.mark.parametrize("use", [Places.read_adapter, Places.open_adapter], ids=["read", "opened"])
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_an_adapter_that_the_disk_has_changed_is_not_given_out(places, name: str, use: Any):
    digest = places.keep_adapter(ADAPTER)
    path = places.adapter(digest) / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    with pytest.raises(ValueError, match="damaged"):
        use(places, digest)


def test_what_is_dropped_is_gone_and_nothing_else(places):
    places.keep_file(FILE, b"rows")
    places.keep_adapter(ADAPTER)
    for job in (JOB, new_id()):
        places.make_state_folder(job)
        places.state(job).write_bytes(b"state")
    places.drop_state(JOB)
    assert not places.state(JOB).parent.exists()
    assert len(list((places.folder / "jobs").iterdir())) == 1

    places.drop_adapter(ADAPTER.digest)
    assert not places.adapter(ADAPTER.digest).exists()
    assert places.file(FILE).is_file()
    places.drop_file(FILE)
    assert not places.file(FILE).exists()


def test_dropping_what_is_not_there_is_no_fault(places):
    for _ in range(2):
        places.drop_state(JOB)
        places.drop_file(FILE)
        places.drop_adapter(ADAPTER.digest)

    assert not places.folder.exists()


def test_the_same_adapter_kept_again_mends_one_that_was_damaged(places):
    digest = places.keep_adapter(ADAPTER)
    (places.adapter(digest) / WEIGHTS).write_bytes(b"x")
    places.keep_adapter(ADAPTER)

    assert places.read_adapter(digest) == ADAPTER


def test_an_opened_adapter_is_read_from_its_beginning_and_stays_whole_while_it_is_replaced(places):
    places.keep_adapter(ADAPTER)
    config, weights = places.open_adapter(ADAPTER.digest)
    with config, weights:
        places.drop_adapter(ADAPTER.digest)
        assert (config.read(), weights.read()) == (ADAPTER.config, ADAPTER.weights)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_an_adapter_that_lacks_a_file_is_not_opened(places, name: str):
    digest = places.keep_adapter(ADAPTER)
    (places.adapter(digest) / name).unlink()

    with pytest.raises(FileNotFoundError):
        places.open_adapter(digest)


def test_a_hash_is_that_of_the_bytes_however_large_they_are():
    large = Files(b"{}", bytes(range(256)) * 4099)

    assert digest_of(io.BytesIO(large.config), io.BytesIO(large.weights)) == large.digest
    assert digest_of(io.BytesIO(large.config), io.BytesIO(large.weights[:-1])) != large.digest
