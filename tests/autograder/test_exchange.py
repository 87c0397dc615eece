"""nbgrader's Exchange plugin, as the Assignment List calls it, against a double of the learner's desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeError, ExchangeFactory
from traitlets.config import Config

from autograder import exchange
from labkit.errors import SubmissionRefused

NAMES = {
    "exchange": "Exchange",
    "list": "ExchangeList",
    "submit": "ExchangeSubmit",
    "collect": "ExchangeCollect",
    "fetch_assignment": "ExchangeFetchAssignment",
    "fetch_feedback": "ExchangeFetchFeedback",
    "release_assignment": "ExchangeReleaseAssignment",
    "release_feedback": "ExchangeReleaseFeedback",
}
RECEIPT = {"id": "1", "username": "ana", "received_at": "2026-11-22T03:04:05.000+00:00"}


class Desk:
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []

    def courses(self):
        labs = [{"id": "clip", "title": "Clip"}, {"id": "linear", "title": "Linear"}]
        return [{"id": "testing", "title": "T", "labs": labs}, {"id": "other", "title": "O", "labs": labs[:1]}]

    def fetch(self, course: str, lab: str, folder: Path):
        self.asked.append(("fetch", course, lab, folder))
        return []

    def submit(self, course: str, lab: str, folder: Path):
        self.asked.append(("submit", course, lab, folder))
        if not (folder / f"{lab}.ipynb").exists():
            raise SubmissionRefused("There is no notebook.", instead="Save it first.")
        return RECEIPT

    def submissions(self, course: str, lab: str):
        return [{"receipt": RECEIPT, "state": "graded", "score": None}] if lab == "clip" else []


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(exchange.Desk, "from_environment", lambda: desk)
    return desk


@pytest.fixture
def config(tmp_path: Path) -> Config:
    c = Config()
    for trait, name in NAMES.items():
        c.ExchangeFactory[trait] = f"autograder.exchange.{name}"
    c.Exchange.assignment_dir = str(tmp_path)
    return c


def part(config: Config, name: str, course: str = "testing", lab: str = "clip"):
    config.CourseDirectory.course_id, config.CourseDirectory.assignment_id = course, lab
    factory = ExchangeFactory(config=config)
    return getattr(factory, name)(coursedir=CourseDirectory(config=config), authenticator=None, config=config)


def test_the_factory_takes_every_class_of_ours(config: Config):
    factory = ExchangeFactory(config=config)
    for trait, name in NAMES.items():
        assert getattr(factory, trait) is getattr(exchange, name)


def test_fetch_puts_the_lab_into_its_course_and_folder(config: Config, desk: Desk, tmp_path: Path):
    part(config, "FetchAssignment").start()
    assert desk.asked == [("fetch", "testing", "clip", tmp_path / "testing" / "clip")]


def test_submit_hands_the_folder_in(config: Config, desk: Desk, tmp_path: Path):
    folder = tmp_path / "testing" / "clip"
    folder.mkdir(parents=True)
    (folder / "clip.ipynb").write_text("{}")
    part(config, "Submit").start()
    assert desk.asked == [("submit", "testing", "clip", folder)]


def test_a_refusal_is_told_as_the_exchanges_error(config: Config, desk: Desk):
    with pytest.raises(ExchangeError, match="Save it first"):
        part(config, "Submit").start()


@pytest.mark.parametrize(("course", "count"), [("", 3), ("testing", 2), ("other", 1), ("nothing", 0)])
def test_released_labs_are_listed_by_course(config: Config, desk: Desk, tmp_path: Path, course: str, count: int):
    (tmp_path / "testing" / "clip").mkdir(parents=True)
    (tmp_path / "testing" / "clip" / "clip.ipynb").write_text("{}")
    listed = part(config, "List", course=course, lab="").start()
    assert len(listed) == count
    for one in listed:
        fetched = (one["course_id"], one["assignment_id"]) == ("testing", "clip")
        assert one["status"] == ("fetched" if fetched else "released")
        assert one["notebooks"][0]["notebook_id"] == one["assignment_id"]


def test_submitted_labs_are_listed_with_when_they_arrived(config: Config, desk: Desk):
    config.ExchangeList.cached = True
    listed = part(config, "List", lab="").start()
    assert [(one["assignment_id"], one["student_id"]) for one in listed] == [("clip", "ana")]
    assert listed[0]["submissions"][0]["timestamp"] == RECEIPT["received_at"]


@pytest.mark.parametrize("name", ["ReleaseAssignment", "Collect", "ReleaseFeedback", "FetchFeedback"])
def test_what_has_no_place_here_says_what_to_do_instead(config: Config, desk: Desk, name: str):
    with pytest.raises(ExchangeError, match=r"\w+ \w+"):
        part(config, name).start()
    assert desk.asked == []


def test_nothing_handed_in_can_be_removed(config: Config, desk: Desk):
    config.ExchangeList.remove = True
    with pytest.raises(ExchangeError, match="is kept"):
        part(config, "List", lab="").start()
