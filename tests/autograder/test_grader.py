"""From the queue to the score: a real store, queue, gradebook and sandbox; no model is needed."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from autograder.execute import LabkitExecute
from autograder.gateway_lane import GatewayLane
from autograder.grade import grade
from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.report import Report
from autograder.worker import service, work
from labkit.courses import Lab
from labkit.draw import key_for
from labkit.errors import LabkitError, ModelUnavailable, RequestRefused

pytestmark = [
    pytest.mark.sandbox,
    # nbgrader's own way with SQLAlchemy's sessions.
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))"


def hand_in(grader: Grader, source: str = RIGHT, who: str = "ana", lab: str = "clip", raw: bytes | None = None) -> str:
    notebook = json.loads((grader.build / "testing" / "learner" / "clip" / "clip.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["id"] == "clip":
            cell["source"] = source
    content = json.dumps(notebook).encode() if raw is None else raw
    return grader.store.receive(who, "testing", lab, {f"{lab}.ipynb": content}, [])[0].id


def test_a_submission_is_graded_recorded_and_written_down(grader: Grader):
    submission = hand_in(grader)
    assert grader.grade_next()
    score = grader.scores.get(submission)
    assert (score.score, score.max, score.manual_max) == (5.0, 5.0, 10.0)
    assert grader.store.get(submission).state == "graded"
    assert (grader.gradebooks["testing"].root / "autograded" / "ana" / "clip" / "clip.ipynb").exists()
    assert not grader.grade_next()


def test_each_learner_is_judged_by_the_key_that_the_sites_secret_makes_for_her(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
):
    keys = []

    def noted(lab: Lab, content: bytes, **words: Any) -> Report:
        keys.append(words["key"])
        return grade(lab, content, **words)

    monkeypatch.setattr("autograder.grader.grade", noted)
    grader.secret = b"of this site"
    for learner in ("ana", "ben"):
        grader.grade_notebook("testing", "clip", learner, b"{}")
    assert keys == [key_for(b"of this site", "testing", "clip", learner) for learner in ("ana", "ben")]


def test_the_reasons_are_in_the_learners_language(grader: Grader):
    english, filipino = hand_in(grader), hand_in(grader, who="ben")
    while grader.grade_next():
        pass
    reasons = [
        check["reason"]
        for one in (english, filipino)
        for item in grader.scores.get(one).report["items"]
        for check in item["checks"]
    ]
    assert len(reasons) == len(set(reasons))
    graded = grader.gradebooks["testing"].root / "autograded" / "ben" / "clip" / "clip.ipynb"
    assert json.loads(graded.read_text())["metadata"]["labkit"]["language"] == "fil"  # what her feedback page is in


@pytest.mark.parametrize(
    "raw", [b"", b"not json", b"[]", b'{"cells": 3}', b"\xff\xfe", b'{"cells": [], "nbformat": 2}']
)
def test_a_mangled_notebook_scores_nothing_and_stops_nobody_else(grader: Grader, raw: bytes):
    broken, good = hand_in(grader, raw=raw), hand_in(grader, who="ben")
    while grader.grade_next():
        pass
    assert grader.scores.get(broken).score == 0
    assert grader.scores.get(broken).report["notes"]
    assert grader.scores.get(good).score == 5


def test_our_fault_never_becomes_a_score(grader: Grader, monkeypatch: pytest.MonkeyPatch):
    fault = Report(score=0.0, max=5.0, items=(), fault="the model did not answer")
    monkeypatch.setattr(Grader, "grade_notebook", lambda *_: fault)
    submission = hand_in(grader)
    assert grader.grade_next()
    waiting = grader.store.get(submission)
    assert (waiting.state, waiting.tries) == ("queued", 1)
    assert grader.scores.get(submission) is None


def test_a_gradebook_that_cannot_be_written_is_written_later_and_nothing_is_graded_twice(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_args: object, **_words: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(CourseGradebook, "write", broken)
        submission = hand_in(grader)
        assert grader.grade_next()
    assert grader.store.get(submission).written is False
    assert grader.scores.get(submission).score == 5
    assert not grader.grade_next()
    grader.recover()
    assert grader.grade_next()
    assert grader.store.get(submission).written is True
    assert (grader.gradebooks["testing"].root / "autograded" / "ana" / "clip" / "clip.ipynb").exists()
    assert [line.why for line in grader.scores.history("ana", "testing", "clip")] == ["submitted"]


def test_a_notebook_that_cannot_be_fetched_is_ours_and_tried_again(grader: Grader, monkeypatch: pytest.MonkeyPatch):
    def broken(*_args: object) -> None:
        raise OSError("the disk is away")

    submission = hand_in(grader)
    with monkeypatch.context() as patch:
        patch.setattr(grader.store, "content", broken)
        grader.grade_next()
    assert grader.store.get(submission).state == "queued"
    assert grader.scores.get(submission) is None
    grader.recover()
    grader.grade_next()
    assert grader.scores.get(submission).score == 5


def test_what_a_crash_left_is_graded_at_the_next_start(grader: Grader):
    submission = hand_in(grader)
    grader.queue.take()
    wait_until_graded(grader, submission)


def wait_until_graded(grader: Grader, submission: str) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(grader, stop))
    thread.start()
    end = time.monotonic() + 60
    while grader.store.get(submission).state != "graded" and time.monotonic() < end:
        time.sleep(0.1)
    stop.set()
    thread.join()
    assert grader.scores.get(submission).score == 5


def test_a_database_that_is_away_at_the_start_is_waited_for(grader: Grader, monkeypatch: pytest.MonkeyPatch):
    submission, recover, asked = hand_in(grader), grader.queue.recover, []

    def away_at_first() -> int:
        asked.append(1)
        if len(asked) == 1:
            raise OperationalError("UPDATE", {}, Exception("the database system is starting up"))
        return recover()

    monkeypatch.setattr(grader.queue, "recover", away_at_first)
    wait_until_graded(grader, submission)
    assert len(asked) == 2


def test_a_database_that_goes_away_while_a_score_is_written_leaves_nothing_half_graded(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
):
    submission, record, failed = hand_in(grader), grader.scores.record, []

    def away(*_: object, **__: object) -> None:
        failed.append(1)
        raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    def away_once(*words: object, **more: object) -> bool:
        if not failed:
            away()
        return record(*words, **more)

    monkeypatch.setattr(grader.scores, "record", away_once)
    monkeypatch.setattr(grader.queue, "give_up", away)
    wait_until_graded(grader, submission)
    assert len(failed) == 2


def test_an_older_submission_graded_late_does_not_take_the_newer_ones_place(grader: Grader):
    older, newer = hand_in(grader, "def clip(x, low, high):\n    return low"), hand_in(grader)
    waiting = grader.queue.take()
    assert waiting.id == older
    grader.grade_next()
    grader.queue.again(older)
    grader.grade_next()
    assert grader.scores.get(older).score == 2
    assert grader.scores.latest("ana", "testing", "clip").submission == newer
    root = grader.gradebooks["testing"].root
    assert "return low" not in (root / "autograded" / "ana" / "clip" / "clip.ipynb").read_text()


def test_a_grade_given_by_hand_reaches_the_learners_total(grader: Grader):
    from nbgrader.api import Gradebook

    submission = hand_in(grader, source=RIGHT)
    grader.grade_next()
    with Gradebook(f"sqlite:///{grader.gradebooks['testing'].root / 'gradebook.db'}", "testing") as book:
        grade = book.find_grade("reflect", "clip", "clip", "ana")
        grade.manual_score, grade.needs_manual_grade = 7, False
        book.db.commit()
    grader.read_manual_grades()
    assert grader.scores.get(submission).total == 12


def test_a_course_that_is_not_taught_is_named(grader: Grader):
    with pytest.raises(LabkitError, match="LABKIT_TEACH"):
        grader.grade_notebook("nothing", "clip", "ana", b"{}")


class TestTheButton:
    """Formgrader's Autograde button asks over HTTP."""

    @pytest.fixture
    async def client(self, grader: Grader):
        transport = httpx.ASGITransport(service(grader, "the-key"))
        async with httpx.AsyncClient(transport=transport, base_url="http://grader") as client:
            yield client

    async def test_it_gives_the_same_report(self, client: httpx.AsyncClient, grader: Grader):
        notebook = grader.store.content(grader.store.get(hand_in(grader)))["clip.ipynb"].decode()
        body = {"course": "testing", "lab": "clip", "learner": "ana", "notebook": notebook}
        answer = await client.post("/grade", json=body, headers={"Authorization": "Bearer the-key"})
        assert Report.from_json(answer.json()).score == 5

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "the-key"}])
    async def test_without_the_key_nothing_is_graded(self, client: httpx.AsyncClient, headers: dict[str, str]):
        assert (await client.post("/grade", json={}, headers=headers)).status_code == 401

    async def test_its_health_is_open(self, client: httpx.AsyncClient):
        assert (await client.get("/health")).json() == {"status": "ok"}


class TestGatewayLane:
    def lane(self, answer: httpx.Response) -> GatewayLane:
        lane = GatewayLane("http://gateway/grading/", "key")
        lane._client.close()
        lane._client = httpx.Client(transport=httpx.MockTransport(lambda _request: answer))
        return lane

    def test_scores_and_answers_come_through(self):
        assert self.lane(httpx.Response(200, json={"scores": [[-1.0]]})).score(["p"], [" a"]) == [[-1.0]]
        said = {"choices": [{"message": {"content": "hello"}}]}
        assert self.lane(httpx.Response(200, json=said)).chat([{"role": "user", "content": "x"}]) == "hello"

    def test_a_refusal_keeps_its_class(self):
        refusal = {"error": {"code": "RequestRefused", "message": "A prompt is empty."}}
        with pytest.raises(RequestRefused, match="A prompt is empty"):
            self.lane(httpx.Response(400, json=refusal)).score([""], [" a"])

    def test_no_answer_is_the_platforms_fault(self):
        with pytest.raises(ModelUnavailable):
            self.lane(httpx.Response(502, text="<html>")).score(["p"], [" a"])


def test_nbgraders_place_for_execution_is_taken_by_ours():
    from autograder.configuration import config

    chosen = config(Path("/x"), "testing").Autograde.autograde_preprocessors
    assert chosen[0] == f"{LabkitExecute.__module__}.{LabkitExecute.__name__}"
    assert not [name for name in chosen if name.endswith(".Execute")]
