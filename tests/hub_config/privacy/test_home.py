"""A home is hers to fill with anything: links, pipes, closed folders, names of no language, more than fits."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from hub_config.holdings import HomeHolding
from labkit.errors import OperatorError

BAD = ("..", ".", "", "../ben", "/etc", "ana/../ben", "ben/", ".hidden", "a\0b")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    for name in ("ana", "ben"):
        (state / "homes" / name / "deep").mkdir(parents=True)
        (state / "homes" / name / "deep" / "notes.txt").write_text(f"of {name}")
    (state / "log").mkdir()
    return state


def exported(home: Path, username: str = "ana", most_mb: int = 1) -> dict[str, bytes]:
    return {
        name: bytes(c if isinstance(c, bytes) else c.read()) for name, c in HomeHolding(home, most_mb).export(username)
    }


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/etc", "../ben", "../../homes/ben/deep/notes.txt", "nowhere", "loop"]
)
def test_no_link_is_followed(home: Path, target: str):
    mine = home / "homes" / "ana"
    for place in ("link", "deep/link"):
        (mine / place).symlink_to(target)
    files = exported(home)
    assert set(files) == {"home/deep/notes.txt", "home/LEFT_OUT.txt"}
    assert b"deep/link (a link)" in files["home/LEFT_OUT.txt"]
    assert b"root:" not in b"".join(files.values())
    assert b"of ben" not in b"".join(files.values())


def test_a_home_full_of_links_to_etc_is_deleted_and_etc_is_not(home: Path):
    mine, outside = home / "homes" / "ana", home / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    for number in range(300):
        (mine / f"link{number}").symlink_to("/etc" if number % 2 else outside)
    HomeHolding(home, 1).erase("ana", "erased-1")
    assert (outside / "kept").read_text() == "kept"
    assert Path("/etc/passwd").exists()
    assert sorted(path.name for path in (home / "homes").iterdir()) == ["ben"]


def test_a_home_that_is_a_link_itself_is_not_followed(home: Path):
    (home / "homes" / "eve").symlink_to("ben")
    assert exported(home, "eve") == {}
    HomeHolding(home, 1).erase("eve", "erased-2")
    assert exported(home, "ben") == {"home/deep/notes.txt": b"of ben"}
    assert not (home / "homes" / "eve").is_symlink()


@pytest.mark.parametrize("username", BAD)
def test_a_name_that_leads_elsewhere_is_refused(home: Path, username: str):
    holding = HomeHolding(home, 1)
    with pytest.raises(OperatorError, match="no username"):
        list(holding.export(username))
    with pytest.raises(OperatorError, match="no username"):
        holding.erase(username, "erased-3")
    assert exported(home, "ben") == {"home/deep/notes.txt": b"of ben"}


def test_pipes_are_not_waited_for_and_odd_names_are_kept(home: Path):
    mine = home / "homes" / "ana"
    os.mkfifo(mine / "pipe")
    (mine / os.fsdecode(b"latin-\xe9")).write_bytes(b"x")
    (mine / "ñ").write_bytes(b"y")
    names = set(exported(home))
    assert len(names) == 3
    assert "home/ñ" in names


def test_what_does_not_fit_is_named_and_the_rest_is_there(home: Path):
    mine = home / "homes" / "ana"
    (mine / "big").write_bytes(b"x" * (2**20 + 1))
    with (mine / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (mine / "small").write_bytes(b"x" * 1000)
    files = exported(home)
    assert set(files) == {"home/deep/notes.txt", "home/small", "home/LEFT_OUT.txt"}
    assert b"big (1048577 bytes)" in files["home/LEFT_OUT.txt"]
    assert b"sparse (" in files["home/LEFT_OUT.txt"]


def test_folders_their_owner_closed_are_deleted_too(home: Path):
    deep = home / "homes" / "ana" / "deep"
    deep.chmod(0)
    HomeHolding(home, 1).erase("ana", "erased-4")
    assert not (home / "homes" / "ana").exists()


def test_what_a_crash_left_half_deleted_is_deleted_and_doing_it_again_is_nothing(home: Path):
    (home / "homes" / ".erased-5" / "rest").mkdir(parents=True)
    (home / "log" / "server-ana.log.1").write_text("ana")
    (home / "log" / "server-anabel.log").write_text("anabel")
    for _ in range(2):
        HomeHolding(home, 1).erase("ana", "erased-5")
    assert sorted(path.name for path in (home / "homes").iterdir()) == ["ben"]
    assert [path.name for path in (home / "log").iterdir()] == ["server-anabel.log"]


def test_nothing_in_a_zip_leads_out_of_it(tmp_path: Path):
    from labkit.programme.privacy.export import _Writer

    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        writer = _Writer(archive)
        for bad in ("../x", "/x", "a/../../x"):
            with pytest.raises(ValueError, match="leave the export"):
                writer.add(bad, b"")
        for name in (b"a-\xe9", b"a-\xe8", b"a-\xe9"):
            writer.add(os.fsdecode(name), name)
        assert len(set(archive.namelist())) == 3


def test_keys_of_her_servers_are_not_exported_and_nothing_says_how_the_last_one_ended(home: Path):
    runtime = home / "homes" / "ana" / ".local" / "share" / "jupyter" / "runtime"
    runtime.mkdir(parents=True)
    for name in ("jupyter_cookie_secret", "jpserver-2.json"):
        (runtime / name).write_text("secret")
    (home / "run" / "servers").mkdir(parents=True)
    for name in ("ana", "ben"):
        (home / "run" / "servers" / f"{name}.ended").write_text("memory")

    assert set(exported(home)) == {"home/deep/notes.txt"}
    HomeHolding(home, 1).erase("ana", "erased-1")
    assert [path.name for path in (home / "run" / "servers").iterdir()] == ["ben.ended"]
