"""Adapters in memory take what they may and no more, and the one that answers is among them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from labkit.training import kept
from labkit.training.kept import Kept


@dataclass
class Weights:
    digest: str
    nbytes: int


class Disk:
    """So many bytes each as its name says; what was read of it."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, digest: str) -> Any:
        self.read.append(digest)
        if digest == "gone":
            raise FileNotFoundError(digest)
        return Weights(digest, int(digest.strip("abc")))


@pytest.fixture
def disk() -> Disk:
    return Disk()


def again(held: Kept, disk: Disk, *digests: str) -> list[str]:
    """Which of them had left."""
    disk.read.clear()
    for one in digests:
        held.get(one)
    return disk.read


def test_the_least_recently_used_leaves_first(disk):
    held = Kept(disk, most_bytes=10)
    for one in ("a4", "b4", "a4", "c4"):
        held.get(one)

    assert again(held, disk, "a4", "c4") == []
    assert again(held, disk, "b4") == ["b4"]


def test_as_many_leave_as_must(disk):
    held = Kept(disk, most_bytes=10)
    for one in ("a3", "b3", "c3", "a9"):
        held.get(one)

    assert again(held, disk, "a9") == []
    assert again(held, disk, "a3", "b3", "c3") == ["a3", "b3", "c3"]


def test_what_is_exactly_as_large_as_it_may_be_stays(disk):
    held = Kept(disk, most_bytes=10)
    held.get("a6"), held.get("b4")

    assert again(held, disk, "a6", "b4") == []


def test_many_small_ones_are_bounded_by_their_number(disk, monkeypatch):
    monkeypatch.setattr(kept, "_MOST_KEPT", 2)
    held = Kept(disk, most_bytes=10)
    for one in ("a1", "b1", "c1"):
        held.get(one)

    assert again(held, disk, "b1", "c1", "a1") == ["a1"]


def test_one_in_use_stays_however_large_and_old_and_others_make_room(disk):
    held = Kept(disk, most_bytes=10)
    with held.in_use("a8"):
        held.get("a8")
        for one in ("b4", "c4"):
            held.get(one)
        assert again(held, disk, "a8") == []
        assert again(held, disk, "b4") == ["b4"]


def test_one_that_is_answering_twice_stays_until_the_last_word(disk):
    held = Kept(disk, most_bytes=0)
    with held.in_use("a8"):
        with held.in_use("a8"):
            held.get("a8")
        assert again(held, disk, "a8") == []
    assert again(held, disk, "a8") == ["a8"]


def test_one_that_cannot_be_read_holds_nothing(disk):
    held = Kept(disk, most_bytes=4)
    with suppress(FileNotFoundError), held.in_use("gone"):
        held.get("gone")
    held.get("a4")

    assert again(held, disk, "a4") == []
    with pytest.raises(FileNotFoundError):
        held.get("gone")


def test_all_leave_with_their_base(disk):
    held = Kept(disk, most_bytes=10)
    held.get("a4")
    held.clear()

    assert again(held, disk, "a4") == ["a4"]
