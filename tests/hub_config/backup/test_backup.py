"""What is acknowledged is in the next backup, and a backup comes back whole, on either database, or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub_config import backup, restore
from hub_config.settings import Settings
from labkit.database import reading
from labkit.database.tables import submissions
from labkit.errors import OperatorError
from labkit.programme.people import person


def settings_of(home: Path, database: str = "") -> Settings:
    return Settings(home=home, database=database, teach="testing")


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)


@pytest.mark.parametrize("target", ["sqlite", POSTGRESQL])
@pytest.mark.parametrize("site", ["sqlite", POSTGRESQL], indirect=True)
def test_a_backup_under_load_has_everything_acknowledged_before_it_began(
    site, another, target: str, tmp_path: Path, request: pytest.FixtureRequest
):
    stop = threading.Event()

    def work(start: int) -> None:
        number = start
        while not stop.is_set():
            site.work(number)
            number += 1

    threads = [threading.Thread(target=work, args=(10**6 * (each + 1),)) for each in range(4)]
    for thread in threads:
        thread.start()
    while len(site.receipts) < 40:
        stop.wait(0.01)
    receipts, lines = list(site.receipts), dict(site.lines)
    backup.write(site.settings, tmp_path / "kept.tar")
    stop.set()
    for thread in threads:
        thread.join()

    url = request.getfixturevalue("empty_postgresql")() if target == "postgresql" else ""
    again = settings_of(tmp_path / "again", url)
    restore.put_back(again, tmp_path / "kept.tar")
    restored = another(tmp_path / "again", url)
    try:
        restored.holds(receipts, lines)
        # What the database knows of is all there, also what was handed in while the backup ran.
        with reading(restored.engine) as connection:
            kept = connection.execute(select(submissions.c.id)).scalars().all()
        assert len(kept) >= len(receipts)
        for number in kept:
            assert restored.store.content(restored.store.get(number))
        assert person(restored.engine, "ana").given_name == "Añà"
    finally:
        restored.engine.dispose()


def test_homes_databases_and_secrets_come_back_as_they_were(site, file: Path, tmp_path: Path):
    restore.put_back(settings_of(tmp_path / "again"), file)
    old, new = site.settings.home, tmp_path / "again"
    mine = new / "homes" / "ana"
    assert (mine / "notes ñ.txt").read_text() == "hers"
    assert (mine / os.fsdecode(b"latin-\xe9")).read_bytes() == b"x"
    assert (mine / "empty").is_dir()
    assert (mine / "link").readlink() == Path("/etc/shadow")
    assert not (mine / "pipe").exists()
    assert (mine / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert (new / "secrets" / "receipts.pem").read_bytes() == (old / "secrets" / "receipts.pem").read_bytes()
    assert (new / "secrets" / "receipts.pem").stat().st_mode & 0o777 == 0o600
    for name in ("hub.sqlite", "nbgrader/testing/gradebook.db"):
        database = sqlite3.connect(new / name)
        assert database.execute("SELECT * FROM things").fetchall() == [("kept",)]
        database.close()
    for made_again in ("log", "models", "build", "run"):
        assert not (new / made_again).exists()


def test_of_the_models_only_what_no_fetch_makes_again_comes_back(site, tmp_path: Path):
    for name in ("lock.json", "terms.json", "tiny/model.gguf"):
        path = site.settings.home / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    backup.write(site.settings, tmp_path / "backup.tar")
    restore.put_back(settings_of(tmp_path / "new"), tmp_path / "backup.tar")
    models = tmp_path / "new" / "models"
    assert {path.name: path.read_text() for path in models.iterdir()} == {
        "lock.json": "lock.json",
        "terms.json": "terms.json",
    }
    assert models.stat().st_mode == (site.settings.home / "models").stat().st_mode


def test_a_sparse_file_takes_no_more_room_in_the_backup_than_on_the_disk(site, file: Path, tmp_path: Path):
    assert file.stat().st_size < 20 * 2**20
    restore.put_back(settings_of(tmp_path / "again"), file)
    sparse = tmp_path / "again" / "homes" / "ana" / "sparse"
    assert sparse.stat().st_size == (1 << 30) + 10_000_000
    assert sparse.stat().st_blocks * 512 < 20 * 2**20
    with sparse.open("rb") as content:
        content.seek(1 << 30)
        assert content.read(5) == b"end\0\0"


def test_owners_are_kept_where_root_restores(site, tmp_path: Path):
    owner = (12345, 12346) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    mine = site.settings.home / "homes" / "ana"
    for path in (mine, mine / "notes ñ.txt", mine / "link"):
        os.chown(path, *owner, follow_symlinks=False)
    backup.write(site.settings, tmp_path / "kept.tar")
    restore.put_back(settings_of(tmp_path / "again"), tmp_path / "kept.tar")
    mine = tmp_path / "again" / "homes" / "ana"
    for path in (mine, mine / "notes ñ.txt", mine / "link"):
        found = path.lstat()
        assert (found.st_uid, found.st_gid) == owner


def test_the_file_is_its_owners_alone_from_its_first_moment(site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen, fill = [], backup._fill

    def look(settings: Settings, out: Any) -> int:
        part = tmp_path / "kept.tar.part"
        seen.append((part.stat().st_mode & 0o777, (tmp_path / "kept.tar").exists()))
        return fill(settings, out)

    monkeypatch.setattr(backup, "_fill", look)
    (tmp_path / "kept.tar.part").symlink_to(tmp_path / "elsewhere")
    backup.write(site.settings, tmp_path / "kept.tar")
    assert seen == [(0o600, False)]
    assert (tmp_path / "kept.tar").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "kept.tar.part").exists()
    last = json.loads((site.settings.home / backup.LAST).read_text())
    assert last["bytes"] == (tmp_path / "kept.tar").stat().st_size


def test_a_backup_that_fails_leaves_the_last_one_alone(site, file: Path, monkeypatch: pytest.MonkeyPatch):
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.Writer, "finish", full)
    with pytest.raises(OperatorError, match="No space left"):
        backup.write(site.settings, file)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.glob("*.part")) == []


def test_a_folder_that_becomes_a_link_while_it_is_read_is_not_followed(site, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("of the machine")
    trap = site.settings.home / "homes" / "ana" / "a-trap"
    trap.mkdir()
    found = []
    for entry, content in backup.walk(site.settings.home, "homes"):
        if trap.is_dir() and not trap.is_symlink():
            trap.rmdir()
            trap.symlink_to(outside)
        found.append((entry.path, entry.kind))
        assert content is None or b"of the machine" not in content.read(100)
    assert not any("secret" in path for path, _ in found)


def test_a_file_that_becomes_a_link_or_a_pipe_is_passed_over(site):
    mine = site.settings.home / "homes" / "ana"
    for entry, _ in backup.walk(site.settings.home, "homes"):
        assert entry.kind == "link" or not entry.path.endswith(("link", "pipe"))
    assert (mine / "pipe").is_fifo()


@pytest.mark.parametrize("becomes", ["a pipe", "a link", "nothing", "a folder"])
def test_a_file_that_changes_its_kind_between_two_looks_is_passed_over(
    becomes: str, site, monkeypatch: pytest.MonkeyPatch
):
    notes = site.settings.home / "homes" / "ana" / "notes ñ.txt"

    def swap(_top: str, name: str) -> bool:
        if name == notes.name:
            notes.unlink()
            {
                "a pipe": lambda: os.mkfifo(notes),
                "a link": lambda: notes.symlink_to("/etc/passwd"),
                "nothing": lambda: None,
                "a folder": notes.mkdir,
            }[becomes]()
        return False

    monkeypatch.setattr(backup, "_is_half_written", swap)
    found = [entry.path for entry, _ in backup.walk(site.settings.home, "homes")]
    assert "homes/ana/run.sh" in found
    assert f"homes/ana/{notes.name}" not in found


def labkit(*words: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    command = [str(Path(sys.executable).parent / "labkit"), *words]
    environment |= {"LABKIT_HOME": str(home), **more}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


class TestTheCommands:
    def test_they_say_what_was_kept_and_what_came_back(self, site, tmp_path: Path):
        kept = labkit("backup", str(tmp_path / "kept.tar"), home=site.settings.home)
        assert kept.returncode == 0, kept.stderr
        assert "every secret" in kept.stdout
        back = labkit("restore", str(tmp_path / "kept.tar"), home=tmp_path / "again")
        assert back.returncode == 0, back.stderr
        assert "1 submissions" in back.stdout
        assert (tmp_path / "again" / "labkit.sqlite").exists()

    def test_a_folder_in_use_is_not_restored_into(self, site, file: Path):
        refused = labkit("restore", str(file), home=site.settings.home)
        assert refused.returncode == 1
        assert "is not empty" in refused.stderr
        site.holds(site.receipts, site.lines)

    @pytest.mark.parametrize("name", ["kept.tar", "homes/ana/kept.tar"])
    def test_a_backup_inside_what_it_keeps_is_refused(self, site, name: str):
        refused = labkit("backup", str(site.settings.home / name), home=site.settings.home)
        assert refused.returncode == 1
        assert "another disk" in refused.stderr

    def test_nothing_there_is_said(self, tmp_path: Path):
        refused = labkit("backup", str(tmp_path / "kept.tar"), home=tmp_path / "nothing")
        assert refused.returncode == 1
        assert "nothing at" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not (tmp_path / "kept.tar").exists()
