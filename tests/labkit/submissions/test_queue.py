"""The grading queue and the scores that come out of it."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from labkit.submissions.queue import HOUR, PAUSES, Queue
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

REPORT = {"score": 3.0, "max": 5.0, "items": [], "fault": None}


@pytest.fixture
def queue(engine: Engine) -> Queue:
    return Queue(engine)


def hand_in(store: Store, content: bytes = b"1", who: str = "ana") -> str:
    return store.receive(who, "testing", "clip", {"clip.ipynb": content}, [])[0].id


def test_who_came_first_is_graded_first(store: Store, queue: Queue):
    ids = [hand_in(store, bytes([number])) for number in range(3)]
    assert [queue.take().id for _ in ids] == ids
    assert queue.take() is None


def test_people_take_turns_so_that_many_of_one_hold_up_nobody(store: Store, queue: Queue):
    many = [hand_in(store, bytes([number]), "ana") for number in range(3)]
    one = hand_in(store, b"x", "ben")
    assert [queue.take().id for _ in range(4)] == [many[0], one, *many[1:]]


def test_a_submission_is_taken_by_one_worker(store: Store, queue: Queue):
    for number in range(8):
        hand_in(store, bytes([number]))
    taken: list[str] = []

    def work() -> None:
        while (one := queue.take()) is not None:
            taken.append(one.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 8


def test_what_a_crash_left_half_graded_waits_again(store: Store, queue: Queue):
    submission = hand_in(store)
    queue.take()
    assert queue.take() is None
    assert queue.recover() == 1
    assert queue.take().id == submission


def test_what_a_process_held_that_died_beside_us_waits_again_and_no_pause_is_cut_short(
    engine: Engine, store: Store, queue: Queue
):
    dead, paused = Queue(engine), hand_in(store, b"p")
    queue.give_up(queue.take())
    taken = hand_in(store, b"t")
    assert dead.take().id == taken
    assert queue.take_back() == 0  # it lives as far as anybody knows
    assert queue.take() is None
    assert queue.take_back(alive=lambda name, _since: name != dead.holder) == 1
    assert queue.take().id == taken
    assert store.get(paused).state == "queued" and queue.take() is None


def test_our_fault_is_tried_again_after_longer_and_longer_pauses_and_never_forgotten(engine: Engine, store: Store):
    clock = [datetime.now(UTC)]
    queue = Queue(engine, now=lambda: clock[0])
    submission = hand_in(store)
    for pause in PAUSES:
        queue.give_up(queue.take())
        assert store.get(submission).state == "queued"
        clock[0] += timedelta(seconds=pause - 1)
        assert queue.take() is None
        clock[0] += timedelta(seconds=1)
    queue.give_up(queue.take())
    assert store.get(submission).state == "fault"
    clock[0] += timedelta(seconds=HOUR)
    assert queue.take().id == submission


def test_a_submission_that_waits_after_our_fault_holds_up_nobody(store: Store, queue: Queue):
    hand_in(store)
    queue.give_up(queue.take())
    other = hand_in(store, b"2")
    assert queue.take().id == other


@pytest.mark.parametrize("wake", [lambda queue, _: queue.recover(), lambda queue, one: queue.again(one)])
def test_a_new_start_or_a_person_ends_the_pause(store: Store, queue: Queue, wake):
    submission = hand_in(store)
    queue.give_up(queue.take())
    assert queue.take() is None
    wake(queue, submission)
    assert queue.take().id == submission


def test_a_score_and_the_state_are_written_together(store: Store, queue: Queue, engine: Engine):
    submission = hand_in(store)
    queue.take()
    scores = Scores(engine)
    scores.record(submission, REPORT, manual_max=10)
    assert store.get(submission).state == "graded"
    score = scores.get(submission)
    assert (score.total, score.total_max, score.report) == (3.0, 15.0, REPORT)
    assert queue.recover() == 0


def test_a_score_for_no_submission_writes_nothing(engine: Engine):
    scores = Scores(engine)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        scores.record("0" * 32, REPORT, manual_max=0)
    assert scores.of_course("testing") == ()


def test_grading_again_replaces_the_score(store: Store, engine: Engine):
    submission = hand_in(store)
    scores = Scores(engine)
    scores.record(submission, REPORT, 0)
    scores.record(submission, {**REPORT, "score": 5.0}, 0)
    assert scores.get(submission).score == 5.0


def test_a_manual_grade_joins_the_total_of_the_newest_submission(store: Store, engine: Engine):
    scores = Scores(engine)
    old, new = hand_in(store, b"1"), hand_in(store, b"2")
    for submission in (old, new):
        scores.record(submission, REPORT, 10)
    scores.set_manual("ana", "testing", "clip", 8)
    assert scores.latest("ana", "testing", "clip").total == 11
    assert scores.get(old).manual_score is None
    scores.set_manual("ana", "testing", "clip", None)
    assert scores.latest("ana", "testing", "clip").total == 3


def test_a_manual_grade_for_nothing_handed_in_changes_nothing(engine: Engine):
    Scores(engine).set_manual("ana", "testing", "clip", 8)
    assert Scores(engine).latest("ana", "testing", "clip") is None


def test_a_course_shows_each_learners_latest_score(store: Store, engine: Engine):
    scores = Scores(engine)
    for who, content, points in (("ana", b"1", 1.0), ("ana", b"2", 2.0), ("ben", b"1", 4.0)):
        scores.record(hand_in(store, content, who), {**REPORT, "score": points}, 0)
    assert {(one.username, one.score) for one in scores.of_course("testing")} == {("ana", 2.0), ("ben", 4.0)}


def test_recovery_leaves_a_living_workers_submission_alone(engine, store):
    mine, other = Queue(engine), Queue(engine)
    submission, _ = store.receive("ana", "testing", "clip", {"clip.ipynb": b"1"}, [])
    mine.take()
    assert other.recover() == 0
    assert store.get(submission.id).state == "grading"
    assert other.recover(alive=lambda *_: False) == 1
    assert other.take().id == submission.id
