"""A file is there whole, under its name, or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from labkit import durable


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole_with_its_mode_from_the_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, modes, fsync = tmp_path / "key", [], os.fsync
    path.write_text("old")
    path.chmod(0o644)

    def look(descriptor: int) -> None:
        modes.append(os.fstat(descriptor).st_mode & 0o777)
        assert path.read_text() in ("old", "new")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    durable.write(path, b"new", 0o600)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert modes[0] == 0o600
    assert names(tmp_path) == ["key"]


@pytest.mark.parametrize("put", [durable.write, durable.create])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    put, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "key").write_text("old")

    def full(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(type(error)):
        put(tmp_path / "key", b"new")
    assert (tmp_path / "key").read_text() == "old"
    assert names(tmp_path) == ["key"]


def test_of_many_who_create_at_once_one_wins_and_all_see_hers(tmp_path: Path):
    path, won, start = tmp_path / "key", [], threading.Barrier(16)

    def make(number: int) -> None:
        start.wait()
        if durable.create(path, str(number).encode() * 1000):
            won.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == str(won[0]).encode() * 1000
    assert len(won) == 1
    assert names(tmp_path) == ["key"]


def test_a_link_in_a_files_place_is_replaced_and_not_followed(tmp_path: Path):
    (tmp_path / "elsewhere").write_text("theirs")
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    durable.write(tmp_path / "key", b"ours")
    assert (tmp_path / "elsewhere").read_text() == "theirs"
    assert not (tmp_path / "key").is_symlink()


def test_every_new_folder_and_name_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced, fsync = [], os.fsync

    def look(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removeprefix(str(tmp_path)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    durable.make_folder(tmp_path / "a" / "b", 0o700)
    durable.write(tmp_path / "a" / "b" / "key", b"x")
    assert synced[:2] == ["", "/a"]
    assert synced[-1] == "/a/b"
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
