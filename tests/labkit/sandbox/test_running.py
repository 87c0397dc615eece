"""Watching any process, and measuring a folder."""

import os
import subprocess
import sys

import pytest

from labkit.sandbox import Forked, Limits, watch
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
    running = watch(held, Limits(seconds=0.2))

    assert running.wait() == Forked.UNKNOWN and running.ended_for == "time"
    held.told(137)
    assert held.poll() == held.wait() == 137
    held.close()
    held.kill()
    assert held.poll() == 137


def test_it_is_ended_when_asked(sleeper):
    running = watch(Forked(sleeper.pid, os.pidfd_open(sleeper.pid)), Limits())
    running.end()

    assert running.ended_for == "asked" and sleeper.wait() == -9


def test_it_is_ended_for_the_disk_it_takes(sleeper, tmp_path):
    running = watch(Forked(sleeper.pid), Limits(tmp_mb=1), folder=tmp_path)
    (tmp_path / "big").write_bytes(bytes(2 << 20))

    running.wait()
    assert running.ended_for == "disk"


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
