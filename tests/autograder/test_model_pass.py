"""From the queue through both passes to the score, with recordings, a model that goes away, and the button."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from autograder import worker
from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.recordings import Identity, RecordedLane
from autograder.worker import service
from labkit.courses import build, load_course
from labkit.database import connect, migrate
from labkit.errors import ModelUnavailable
from labkit.programme.people import Person, provision
from labkit.submissions import waiting
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]
TOML = 'title = "T"\n[[labs]]\nid = "one"\ntitle = "One"\nlimits = {seconds = 10, memory_mb = 512}\n'
TEXT = """\
# %% [markdown]
# # One
# %% solution="ask"
def ask(message):
    ### BEGIN SOLUTION
    import labkit
    return labkit.score(message, [" yes"])
    ### END SOLUTION
# %% test="code" points=1
assert callable(ask)
# %% test="model" points=2
check("asks", ask("hello") == [5.0], points=2)
"""
RIGHT = 'import labkit\ndef ask(message):\n    return labkit.score(message, [" yes"])'


class Model:
    def __init__(self) -> None:
        self.asked, self.away = 0, False

    def score(self, prompts, choices, model=None):
        self._here()
        self.asked += 1
        return [[float(len(prompt)) for _ in choices] for prompt in prompts]

    def chat(self, messages, **options):
        raise AssertionError("nobody chats here")

    def identity(self):
        self._here()
        return {"backend": "a model"}

    def _here(self):
        if self.away:
            raise ModelUnavailable("The model is away.")


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def grader(tmp_path: Path, model: Model, warm) -> Grader:
    folder = tmp_path / "courses" / "c" / "one"
    folder.mkdir(parents=True)
    (folder.parent / "course.toml").write_text(TOML)
    (folder / "lab.py").write_text(TEXT)
    course = load_course(tmp_path / "courses", "c")
    build(course, tmp_path / "build" / "c")
    gradebook = CourseGradebook(tmp_path / "nbgrader" / "c", "c")
    gradebook.register("one", tmp_path / "build" / "c" / "grader" / "one" / "one.ipynb")
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    provision(engine, [Person(name, f"{name}@example.org", name, "X") for name in ("ana", "ben")], ())
    yield Grader(
        engine=engine,
        courses={"c": course},
        build=tmp_path / "build",
        gradebooks={"c": gradebook},
        store=Store(engine, Blobs(tmp_path / "blobs"), Signer(tmp_path / "receipts.pem")),
        queue=Queue(engine),
        scores=Scores(engine),
        lane=RecordedLane(model, engine, Identity(model.identity, engine)),
        warm=warm,
    )
    engine.dispose()


def hand_in(grader: Grader, who: str = "ana", source: str = RIGHT) -> str:
    notebook = json.loads((grader.build / "c" / "learner" / "one" / "one.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["id"] == "ask":
            cell["source"] = source
    return grader.store.receive(who, "c", "one", {"one.ipynb": json.dumps(notebook).encode()}, [])[0].id


def finish(grader: Grader) -> None:
    while grader.grade_next():
        pass


def test_code_is_judged_at_once_and_the_model_after_everybodys_first_pass(grader: Grader, model: Model):
    ana, ben = hand_in(grader), hand_in(grader, "ben", f"{RIGHT}\n# ben")
    for one in (ana, ben):
        assert grader.grade_next()
        score, waits = grader.scores.get(one), grader.store.get(one)
        assert (score.score, score.max, waits.state, waits.asks_model) == (1, 1, "queued", True)
        assert grader.scores.history(waits.username, "c", "one") == ()
        assert not (grader.gradebooks["c"].root / "autograded" / waits.username).exists()
    assert model.asked == 0
    assert grader.grade_next()
    score, done = grader.scores.get(ana), grader.store.get(ana)
    assert (score.score, score.max, done.state, done.asks_model, done.written) == (3, 3, "graded", False, True)
    line = grader.scores.history("ana", "c", "one")[0]
    assert line.seconds is not None
    assert line.release == grader.courses["c"].lab("one").release == score.release
    assert waiting.minutes(grader.engine, grader.store.get(ben)) == 1


def test_one_grader_of_several_is_kept_for_whoever_hands_in_now(grader: Grader, model: Model):
    """However much waits for the model: what needs none is told within seconds."""
    express = replace(grader, fresh=True, queue=Queue(grader.engine))
    first = hand_in(grader)
    assert express.grade_next()
    assert not express.grade_next(), "the pass with the model is the others'"
    second = hand_in(grader, "ben", f"{RIGHT}\n# ben")
    assert express.grade_next()
    assert [grader.store.get(one).asks_model for one in (first, second)] == [True, True]
    assert model.asked == 0
    finish(grader)
    assert [grader.scores.get(one).score for one in (first, second)] == [3, 3]


def test_a_worker_with_several_threads_keeps_one_for_that(grader: Grader, monkeypatch):
    started: list[Grader] = []
    monkeypatch.setattr(worker, "work", lambda one, _stop: started.append(one))
    monkeypatch.setattr(worker, "follow", lambda *_: None)
    monkeypatch.setattr(worker, "_boot", lambda *_: None)
    for number in (1, 2, 4):
        started.clear()
        worker._start(grader, number, threading.Event())
        deadline = time.monotonic() + 10
        while len(started) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sorted(one.fresh for one in started) == [False] * (number - (number > 1)) + [True] * (number > 1)
        assert len({one.queue.holder for one in started}) == number


def test_a_model_that_is_away_leaves_the_code_score_and_the_submission_waiting(grader: Grader, model: Model):
    model.away = True
    submission = hand_in(grader)
    assert grader.grade_next()
    assert grader.grade_next()
    score, waits = grader.scores.get(submission), grader.store.get(submission)
    assert (score.score, waits.state, waits.asks_model, waits.tries) == (1, "queued", True, 1)
    model.away = False
    grader.recover()
    finish(grader)
    assert grader.scores.get(submission).score == 3


def test_a_regrade_replays_everything_with_the_model_away_and_has_a_line(grader: Grader, model: Model):
    submission = hand_in(grader)
    finish(grader)
    model.away, asked = True, model.asked
    grader.queue.again(submission)
    assert grader.grade_next()
    assert grader.scores.get(submission).score == 3
    assert model.asked == asked
    assert [line.why for line in grader.scores.history("ana", "c", "one")] == ["regrade", "submitted"]


def test_a_crash_in_the_second_pass_repeats_that_pass_alone(grader: Grader):
    submission = hand_in(grader)
    grader.grade_next()
    grader.queue.take()
    assert grader.recover() == 1
    assert grader.store.get(submission).asks_model
    finish(grader)
    assert len(grader.scores.history("ana", "c", "one")) == 1


async def test_after_formgraders_button_the_platforms_score_is_nbgraders_and_replayed(grader: Grader, model: Model):
    submission = hand_in(grader)
    finish(grader)
    asked = model.asked
    source = grader.courses["c"].lab("one").path / "lab.py"
    source.write_text(TEXT.replace("points=2", "points=4"))
    notebook = grader.store.content(grader.store.get(submission))["one.ipynb"].decode()
    body = {"course": "c", "lab": "one", "learner": "ana", "notebook": notebook}
    transport = httpx.ASGITransport(service(grader, "the-key"))
    async with httpx.AsyncClient(transport=transport, base_url="http://grader") as client:
        told = (await client.post("/grade", json=body, headers={"Authorization": "Bearer the-key"})).json()
    assert told["score"] == 5 == grader.scores.get(submission).score
    assert model.asked == asked
    lines = grader.scores.history("ana", "c", "one")
    assert [line.why for line in lines] == ["button", "submitted"]
    assert lines[0].release != lines[1].release


async def test_the_button_records_nothing_for_work_that_is_not_graded_yet(grader: Grader):
    submission = hand_in(grader)
    grader.grade_next()
    report = grader.grade_by_hand("c", "one", "ana", grader.store.content(grader.store.get(submission))["one.ipynb"])
    assert report.score == 3
    assert grader.scores.history("ana", "c", "one") == ()
    assert grader.store.get(submission).asks_model
