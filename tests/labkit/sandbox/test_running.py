"""Watching any process, and measuring a folder."""

import os
import subprocess
import sys

import pytest

from labkit.sandbox import Forked, Limits, running, watch
from labkit.sandbox.disk import disk_mb


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_of_another_parent_is_watched_through_its_descriptor(sleeper):
    held = Forked(sleeper.pid)
    assert held.poll() is None
    watched = watch(held, Limits(seconds=0.2))

    assert watched.wait() == Forked.UNKNOWN and watched.ended_for == "time"
    held.told(137)
    assert held.poll() == held.wait() == 137
    held.close()
    held.kill()
    assert held.poll() == 137


def test_it_is_ended_when_asked(sleeper):
    watched = watch(Forked(sleeper.pid, os.pidfd_open(sleeper.pid)), Limits())
    watched.end()

    assert watched.ended_for == "asked" and sleeper.wait() == -9


def test_it_is_ended_for_the_disk_it_takes(sleeper, tmp_path):
    watched = watch(Forked(sleeper.pid), Limits(tmp_mb=1), folder=tmp_path)
    (tmp_path / "big").write_bytes(bytes(2 << 20))

    watched.wait()
    assert watched.ended_for == "disk"


def test_a_process_that_ends_while_its_memory_is_read_holds_none(sleeper, monkeypatch):
    """Its pages are then counted as the others' who share them."""
    sleeper.kill()
    sleeper.wait()
    seen = iter([300 << 20])  # as it was when it still ran
    monkeypatch.setattr(running, "_resident", lambda pid: next(seen, 0))

    assert running.memory_mb(sleeper.pid) == 0


def test_memory_that_is_over_for_a_moment_ends_nobody(sleeper, monkeypatch):
    """While processes that share pages end one after another, the same pages are read as several's."""
    shares = iter([500 << 20])
    monkeypatch.setattr(running, "_resident", lambda pid: 500 << 20)
    monkeypatch.setattr(running, "_pss", lambda pid: next(shares, 300 << 20))

    assert not running.is_over(sleeper.pid, 400)


def test_a_folder_is_measured_with_its_folders_and_no_link(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_bytes(bytes(1 << 20))
    (tmp_path / "link").symlink_to("/usr")

    assert 1 <= disk_mb(tmp_path) < 1.1
    assert disk_mb(tmp_path / "none") == 0


def test_a_deleted_file_that_is_open_is_measured(tmp_path):
    with (tmp_path / "x").open("wb") as file:
        file.write(bytes(1 << 20))
        file.flush()
        (tmp_path / "x").unlink()

        assert disk_mb(tmp_path) < 0.1
        assert 1 <= disk_mb(tmp_path, os.getpid()) < 1.1
