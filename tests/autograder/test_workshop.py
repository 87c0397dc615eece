"""A version is checked as the command line checks it, and released whole, known to the gradebook, or not at all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from autograder.gradebook import CourseGradebook
from autograder.proof import prove
from autograder.workshop import Bench
from labkit.courses import load_course
from labkit.courses.new import new_lab
from labkit.courses.overlay import KEPT
from labkit.courses.publish import publish, published
from labkit.courses.taught import Taught
from labkit.database import connect, migrate
from labkit.errors import PlatformFault
from labkit.submissions.release import Releases
from labkit.workshop import Workshop

pytestmark = [
    pytest.mark.sandbox,
    # nbgrader's own way with SQLAlchemy's sessions.
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]


@pytest.fixture
def bench(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    new_lab(tmp_path / "courses", "writing", "ratings", "Rate a service")
    course = load_course(tmp_path / "courses", "writing")
    (tmp_path / "build").mkdir()
    publish(course, tmp_path / "build")
    workshop = Workshop(engine, tmp_path / "workshop")
    workshop.follow(course)
    yield Bench(workshop, tmp_path / "build", {"writing": CourseGradebook(tmp_path / "nbgrader", "writing")})
    engine.dispose()


def send(bench: Bench, *changes: tuple[str, str], file: str = "ratings/lab.py"):
    newest = bench.workshop.newest("writing")
    files = bench.workshop.files(newest)
    text = files[file].decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return bench.workshop.receive("maria", "writing", newest.commit, {**files, file: text.encode()})


def test_a_version_that_holds_is_shown_and_released_to_learners_and_running_processes_follow(bench):
    clock = [0.0]
    taught = Taught(bench.build, [published(bench.build, "writing")], lambda: clock[0])
    before = taught[0].lab("ratings").release
    send(bench, ("Think it over", "Think twice"))
    assert bench.check_next()
    assert not bench.check_next()
    version = bench.workshop.newest("writing")
    assert (version.state, version.found["error"], version.found["findings"]) == ("holds", "", [])
    (lab,) = version.found["labs"]
    assert {one["name"]: one["ok"] for one in lab["bounds"]} == dict.fromkeys(
        ("reference", "starter", "another_way", "counts_the_missing"), True
    )
    assert version.found["previews"][0]["stops"] is None
    assert "Think twice" in (bench.workshop.previews(version) / "ratings.en.html").read_text()
    assert not bench.release_next()

    bench.workshop.ask_release("writing", version.number, "maria")
    assert bench.release_next()
    assert bench.workshop.released("writing").number == version.number
    assert b"Think twice" in Releases(bench.build).files("writing", "ratings")["ratings.ipynb"]
    assert taught[0].lab("ratings").release == before or clock[0] == 0
    clock[0] += 2
    assert taught.by_id["writing"].lab("ratings").release != before


def test_a_lab_that_is_as_it_was_checked_before_is_not_looked_at_again(bench, tmp_path, monkeypatch):
    send(bench, ('title = "Writing"', 'title = "Write"'), file="course.toml")
    newest, before = bench.workshop.versions("writing")
    was = bench.workshop.export(before, tmp_path / "before")
    same = prove(bench.workshop.export(newest, tmp_path / "now"), was, tmp_path, None)
    assert (same["ok"], same["labs"][0]["same"], same["previews"]) == (True, True, [])

    looked = []
    monkeypatch.setattr("autograder.proof._prove_lab", lambda lab, *_: looked.append(lab.id))
    for number, (name, content) in enumerate((("lab.py", b"# %%\n"), ("submissions/another_way.py", b"# score: 5\n"))):
        changed = bench.workshop.export(newest, tmp_path / str(number))
        (changed.lab("ratings").path / name).write_bytes(content)
        monkeypatch.setattr("autograder.proof.build", lambda *_: None)
        prove(changed, was, tmp_path, None)
    assert looked == ["ratings", "ratings"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("return sum(answered) / len(answered)", "return sum(answered) / len(ratings)", "reference"),
        ("### END SOLUTION", "### END", "ratings/lab.py:32: unknown mark"),
        ("### END SOLUTION", "### END", "(In the notebook: cell "),
    ],
)
def test_a_version_that_does_not_hold_says_why_by_file_and_line_and_is_not_released(bench, old, new, told):
    send(bench, (old, new))
    bench.check_next()
    version = bench.workshop.newest("writing")
    broken = [one["name"] for lab in version.found["labs"] for one in lab["bounds"] if not one["ok"]]
    said = json.dumps([version.found["error"], version.found["findings"], broken])
    assert version.state == "refused"
    assert told in said.replace("writing/", "")
    assert "/tmp" not in said
    assert not bench.workshop.ask_release("writing", version.number, "maria")
    assert not bench.release_next()


def test_a_check_that_ends_by_itself_is_tried_again_and_then_a_fault_of_ours(bench, monkeypatch):
    monkeypatch.setattr("autograder.workshop.Bench._proof", lambda *_: (_ for _ in ()).throw(PlatformFault("gone")))
    send(bench, ("Think it over", "Think twice"))
    assert [bench.check_next() for _ in range(4)] == [True, True, True, False]
    assert bench.workshop.newest("writing").state == "fault"


def test_what_the_gradebook_refuses_is_not_published(bench, monkeypatch):
    from labkit.errors import OperatorError

    def refuse(*_words):
        raise OperatorError("A test was added after learners handed in.", instead="Give the lab another id.")

    version = send(bench, ("Think it over", "Think twice"))
    bench.workshop.checked(bench.workshop.take(), "holds", {})
    bench.workshop.ask_release("writing", version.number, "maria")
    monkeypatch.setattr(CourseGradebook, "register", refuse)
    assert bench.release_next()
    assert "another id" in bench.workshop.version("writing", version.number).release_fault
    assert b"Think twice" not in Releases(bench.build).files("writing", "ratings")["ratings.ipynb"]
    assert bench.workshop.released("writing") is None


def test_what_is_checked_is_what_would_be_released_with_the_sites_overlay(bench, tmp_path, monkeypatch):
    version = bench.workshop.newest("writing")
    private = bench.build / KEPT / "writing" / "ratings" / "hidden" / "pool.txt"
    private.parent.mkdir(parents=True)
    private.write_text("private")
    seen, run = [], subprocess.run

    def look(command, **words):
        if "autograder.proof" not in command:
            return run(command, **words)
        job = json.loads(Path(command[-1]).read_text())
        seen.append((Path(job["now"]) / "writing" / "ratings" / "hidden" / "pool.txt").read_text())
        raise OSError("enough")

    monkeypatch.setattr("autograder.workshop.subprocess.run", look)
    with pytest.raises(OSError, match="enough"):
        bench._proof(version)
    assert seen == ["private"]
