"""Where a run keeps what is its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from hub_config.state import State
from labkit.errors import OperatorError


@pytest.fixture
def state(tmp_path: Path):
    made = State(tmp_path)
    yield made
    if made.sockets.is_symlink() or made.sockets.is_file():
        made.sockets.unlink()
    shutil.rmtree(made.sockets, ignore_errors=True)


def test_the_folder_of_sockets_is_ours_alone_and_short(state: State):
    assert not state.sockets.exists()
    folder = state.make_sockets()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(str(folder)) < 60 and str(folder) == str(folder).lower()
    assert state.make_sockets() == folder


def _open_to_others(path: Path, _elsewhere: Path) -> None:
    path.mkdir(mode=0o755)


def _a_link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def _somebody_elses(path: Path, _elsewhere: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, 12345, 12345)


AMBUSHES = [_open_to_others, _a_link, *([_somebody_elses] if os.geteuid() == 0 else [])]


@pytest.mark.parametrize("ambush", AMBUSHES)
def test_a_folder_somebody_else_laid_there_first_is_refused(state: State, tmp_path: Path, ambush):
    ambush(state.sockets, tmp_path)

    with pytest.raises(OperatorError, match="not ours alone"):
        state.make_sockets()


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"hub": "x"}'])
def test_ports_that_a_crash_left_torn_are_chosen_anew(state: State, torn: str):
    (state.run / "ports.json").write_text(torn)

    assert set(state.choose_ports(("hub", "proxy"))) == {"hub", "proxy"}
    assert set(state.ports()) == {"hub", "proxy"}


def test_a_secret_is_its_owners_alone_and_stays(state: State):
    path = state.secret_file("cookie")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert state.secret("cookie") == state.secret("cookie") and len(state.secret("cookie")) == 64
