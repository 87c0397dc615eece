"""The systemd unit: accepted by systemd, private settings, and no hardening that breaks the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config import service
from labkit.errors import OperatorError
from labkit.sandbox import Sandbox

ODD = 'postgresql+psycopg://u:p%40"$x\\ y`@host/labkit'


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LABKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "a home with 100% $blanks"))
    monkeypatch.setenv("LABKIT_DATABASE", ODD)
    monkeypatch.setenv("HOME", str(tmp_path / "account"))


def install(tmp_path: Path, *words: str) -> tuple[Path, Path]:
    """The unit and its settings, installed below a folder."""
    root = tmp_path / "machine"
    assert service.install(["--root", str(root), *words]) == 0
    (unit,) = root.rglob("labkit.service")
    (environment,) = root.rglob("labkit.env")
    return unit, environment


@pytest.mark.platform
@pytest.mark.parametrize("words", [(), ("--user",)], ids=["the machine's", "an account's"])
def test_systemd_has_nothing_to_say_against_it(words: tuple[str, ...], tmp_path: Path):
    unit, _ = install(tmp_path, *words)
    copy = tmp_path / "labkit.service"
    # systemd looks at the program named; ours may be one it cannot enter as another account.
    copy.write_text(unit.read_text())
    command = ["systemd-analyze", "verify", "--man=no", *words, str(copy)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    ours = [line for line in done.stderr.splitlines() if "labkit" in line]
    assert ours == []


def test_the_settings_are_private_and_come_back_as_they_were_given(tmp_path: Path):
    _, environment = install(tmp_path)
    assert environment.stat().st_mode & 0o777 == 0o600
    read = {}
    for line in environment.read_text().splitlines():
        name, _, value = line.partition("=")
        # The rules of a double-quoted word in systemd's environment files are a shell's.
        told = subprocess.run(["sh", "-c", f"printf %s {value}"], capture_output=True, text=True, check=True)
        read[name] = told.stdout
    assert read == {"LABKIT_HOME": str(tmp_path / "a home with 100% $blanks"), "LABKIT_DATABASE": ODD}


def test_the_unit_names_no_secret_and_every_path_as_the_machine_will(tmp_path: Path):
    unit, _ = install(tmp_path)
    text = unit.read_text()
    assert "p%40" not in text
    assert str(tmp_path) not in text.replace(sys.prefix, "")
    assert "EnvironmentFile=/etc/labkit/labkit.env" in text
    assert f'ExecStart="{Path(sys.executable).parent}/labkit" up' in text


def test_a_dry_run_writes_nothing_and_shows_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert service.install(["--root", str(tmp_path / "machine"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "[Service]" in shown
    assert "LABKIT_DATABASE" in shown
    assert ODD not in shown
    assert not (tmp_path / "machine").exists()


def test_what_was_installed_is_removed(tmp_path: Path):
    unit, environment = install(tmp_path)
    assert service.remove(["--root", str(tmp_path / "machine")]) == 0
    assert not unit.exists()
    assert not environment.exists()
    with pytest.raises(OperatorError, match="There is no"):
        service.remove(["--root", str(tmp_path / "machine")])


def test_where_systemd_does_not_run_it_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    install(tmp_path)
    assert "systemctl enable labkit.service" in capsys.readouterr().out


def test_a_setting_of_two_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LABKIT_DATABASE", "sqlite:///x\nLD_PRELOAD=/tmp/evil.so")
    with pytest.raises(OperatorError, match="more than one line"):
        install(tmp_path)
    assert not (tmp_path / "machine" / "etc" / "labkit" / "labkit.env").exists()


@pytest.mark.parametrize(
    "option",
    [
        *("ProtectProc", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectControlGroups", "ProtectHostname"),
        *("PrivateDevices", "PrivateUsers", "PrivateTmp", "RestrictNamespaces", "SystemCallFilter"),
        *("MemoryDenyWriteExecute", "CapabilityBoundingSet"),
    ],
)
def test_no_option_is_there_that_would_break_the_sandbox(option: str, tmp_path: Path):
    unit, _ = install(tmp_path)
    assert f"{option}=" not in unit.read_text()


@pytest.mark.sandbox
def test_a_sandbox_works_without_new_privileges():
    argv = ["setpriv", "--no-new-privs", "--", *Sandbox().argv(["true"])]
    assert subprocess.run(argv, check=False).returncode == 0
