"""What is acknowledged is in the next backup, and a backup comes back whole, on either database, or not at all."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select, text

from hub_config import backup, restore
from hub_config.archive import Reader
from hub_config.settings import Settings
from labkit.allowance import Ledger
from labkit.database import connect, migrate, reading
from labkit.database.dump import dump, load, moment, revision
from labkit.database.tables import charges, metadata, submissions
from labkit.errors import OperatorError
from labkit.programme.people import Membership, Person, person, provision
from labkit.submissions.blobs import Blobs
from labkit.submissions.receipt import Receipt, Signer, verify
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

RULE = SimpleNamespace(tokens=10**6, per="total")


def settings_of(home: Path, database: str = "") -> Settings:
    return Settings(home=home, database=database, teach="testing")


@dataclass
class Site:
    """A platform's folder with some of everything in it."""

    settings: Settings
    receipts: list[Receipt] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.settings.home.mkdir(exist_ok=True)
        migrate(self.settings.database_url)
        self.engine = connect(self.settings.database_url)
        home = self.settings.home
        self.signer = Signer(home / "secrets" / "receipts.pem")
        self.store = Store(self.engine, Blobs(home / "blobs"), self.signer)
        self.ledger, self.scores = Ledger(self.engine), Scores(self.engine)

    def furnish(self) -> None:
        home = self.settings.home
        ana = Person("ana", "ana@example.org", "Añà", "Cruz")
        provision(self.engine, (ana,), (Membership("ana", "c", "testing", "learner"),))
        for name in ("hub.sqlite", "nbgrader/testing/gradebook.db"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            with sqlite3.connect(home / name) as database:
                database.execute("CREATE TABLE things (name)")
                database.execute("INSERT INTO things VALUES ('kept')")
            database.close()
        (home / "nbgrader" / "testing" / "source").mkdir()
        mine = home / "homes" / "ana"
        (mine / "empty").mkdir(parents=True)
        (mine / "notes ñ.txt").write_text("hers")
        (mine / os.fsdecode(b"latin-\xe9")).write_bytes(b"x")
        (mine / "link").symlink_to("/etc/shadow")
        (mine / "run.sh").write_text("#!/bin/sh")
        (mine / "run.sh").chmod(0o4755)
        os.mkfifo(mine / "pipe")
        with (mine / "sparse").open("wb") as file:
            file.seek(1 << 30)
            file.write(b"end")
            file.truncate((1 << 30) + 10_000_000)
        for made_again in ("log/hub.log", "models/weights", "build/testing/x", "run/lock"):
            (home / made_again).parent.mkdir(parents=True, exist_ok=True)
            (home / made_again).write_text("not kept")

    def work(self, number: int) -> None:
        """One submission, one score, one paid call."""
        receipt, _ = self.store.receive("ana", "testing", "clip", {"clip.ipynb": f"{number}".encode()}, [])
        self.scores.record(receipt.id, {"score": float(number), "max": 1e9, "items": ["ñ"]}, 10.0)
        reservation = self.ledger.reserve("ana", "testing", "clip", RULE, 10, "gateway")
        self.ledger.settle(reservation, 3)
        self.receipts.append(receipt)
        self.lines[reservation.id] = 3

    def holds(self, receipts: list[Receipt], lines: dict[str, int]) -> None:
        """Everything acknowledged is here, word for word."""
        for receipt in receipts:
            found = self.store.get(receipt.id)
            assert found is not None
            assert self.store.receipt(found) == receipt
            assert verify(receipt, self.signer.public_key)
            (content,) = self.store.content(found).values()
            assert self.scores.get(receipt.id).score == float(content)
        with reading(self.engine) as connection:
            written = {row.id: row.amount for row in connection.execute(select(charges))}
            total = connection.execute(select(func.sum(charges.c.amount))).scalar_one()
        assert lines.items() <= written.items()
        assert total == self.ledger.balance("ana", "testing", "clip", RULE).used


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    kind = getattr(request, "param", "sqlite")
    url = request.getfixturevalue("empty_postgresql")() if kind == "postgresql" else ""
    made = Site(settings_of(tmp_path / "state", url))
    made.furnish()
    made.work(0)
    yield made
    made.engine.dispose()


@pytest.fixture
def empty_postgresql(request: pytest.FixtureRequest) -> Callable[[], str]:
    """URLs of new databases without a table."""
    import uuid

    server = request.getfixturevalue("postgresql_server")

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        engine = create_engine(server.replace("DATABASE", "template_labkit"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return server.replace("DATABASE", name)

    return make


@pytest.fixture
def file(site: Site, tmp_path: Path) -> Path:
    backup.write(site.settings, tmp_path / "kept.tar")
    return tmp_path / "kept.tar"


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)


@pytest.mark.parametrize("target", ["sqlite", POSTGRESQL])
@pytest.mark.parametrize("site", ["sqlite", POSTGRESQL], indirect=True)
def test_a_backup_under_load_has_everything_acknowledged_before_it_began(
    site: Site, target: str, tmp_path: Path, request: pytest.FixtureRequest
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
    restored = Site(again)
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


def test_homes_databases_and_secrets_come_back_as_they_were(site: Site, file: Path, tmp_path: Path):
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


def test_a_sparse_file_takes_no_more_room_in_the_backup_than_on_the_disk(site: Site, file: Path, tmp_path: Path):
    assert file.stat().st_size < 20 * 2**20
    restore.put_back(settings_of(tmp_path / "again"), file)
    sparse = tmp_path / "again" / "homes" / "ana" / "sparse"
    assert sparse.stat().st_size == (1 << 30) + 10_000_000
    assert sparse.stat().st_blocks * 512 < 20 * 2**20
    with sparse.open("rb") as content:
        content.seek(1 << 30)
        assert content.read(5) == b"end\0\0"


def test_owners_are_kept_where_root_restores(site: Site, tmp_path: Path):
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


def test_the_file_is_its_owners_alone_from_its_first_moment(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
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


def test_a_backup_that_fails_leaves_the_last_one_alone(site: Site, file: Path, monkeypatch: pytest.MonkeyPatch):
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.Writer, "finish", full)
    with pytest.raises(OperatorError, match="No space left"):
        backup.write(site.settings, file)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.glob("*.part")) == []


def test_a_folder_that_becomes_a_link_while_it_is_read_is_not_followed(site: Site, tmp_path: Path):
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


def test_a_file_that_becomes_a_link_or_a_pipe_is_passed_over(site: Site):
    mine = site.settings.home / "homes" / "ana"
    for entry, _ in backup.walk(site.settings.home, "homes"):
        assert entry.kind == "link" or not entry.path.endswith(("link", "pipe"))
    assert (mine / "pipe").is_fifo()


@pytest.mark.parametrize("becomes", ["a pipe", "a link", "nothing", "a folder"])
def test_a_file_that_changes_its_kind_between_two_looks_is_passed_over(
    becomes: str, site: Site, monkeypatch: pytest.MonkeyPatch
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
    def test_they_say_what_was_kept_and_what_came_back(self, site: Site, tmp_path: Path):
        kept = labkit("backup", str(tmp_path / "kept.tar"), home=site.settings.home)
        assert kept.returncode == 0, kept.stderr
        assert "every secret" in kept.stdout
        back = labkit("restore", str(tmp_path / "kept.tar"), home=tmp_path / "again")
        assert back.returncode == 0, back.stderr
        assert "1 submissions" in back.stdout
        assert (tmp_path / "again" / "labkit.sqlite").exists()

    def test_a_folder_in_use_is_not_restored_into(self, site: Site, file: Path):
        refused = labkit("restore", str(file), home=site.settings.home)
        assert refused.returncode == 1
        assert "is not empty" in refused.stderr
        site.holds(site.receipts, site.lines)

    @pytest.mark.parametrize("name", ["kept.tar", "homes/ana/kept.tar"])
    def test_a_backup_inside_what_it_keeps_is_refused(self, site: Site, name: str):
        refused = labkit("backup", str(site.settings.home / name), home=site.settings.home)
        assert refused.returncode == 1
        assert "another disk" in refused.stderr

    def test_nothing_there_is_said(self, tmp_path: Path):
        refused = labkit("backup", str(tmp_path / "kept.tar"), home=tmp_path / "nothing")
        assert refused.returncode == 1
        assert "nothing at" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not (tmp_path / "kept.tar").exists()


def rewritten(file: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """The backup with its manifest and members changed, and otherwise in order."""
    with tarfile.open(file) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}
    manifest = json.loads(members.pop("manifest.json"))
    change(manifest, members)
    hostile = file.with_name("hostile.tar")
    with tarfile.open(hostile, "w") as tar:
        for name, content in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return hostile


def entry(path: str, kind: str = "file", content: bytes = b"", **more: Any) -> dict[str, Any]:
    import hashlib

    return {"path": path, "kind": kind, "mode": 0o600, "size": len(content), **more} | (
        {"sha256": hashlib.sha256(content).hexdigest()} if kind == "file" else {}
    )


def adding(*entries: dict[str, Any]) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        for one in entries:
            manifest["entries"].append(one)
            if one["kind"] == "file":
                members[one["path"]] = bytes(one["size"])

    return change


def corrupt(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.startswith("blobs/"))
    members[name] = bytes(len(members[name]))


def drop(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.startswith("blobs/"))]


def unknown_revision(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["revision"] = ["9999"]


def other_format(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["format"] = 99


def strange_key(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
    manifest["entries"][0]["run"] = "rm -rf"


class TestAHostileFile:
    @pytest.mark.parametrize(
        "change",
        [
            adding(entry("../outside")),
            adding(entry("homes/../../outside")),
            adding(entry("/tmp/labkit-outside")),
            adding(entry("homes/./ana/x")),
            adding(entry("homes//x")),
            adding(entry("labkit.sqlite")),
            adding(entry("elsewhere/x")),
            adding(entry("homes/out", "link", target="/tmp"), entry("homes/out/labkit-outside")),
            adding(entry("homes/out", "link", target="/tmp"), entry("homes/out/labkit-outside", "folder")),
            adding(entry("homes/out", "link", target="/tmp"), entry("homes/out", "folder"), entry("homes/out/x")),
            adding(entry("homes", "link", target="/tmp")),
            adding(entry("secrets/out", "link", target="/etc/shadow")),
            adding(entry("blobs/out", "link", target="/etc")),
            adding(entry("hub.sqlite/x", "link", target="/etc")),
            adding(entry("homes/ana/notes ñ.txt/x")),
            adding(entry("homes/ana/x", "device")),
            adding(entry("homes/x", data=[[0, -5]])),
            adding(entry("homes/x", data=[[10, 1]])),
            corrupt,
            drop,
            unknown_revision,
            other_format,
            strange_key,
        ],
    )
    def test_it_is_refused_before_anything_is_written(self, change: Any, site: Site, file: Path, tmp_path: Path):
        home = tmp_path / "again"
        with pytest.raises(OperatorError):
            restore.put_back(settings_of(home), rewritten(file, change))
        assert not home.exists()
        assert sorted(path.name for path in tmp_path.glob(".*")) == []
        assert not Path("/tmp/labkit-outside").exists()

    @pytest.mark.parametrize(
        "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
    )
    def test_a_member_that_is_no_plain_file_is_refused(self, kind: bytes, site: Site, file: Path, tmp_path: Path):
        with tarfile.open(file, "a") as tar:
            about = tarfile.TarInfo("homes/ana/more")
            about.type, about.linkname = kind, "/etc/shadow"
            tar.addfile(about)
        with pytest.raises(OperatorError, match="no plain file"):
            restore.put_back(settings_of(tmp_path / "again"), file)

    def test_a_member_twice_is_refused(self, site: Site, file: Path, tmp_path: Path):
        with tarfile.open(file, "a") as tar:
            about = tarfile.TarInfo("hub.sqlite")
            tar.addfile(about, io.BytesIO())
        with pytest.raises(OperatorError, match="no plain file"):
            restore.put_back(settings_of(tmp_path / "again"), file)

    @pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 1.0])
    def test_one_that_was_cut_short_is_refused(self, part: float, site: Site, file: Path, tmp_path: Path):
        content = file.read_bytes()
        # At the latest within the manifest: what follows it is padding.
        file.write_bytes(content[: int((content.rindex(b"manifest.json") + 700) * part)])
        with pytest.raises(OperatorError):
            restore.put_back(settings_of(tmp_path / "again"), file)
        assert not (tmp_path / "again").exists()

    def test_a_set_uid_bit_is_not_brought_in(self, site: Site, file: Path, tmp_path: Path):
        hostile = rewritten(file, adding(entry("homes/ana/root", mode=0o6755, uid=0, gid=0)))
        restore.put_back(settings_of(tmp_path / "again"), hostile)
        assert (tmp_path / "again" / "homes" / "ana" / "root").stat().st_mode & 0o7777 == 0o755


class TestTheDump:
    def test_it_is_of_one_moment_whatever_is_written_meanwhile(self, database_url: str):
        engine = connect(database_url)
        ledger = Ledger(engine)
        ledger.settle(ledger.reserve("ana", "testing", "clip", RULE, 10, "gateway"), 3)
        with moment(engine) as connection:
            found = {}
            for name, lines in dump(connection):
                found[name] = [json.loads(line) for line in lines]
                ledger.settle(ledger.reserve("ana", "testing", "clip", RULE, 10, "gateway"), 3)
        assert sum(row["amount"] for row in found["charges"]) == sum(row["used"] for row in found["allowances"])
        engine.dispose()

    def test_every_table_is_in_it(self, database_url: str):
        engine = connect(database_url)
        with moment(engine) as connection:
            assert {name for name, _ in dump(connection)} == set(metadata.tables)
            assert revision(connection)
        engine.dispose()

    def test_a_database_with_rows_is_not_loaded_into(self, database_url: str):
        engine = connect(database_url)
        provision(engine, (Person("ana", "ana@example.org", "Ana", "Cruz"),), ())
        engine.dispose()
        with pytest.raises(OperatorError, match="people has rows"):
            load(database_url, (), {})

    def test_an_older_dump_is_brought_up_to_date(self, tmp_path: Path):
        url = f"sqlite:///{tmp_path / 'old.sqlite'}"
        row = {"username": "ana", "course": "c", "lab": "l", "unit": "tokens", "window": "total"}
        lines = iter([json.dumps({**row, "used": 7, "reserved": 0})])
        assert load(url, ("0001",), {"allowances": lines}) == {"allowances": 1}
        engine = connect(url)
        with reading(engine) as connection:
            assert connection.execute(select(charges.c.amount)).scalars().all() == [7]
        engine.dispose()

    def test_a_row_that_is_not_ours_leaves_the_database_empty(self, database_url: str):
        with pytest.raises(OperatorError, match="not one of ours"):
            load(database_url, (), {"people": iter(['{"username": "ana", "drop": "table"}'])})


def test_the_reader_opens_what_the_writer_wrote(file: Path):
    reader = Reader(file)
    assert {entry.path.split("/")[0] for entry in reader.manifest.entries} >= {"blobs", "homes", "secrets", "database"}
    reader.close()
