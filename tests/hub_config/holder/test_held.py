"""The holder may die and come back; what it holds goes on, and nothing that is not its own is ever touched."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hub_config.holder.app import Holder
from hub_config.holder.held import Held, Places, start_time
from hub_config.holder.watch import cut, folder_mb


@pytest.mark.sandbox
def test_a_killed_holder_leaves_her_server_running_and_the_next_one_takes_it_over(holding):
    code = (
        "import os, pathlib, time, urllib.request\n"
        "def ask():\n"
        "    try: return urllib.request.urlopen('http://127.0.0.1:8000/hub/api/user', timeout=5).read().decode()\n"
        "    except OSError: return ''\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1\n"
        "    said = f'{os.getpid()} {n} {ask()}'\n"
        "    pathlib.Path('new').write_text(said); os.rename('new', 'told'); time.sleep(0.2)\n"
    )
    home = holding.serve("ana", code)
    holding.until(lambda: "GET" in (home / "told").read_text() if (home / "told").exists() else False)

    holding.end(signal.SIGKILL)
    holding.until(lambda: (home / "told").read_text().endswith(" "))  # her door is shut, she goes on
    count = int((home / "told").read_text().split()[1])
    holding.start()

    assert holding.running("ana")
    holding.until(lambda: "GET" in (home / "told").read_text())
    assert int((home / "told").read_text().split()[1]) > count
    assert holding.ask("DELETE", "/servers/ana").status_code == 200
    assert not holding.running("ana")


@pytest.mark.sandbox
def test_a_holder_that_is_asked_to_end_leaves_nothing_running(holding):
    holding.serve("ana", "import time; time.sleep(600)")
    held = Places(holding.root / "servers", holding.root / "sockets").known()[0]
    assert held.alive()

    holding.end(signal.SIGTERM)

    holding.until(lambda: not held.alive())


@pytest.mark.sandbox
def test_a_server_that_ended_while_nobody_held_it_is_forgotten(holding):
    holding.serve("ana", "import time; time.sleep(600)")
    held = Places(holding.root / "servers", holding.root / "sockets").known()[0]
    holding.end(signal.SIGKILL)
    os.kill(held.child, signal.SIGKILL)
    holding.start()

    assert not holding.running("ana")
    assert not list((holding.root / "servers").glob("*.json"))


@pytest.mark.sandbox
def test_what_cannot_be_started_is_said_and_leaves_nothing(holding):
    spec = {"command": ["/nowhere"], "log": str(holding.root / "logs" / "x.log"), "home": "/nowhere", "home_mb": 0}
    sandbox = {"binds": [{"source": "/nowhere", "target": "", "writable": True}], "env": {}, "limits": {}, "uid": 7}
    spec |= {"unsandboxed": False, "sandbox": {**sandbox, "door": [8000, "/run/labkit/door"]}}
    answer = holding.ask("PUT", "/servers/ana", json=spec)

    assert answer.status_code == 500 and "did not start" in answer.json()["error"]
    assert not holding.running("ana")


@pytest.mark.sandbox
def test_only_the_account_itself_can_ask_the_holder(holding):
    mode = (holding.root / "sockets" / "holder").stat().st_mode
    assert mode & 0o777 == 0o600


def test_a_pid_used_again_is_never_taken_for_a_server(tmp_path: Path):
    """Ours stands for somebody else's process that got the number."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        held = _held(tmp_path, child=stranger.pid, began=start_time(stranger.pid) - 1)
        held.end()
        assert not held.alive()
        with pytest.raises(subprocess.TimeoutExpired):  # a signal on its way is waited for
            stranger.wait(1)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_group_outlives_its_first_process_and_ends_with_its_server(tmp_path: Path):
    first = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess as s; print(s.Popen(['sleep', '60'], stdout=s.DEVNULL).pid, flush=True)",
        ],
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    began = start_time(first.pid)
    left_over = int(first.communicate()[0])
    assert start_time(left_over)
    _held(tmp_path, child=first.pid, began=began).end()

    for _ in range(100):
        if not start_time(left_over):
            break
        time.sleep(0.05)
    assert not start_time(left_over)


def test_what_an_earlier_holder_wrote_half_is_passed_over(tmp_path: Path):
    (tmp_path / "ana.json").write_text('{"name": "an')
    (tmp_path / "ben.json").write_text('{"unknown": 1}')

    assert Places(tmp_path, tmp_path).known() == []


def test_a_sockets_path_is_short_however_long_a_name_is(tmp_path: Path):
    path = Places(tmp_path, Path("/run/labkit-4294967294-0123456789ab")).door("n" * 64)
    assert len(str(path)) < 100


def test_a_folder_is_measured_without_following_links(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"x" * (3 << 20))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "link").symlink_to(tmp_path / "in")
    (tmp_path / "home" / "sparse").touch()
    os.truncate(tmp_path / "home" / "sparse", 1 << 40)

    assert folder_mb(tmp_path / "in", at_most=100) == pytest.approx(3, abs=0.1)
    assert folder_mb(tmp_path / "home", at_most=100) < 0.1


def test_a_log_is_cut_at_its_beginning(tmp_path: Path):
    log = tmp_path / "server.log"
    log.write_bytes(b"old" * (2 << 20) + b"last words")
    cut(log)

    assert log.stat().st_size == 0
    assert log.with_suffix(".log.1").read_bytes().endswith(b"last words")


def _held(folder: Path, *, child: int, began: int) -> Held:
    return Held("ana", child, child, began, str(folder / "s"), "", str(folder), str(folder / "log"), 0, 0)


async def test_a_look_that_fails_leaves_everybody_elses_limits_held(tmp_path: Path, caplog):
    class Broken:
        def look(self) -> str:
            raise OSError("No space left on device")

    class Full:
        def look(self) -> str:
            return "memory"

    holder = Holder(Places(tmp_path, tmp_path), {})
    people = [
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) for _ in "ab"
    ]
    for name, process, watch in zip(("ana", "ben"), people, (Broken(), Full()), strict=True):
        held = replace(_held(tmp_path, child=process.pid, began=start_time(process.pid)), name=name)
        holder._held[name], holder._watches[name] = held, watch
    task = asyncio.create_task(holder.watch())
    while holder.running("ben"):
        await asyncio.sleep(0.05)

    assert not task.done() and holder.running("ana")
    assert "ana" in caplog.text
    task.cancel()
    await holder.end_all()
    for process in people:
        process.wait()
