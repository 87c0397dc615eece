"""What instructors released outlives a start; whoever runs the platform can read it, take it out, and take over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub_config import preparation, workshop
from hub_config.settings import Settings
from hub_config.state import State
from labkit.courses.new import new_lab
from labkit.database import connect, migrate
from labkit.errors import OperatorError
from labkit.submissions.release import Releases
from labkit.workshop import Workshop

pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")


@pytest.fixture
def platform(tmp_path: Path, monkeypatch):
    """The settings of one that has been started once, teaching a course of one lab."""
    new_lab(tmp_path / "courses", "writing", "ratings", "Rate a service")
    settings = {"HOME": tmp_path / "home", "COURSES": tmp_path / "courses", "TEACH": "writing"}
    for name, value in settings.items():
        monkeypatch.setenv(f"LABKIT_{name}", str(value))
    (tmp_path / "home").mkdir()
    made = Settings()
    migrate(made.database_url)
    return made, State(made.home)


def start(platform) -> list[str]:
    settings, state = platform
    told: list[str] = []
    preparation._publish(settings, state, told.append)
    return told


def released_text(platform) -> bytes:
    return Releases(platform[1].build).files("writing", "ratings")["ratings.ipynb"]


@pytest.fixture
def shop(platform):
    engine = connect(platform[0].database_url)
    yield Workshop(engine, platform[1].workshop)
    engine.dispose()


def send_and_release(shop: Workshop, new: bytes) -> None:
    newest = shop.newest("writing")
    files = shop.files(newest)
    text = files["ratings/lab.py"].replace(b"Think it over", new)
    sent = shop.receive("maria", "writing", newest.commit, {**files, "ratings/lab.py": text})
    shop.checked(shop.take(), "holds", {})
    assert shop.ask_release("writing", sent.number, "maria")
    shop.mark_released(shop.take_release())


def edit_folder(platform, new: str, old: str = "Think it over") -> None:
    file = platform[0].courses / "writing/ratings/lab.py"
    file.write_text(file.read_text().replace(old, new))


def test_the_folder_is_the_source_until_a_version_is_released_and_then_that_version_is(platform, shop):
    start(platform)
    edit_folder(platform, "Think at home")
    assert not any("workshop" in line for line in start(platform))
    assert b"Think at home" in released_text(platform)
    assert b"Think at home" in shop.files(shop.newest("writing"))["ratings/lab.py"]

    edit_folder(platform, "Think it over", "Think at home")
    start(platform)
    send_and_release(shop, b"Think twice")
    told = start(platform)
    assert b"Think twice" in released_text(platform)
    assert any("version 4 of the workshop" in line and "not read any more" in line for line in told)


def test_without_git_courses_are_still_taught_and_it_says_what_is_missing(platform, monkeypatch, tmp_path):
    monkeypatch.setattr("labkit.workshop.repository._PATH", str(tmp_path))
    assert any("apt install git" in line for line in start(platform))
    assert b"Think it over" in released_text(platform)


def test_the_command_lists_takes_out_and_takes_over(platform, shop, tmp_path, capsys):
    start(platform)
    assert workshop.versions(["writing"]) == 0
    assert "Learners have what stands in" in capsys.readouterr().out.replace("\n", " ")
    send_and_release(shop, b"Think twice")
    assert workshop.versions(["writing", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["released"] == 2
    assert [(one["made_by"], one["released_by"]) for one in told["versions"]] == [("maria", "maria"), (None, None)]

    assert workshop.versions(["writing", "--to", str(tmp_path / "out")]) == 0
    assert b"Think twice" in (tmp_path / "out/writing/ratings/lab.py").read_bytes()
    with pytest.raises(OperatorError, match="written over"):
        workshop.versions(["writing", "--to", str(tmp_path / "out")])
    with pytest.raises(OperatorError, match="no such version"):
        workshop.versions(["writing", "--to", str(tmp_path / "new"), "--number", "9"])

    edit_folder(platform, "Think as the office says")
    assert workshop.versions(["writing", "--adopt"]) == 0
    assert b"Think as the office says" in released_text(platform)
    start(platform)
    assert b"Think as the office says" in released_text(platform)
    assert shop.newest("writing").number == 3
