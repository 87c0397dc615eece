"""`labkit privacy`: from the command line, for whoever runs the platform."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from hub_config import privacy
from labkit.command import main
from labkit.database.tables import sign_in_links
from labkit.errors import OperatorError
from labkit.programme.people import person
from labkit.programme.privacy import erase, looks

pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")


@pytest.fixture(autouse=True)
def settings(site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(site.home))
    monkeypatch.setenv("LABKIT_DATABASE", site.settings.database)
    monkeypatch.setenv("LABKIT_TEACH", "testing")


def test_an_export_is_written_and_she_sees_that_it_was(site, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "hers.zip"
    assert main(["privacy", "export", "dimaguiba", "--out", str(out)]) == 0
    assert "files" in capsys.readouterr().out
    assert "README.txt" in zipfile.ZipFile(out).namelist()
    (look,) = [one for one in looks.of(site.engine, "dimaguiba") if one.what == "data export"]
    assert look.viewer == looks.OPERATOR


@pytest.mark.parametrize("username", ["nobody", "../ben", "a\0", ""])
def test_nobody_is_exported_to_no_file(username: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(OperatorError, match="Nobody is called"):
        privacy.export([username, "--out", "x.zip"])
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("out", ["hers.tar", "nowhere/hers.zip", "state/hers.zip"])
def test_a_file_that_cannot_be_is_refused(out: str, tmp_path: Path):
    with pytest.raises(OperatorError, match=r"cannot be written|is inside"):
        privacy.export(["dimaguiba", "--out", str(tmp_path / out)])


def test_erasing_asks_first(site, capsys: pytest.CaptureFixture[str]):
    assert privacy.erase(["dimaguiba"]) == 1  # nobody is at a terminal here
    assert person(site.engine, "dimaguiba") is not None
    assert privacy.erase(["dimaguiba", "--yes"]) == 0
    assert "Erased." in capsys.readouterr().out
    assert person(site.engine, "dimaguiba") is None


def test_an_erasure_that_was_cut_short_is_finished_by_asking_again(site, capsys: pytest.CaptureFixture[str]):
    site.hub.status = 503
    assert privacy.erase(["dimaguiba", "--yes"]) == 1
    assert "by itself" in capsys.readouterr().err
    site.hub.status = 0
    with pytest.raises(erase.Refused):
        privacy.erase(["dimaguiba", "--yes"])
    assert "tried again" in capsys.readouterr().out
    assert "dimaguiba" not in site.hub.users


@pytest.mark.parametrize(("username", "said"), [("jose", "office"), ("maria", "office"), ("nobody", "Nobody")])
def test_who_cannot_be_erased_is_refused_in_words(username: str, said: str, capsys: pytest.CaptureFixture[str]):
    assert main(["privacy", "erase", username, "--yes"]) == 1
    assert said in capsys.readouterr().err


def test_retention_only_counts_unless_it_is_told(site, capsys: pytest.CaptureFixture[str]):
    at = datetime(2020, 1, 1, tzinfo=UTC)
    with site.engine.begin() as connection:
        row = {"digest": "old", "username": "ben", "expires_at": at, "used_at": at}
        connection.execute(insert(sign_in_links).values(**row))
    (site.home / "blobs" / "ab").mkdir(exist_ok=True)
    (site.home / "blobs" / "ab" / ("ab" * 32)).write_bytes(b"nobody's")
    assert privacy.retention([]) == 0
    assert "2020-01-01" in capsys.readouterr().out
    assert _links(site) == 4
    assert privacy.retention(["--apply"]) == 0
    assert _links(site) == 3
    assert not list((site.home / "blobs" / "ab").glob("ab*"))
    (mine,) = site.store.of_person("ben")
    assert site.store.content(mine)["data.csv"] == site.shared


def _links(site) -> int:
    with site.engine.connect() as connection:
        return len(connection.execute(select(sign_in_links.c.digest)).all())


def test_a_misspelt_period_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LABKIT_RETENTION", "look=3")
    with pytest.raises(OperatorError, match=r"LABKIT_RETENTION='look=3'.*'look' has no period"):
        privacy.retention([])


@pytest.mark.parametrize("command", [privacy.export, privacy.erase, privacy.retention])
def test_unknown_words_are_refused(command):
    with pytest.raises(SystemExit):
        command(["--everything"])


def test_without_a_platform_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("LABKIT_DATABASE", "")
    with pytest.raises(OperatorError, match="no platform"):
        privacy.retention([])
    assert not (tmp_path / "none").exists()
