"""A backup file that lies is refused, and nothing is written."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub_config import restore
from hub_config.settings import Settings
from labkit.errors import OperatorError


def settings_of(home: Path, database: str = "") -> Settings:
    return Settings(home=home, database=database, teach="testing")


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
    def test_it_is_refused_before_anything_is_written(self, change: Any, site, file: Path, tmp_path: Path):
        home = tmp_path / "again"
        with pytest.raises(OperatorError):
            restore.put_back(settings_of(home), rewritten(file, change))
        assert not home.exists()
        assert sorted(path.name for path in tmp_path.glob(".*")) == []
        assert not Path("/tmp/labkit-outside").exists()

    @pytest.mark.parametrize(
        "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
    )
    def test_a_member_that_is_no_plain_file_is_refused(self, kind: bytes, site, file: Path, tmp_path: Path):
        with tarfile.open(file, "a") as tar:
            about = tarfile.TarInfo("homes/ana/more")
            about.type, about.linkname = kind, "/etc/shadow"
            tar.addfile(about)
        with pytest.raises(OperatorError, match="no plain file"):
            restore.put_back(settings_of(tmp_path / "again"), file)

    def test_a_member_twice_is_refused(self, site, file: Path, tmp_path: Path):
        with tarfile.open(file, "a") as tar:
            about = tarfile.TarInfo("hub.sqlite")
            tar.addfile(about, io.BytesIO())
        with pytest.raises(OperatorError, match="no plain file"):
            restore.put_back(settings_of(tmp_path / "again"), file)

    @pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 1.0])
    def test_one_that_was_cut_short_is_refused(self, part: float, site, file: Path, tmp_path: Path):
        content = file.read_bytes()
        # At the latest within the manifest: what follows it is padding.
        file.write_bytes(content[: int((content.rindex(b"manifest.json") + 700) * part)])
        with pytest.raises(OperatorError):
            restore.put_back(settings_of(tmp_path / "again"), file)
        assert not (tmp_path / "again").exists()

    def test_a_set_uid_bit_is_not_brought_in(self, site, file: Path, tmp_path: Path):
        hostile = rewritten(file, adding(entry("homes/ana/root", mode=0o6755, uid=0, gid=0)))
        restore.put_back(settings_of(tmp_path / "again"), hostile)
        assert (tmp_path / "again" / "homes" / "ana" / "root").stat().st_mode & 0o7777 == 0o755
