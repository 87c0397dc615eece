"""Of whoever was erased nothing is graded, signed or shown again."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from labkit.courses import Lab
from labkit.database.tables import submissions
from labkit.programme.people import Membership, Person, provision
from labkit.programme.privacy.erase import Erased, erase
from labkit.submissions.batches import Batches, newest
from labkit.submissions.queue import Queue
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store, Submission

LAB = Lab("testing", "clip", "Clip", Path())
REPORT = {"score": 1.0, "max": 2.0, "items": [], "fault": None}


@pytest.fixture
def handed_in(engine: Engine, store: Store) -> Submission:
    people = [Person(name, f"{name}@example.org", name, "X") for name in ("ana", "ben")]
    provision(engine, people, [Membership(one.username, "first", "testing", "learner") for one in people])
    receipt, _ = store.receive("ana", "testing", "clip", {"clip.ipynb": b"hers"}, [])
    Scores(engine).record(receipt.id, REPORT, 0.0, written=False)
    return store.get(receipt.id)


def erased(engine: Engine) -> Erased:
    return erase(engine, "ana", ())


def test_a_lab_graded_again_leaves_her_out(engine: Engine, handed_in: Submission):
    assert newest(engine, LAB) == (handed_in.id,)
    erased(engine)
    assert newest(engine, LAB) == ()
    batches = Batches(engine)
    assert batches.progress(batches.begin(LAB).id).total == 0
    assert Queue(engine).take() is None
    assert Queue(engine).take_unwritten() is None


def test_a_grader_that_saw_her_work_just_before_does_not_get_it(engine: Engine, handed_in: Submission):
    """Between its look and its claim the erasure is over, as PostgreSQL lets it happen: the claim waits for our lock
    and then meets another row than it saw."""
    looked = []

    def change(row) -> dict[str, object]:
        looked.append(row["username"])
        with engine.begin() as other:
            if len(looked) == 1:
                values = {"digest": "erased-0", "username": "erased-0"}
                other.execute(update(submissions).where(submissions.c.id == handed_in.id).values(values))
        return {}

    if engine.dialect.name == "sqlite":  # one writer at a time: it cannot come in between
        erased(engine)
        assert Queue(engine).take_unwritten() is None
        return
    query = select(submissions).where(submissions.c.digest == handed_in.digest)
    assert Queue(engine)._claim(query, change) is None
    assert looked == ["ana"]


def test_her_receipt_is_not_signed_anew(engine: Engine, store: Store, handed_in: Submission):
    done = erased(engine)
    assert store.keep_signatures() == 0
    (left,) = store.of_person(done.pseudonym)
    assert store.receipt(left).signature == ""
    assert left.files == {}


def test_a_manual_grade_that_comes_late_finds_nobody(engine: Engine, handed_in: Submission):
    done = erased(engine)
    scores = Scores(engine)
    scores.set_manual("ana", "testing", "clip", 5.0)
    assert scores.latest(done.pseudonym, "testing", "clip").manual_score is None
