"""A grading process is killed where it hurts; what it left is finished by the next, and graded once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.warm import Warm
from labkit.courses import build, load_course
from labkit.database import connect, migrate
from labkit.programme.people import Person, provision
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

COURSES = Path(__file__).parents[2] / "courses"
RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))"
# A grading process that dies by its own hand at one point: WHAT.NAME is the call, WHEN before or after it.
PROCESS = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_exactly_once import a_grader
from autograder.gradebook import CourseGradebook
from labkit.submissions.queue import Queue
from labkit.submissions.scores import Scores

grader = a_grader(Path(sys.argv[2]))
owner, name, when = {"Scores": Scores, "Queue": Queue, "CourseGradebook": CourseGradebook}[sys.argv[3]], *sys.argv[4:6]
real = getattr(owner, name)

def deadly(*words, **more):
    if when == "after":
        real(*words, **more)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, deadly)
grader.grade_next()
"""

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]


class NoModel:
    def score(self, prompts, choices, model=None):
        raise AssertionError("this lab asks no model")

    chat = score


def a_grader(root: Path, warm: Warm | None = None) -> Grader:
    engine = connect(f"sqlite:///{root / 'labkit.sqlite'}")
    return Grader(
        engine=engine,
        courses={"testing": load_course(COURSES, "testing")},
        build=root / "build",
        gradebooks={"testing": CourseGradebook(root / "nbgrader" / "testing", "testing")},
        store=Store(engine, Blobs(root / "blobs"), Signer(root / "receipts.pem")),
        queue=Queue(engine),
        scores=Scores(engine),
        lane=NoModel(),
        warm=warm or Warm(),
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    build(load_course(COURSES, "testing"), root / "build" / "testing")
    gradebook = CourseGradebook(root / "nbgrader" / "testing", "testing")
    gradebook.register("clip", root / "build" / "testing" / "grader" / "clip" / "clip.ipynb")
    migrate(f"sqlite:///{root / 'labkit.sqlite'}")
    engine = connect(f"sqlite:///{root / 'labkit.sqlite'}")
    provision(engine, (Person("ana", "ana@example.org", "Ana", "Cruz"),), ())
    engine.dispose()
    return root


@pytest.fixture
def root(prepared: Path, tmp_path: Path) -> Path:
    shutil.copytree(prepared, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def grader(root: Path, warm: Warm) -> Grader:
    grader = a_grader(root, warm)
    yield grader
    grader.engine.dispose()


def hand_in(grader: Grader, number: int = 0) -> str:
    notebook = json.loads((grader.build / "testing" / "learner" / "clip" / "clip.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["id"] == "clip":
            cell["source"] = f"{RIGHT}\n# {number}"
    return grader.store.receive("ana", "testing", "clip", {"clip.ipynb": json.dumps(notebook).encode()}, [])[0].id


def nbgraders_score(grader: Grader) -> float:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{grader.gradebooks['testing'].root / 'gradebook.db'}", "testing") as book:
        return book.find_submission("clip", "ana").score


@pytest.mark.parametrize(
    ("what", "name", "when", "recorded"),
    [
        ("Queue", "take", "after", False),
        ("Scores", "record", "before", False),
        ("Scores", "record", "after", True),
        ("CourseGradebook", "write", "before", True),
        ("CourseGradebook", "write", "after", True),
        ("Queue", "wrote", "before", True),
        ("Queue", "wrote", "after", True),
    ],
)
def test_a_grader_killed_at_any_point_leaves_one_grading_and_one_score_with_nbgrader(
    grader: Grader, root: Path, what: str, name: str, when: str, recorded: bool
):
    submission = hand_in(grader)
    here = str(Path(__file__).parent)
    ended = subprocess.run([sys.executable, "-c", PROCESS, here, str(root), what, name, when], timeout=120)
    assert ended.returncode == -9
    assert (grader.scores.get(submission) is not None) == recorded
    lines = grader.scores.history("ana", "testing", "clip")

    grader.recover()
    while grader.grade_next():
        pass
    after = grader.scores.history("ana", "testing", "clip")
    assert len(after) == 1
    assert not recorded or after == lines
    done = grader.store.get(submission)
    assert (done.state, done.written, grader.scores.get(submission).score) == ("graded", True, 5)
    assert nbgraders_score(grader) == 5


def test_two_graders_at_once_grade_each_submission_once(grader: Grader, root: Path):
    ids = [hand_in(grader, number) for number in range(4)]
    graders = [grader, a_grader(root, grader.warm)]

    def work(one: Grader) -> None:
        one.recover()
        while one.grade_next():
            one.recover()

    threads = [threading.Thread(target=work, args=(one,)) for one in graders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = grader.scores.history("ana", "testing", "clip")
    assert sorted(line.submission for line in lines) == sorted(ids)
    assert all(grader.store.get(one).written for one in ids)
    graders[1].engine.dispose()


def test_a_grader_that_lost_its_submission_to_another_writes_nothing(grader: Grader, root: Path):
    submission, other = hand_in(grader), a_grader(root, grader.warm)
    grader.queue.take()
    assert other.queue.recover(alive=lambda *_: False) == 1
    taken = other.queue.take()
    report = {"score": 1.0, "max": 5.0, "items": [], "fault": None}
    assert not grader.scores.record(submission, report, 0, holder=grader.queue.holder)
    assert grader.scores.get(submission) is None
    grader.queue.give_up(taken)
    assert grader.store.get(submission).state == "grading"
    assert other.scores.record(submission, report, 0, holder=other.queue.holder)
    other.engine.dispose()
