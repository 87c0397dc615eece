"""`labkit up` and `labkit reset`: what a person at the terminal meets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from hub_config.state import State, free_port

LABKIT = str(Path(sys.executable).parent / "labkit")


def labkit(*words: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LABKIT_")}
    environment |= {"LABKIT_HOME": str(home), "LABKIT_PORT": str(free_port(set())), **settings}
    return subprocess.run([LABKIT, *words], env=environment, capture_output=True, text=True, timeout=120, check=False)


def processes_of(home: Path) -> list[str]:
    """Command lines of every process that knows this state folder, besides us."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (folder / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{home}/" in line or f"LABKIT_HOME={home}\0" in environment + "\0":
                found.append(line)
    return found


@pytest.mark.platform
@pytest.mark.model
@pytest.mark.sandbox
def test_ctrl_c_ends_every_process_and_a_second_start_has_lost_nothing(start_platform, tmp_path: Path):
    home = tmp_path / "state"
    first = start_platform(home, LABKIT_TEACH="testing")
    first.wait_for("Everything is warm.", 240)
    assert set(first.links()) == {"officer", "instructor", "learner"}
    receipts = kept(home)
    assert receipts
    seconds = first.end()
    assert first.process.returncode == 0, first.output
    assert seconds < 10
    assert processes_of(home) == []

    again = start_platform(home, LABKIT_TEACH="testing")
    try:
        again.wait_for("labkit is ready", 120)
        assert kept(home) == receipts
        assert set(again.links().values()).isdisjoint(first.links().values())
        assert httpx.get(f"{again.url}/hub/login").status_code == 200
        refused = labkit("up", home=home, LABKIT_TEACH="testing")
        assert refused.returncode == 1
        assert "already runs" in refused.stderr
        assert "already runs" in labkit("reset", "--yes", home=home).stderr
        # Killed without a word, it leaves nobody behind either.
        again.process.kill()
        end = time.monotonic() + 20
        while processes_of(home) and time.monotonic() < end:
            time.sleep(0.2)
        assert processes_of(home) == []
    finally:
        again.end()
    assert labkit("reset", "--yes", home=home).returncode == 0
    assert not home.exists()


def kept(home: Path) -> set[str]:
    from sqlalchemy import select

    from labkit.database import connect, reading
    from labkit.database.tables import submissions

    engine = connect(f"sqlite:///{home / 'labkit.sqlite'}")
    try:
        with reading(engine) as connection:
            return set(connection.execute(select(submissions.c.id)).scalars())
    finally:
        engine.dispose()


@pytest.mark.sandbox
def test_a_port_in_use_is_said_with_the_way_out(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = labkit("up", home=tmp_path / "state", LABKIT_PORT=str(port))
    assert refused.returncode == 1
    assert f"Port {port} is in use." in refused.stderr
    assert f"LABKIT_PORT={port + 1}" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LABKIT_PROT", "8001", "Did you mean LABKIT_PORT?"),
        ("LABKIT_PORT", "eight", "LABKIT_PORT='eight'"),
        ("LABKIT_PORT", "70000", "less than or equal to 65535"),
        ("LABKIT_ADDRESS", "0.0.0.0", "only a loopback address"),
        ("LABKIT_ADDRESS", "example.org", "LABKIT_ADDRESS"),
        ("LABKIT_TIMEZONE", "Mars/Olympus", "Asia/Manila"),
        ("LABKIT_URL", "http://x", "There is no setting LABKIT_URL"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, name: str, value: str, said: str):
    refused = labkit("up", home=tmp_path / "state", **{name: value})
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.sandbox
def test_a_course_that_is_not_there_is_named(tmp_path: Path, prepared_models: Path):
    home = tmp_path / "state"
    home.mkdir()
    (home / "models").symlink_to(prepared_models)
    refused = labkit("up", home=home, LABKIT_TEACH="nothing")
    assert refused.returncode == 1
    assert "nothing" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reset_asks_first_and_deletes_nothing_unasked(tmp_path: Path):
    home = tmp_path / "state"
    home.mkdir()
    (home / "labkit.sqlite").write_text("precious")
    asked = labkit("reset", home=home)
    assert asked.returncode == 1
    assert (home / "labkit.sqlite").exists()
    assert labkit("reset", "--yes", home=home).returncode == 0
    assert not home.exists()
    assert "nothing" in labkit("reset", home=home).stdout


class TestState:
    def test_a_secret_is_made_once_and_is_its_owners_alone(self, tmp_path: Path):
        state = State(tmp_path)
        path = state.secret_file("cookie")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert state.secret("cookie") == state.secret("cookie")
        assert state.secret("cookie") != state.secret("proxy")
        assert len(state.secret("cookie")) == 64

    def test_ports_are_kept_while_they_are_free_and_changed_when_taken(self, tmp_path: Path):
        state = State(tmp_path)
        first = state.choose_ports(("hub", "pages"))
        assert state.choose_ports(("hub", "pages")) == first == state.ports()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", first["hub"]))
            taken.listen()
            second = state.choose_ports(("hub", "pages"))
        assert second["hub"] != first["hub"]
        assert second["pages"] == first["pages"]

    def test_a_process_configuration_is_its_owners_alone(self, tmp_path: Path):
        path = State(tmp_path).write_config("gateway", {"key": "secret"})
        assert path.stat().st_mode & 0o777 == 0o600
