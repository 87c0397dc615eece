"""One submission, graded from the queue, by nbgrader's command line and by formgrader's button: the same points."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.bounds import with_answers
from autograder.configuration import config
from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.lane import Later
from autograder.worker import service
from labkit.courses import build, load_attempts, load_course
from labkit.database import connect, migrate
from labkit.programme.people import Person, provision
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

pytestmark = [
    pytest.mark.sandbox,
    # nbgrader's own way with SQLAlchemy's sessions.
    pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning"),
]
COURSE = load_course(Path(__file__).parents[2] / "courses", "testing")
CLIP = COURSE.lab("clip")
ATTEMPTS = {attempt.name: attempt.answers for attempt in load_attempts(CLIP)}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course `testing` built, and its lab clip registered in nbgrader/testing."""
    root = tmp_path_factory.mktemp("three-ways")
    build(COURSE, root / "build" / "testing")
    notebook = root / "build" / "testing" / "grader" / "clip" / "clip.ipynb"
    CourseGradebook(root / "nbgrader" / "testing", "testing").register("clip", notebook)
    return root


@pytest.fixture
def grader(prepared: Path, tmp_path: Path, warm) -> Iterator[Grader]:
    shutil.copytree(prepared / "nbgrader", tmp_path / "queue")
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    provision(engine, (Person("ana", "ana@example.org", "Ana", "Cruz"),), ())
    yield Grader(
        engine=engine,
        courses={"testing": COURSE},
        build=prepared / "build",
        gradebooks={"testing": CourseGradebook(tmp_path / "queue" / "testing", "testing")},
        store=Store(engine, Blobs(tmp_path / "blobs"), Signer(tmp_path / "receipts.pem")),
        queue=Queue(engine),
        scores=Scores(engine),
        lane=Later(),
        warm=warm,
    )
    engine.dispose()


@pytest.fixture
def url(grader: Grader) -> Iterator[str]:
    """The address of the running grading service."""
    app = uvicorn.Config(service(grader, "the-key"), log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(app)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def hand_in(grader: Grader, answers: dict[str, str]) -> None:
    released = json.loads((grader.build / "testing" / "learner" / "clip" / "clip.ipynb").read_text())
    notebook = with_answers(released, {**answers, "reflect": "Where a <b>reward</b> has no bounds."})
    grader.store.receive("ana", "testing", "clip", {"clip.ipynb": json.dumps(notebook).encode()}, [])


def points(root: Path) -> dict[str, tuple[float | None, float | None, float, bool]]:
    """Every cell of ana's, as nbgrader's gradebook has it."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "testing") as book:
        grades = book.find_submission_notebook("clip", "clip", "ana").grades
        return {one.name: (one.auto_score, one.manual_score, one.max_score, one.needs_manual_grade) for one in grades}


def by_command(root: Path, url: str, key: Path) -> None:
    """`nbgrader autograde` with our configuration, as a file of it would be written."""
    (root / "nbgrader_config.py").write_text(
        "from pathlib import Path\nfrom autograder.configuration import config\nc = get_config()\n"
        f"c.merge(config(Path({str(root)!r}), 'testing'))\n"
        f"c.LabkitExecute.grader_url, c.LabkitExecute.grader_key_file = {url!r}, {str(key)!r}\n"
    )
    command = [sys.executable, "-m", "nbgrader", "autograde", "clip", "--student", "ana"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def by_button(root: Path, url: str, key: Path) -> None:
    """What formgrader's Autograde button calls."""
    c = config(root, "testing")
    c.LabkitExecute.grader_url, c.LabkitExecute.grader_key_file = url, str(key)
    done = NbGraderAPI(coursedir=CourseDirectory(config=c), config=c).autograde("clip", "ana")
    assert done["success"], done


@pytest.mark.parametrize("name", ["sorted_middle", "only_the_examples", "rounds_the_middle", "stops_the_program"])
def test_three_ways_give_every_cell_the_same_points(
    grader: Grader, prepared: Path, url: str, tmp_path: Path, name: str
):
    key = tmp_path / "key"
    key.write_text("the-key")
    hand_in(grader, dict(ATTEMPTS[name]))
    assert grader.grade_next()
    queue = grader.gradebooks["testing"].root
    found = {"queue": points(queue)}
    for way, run in (("command", by_command), ("button", by_button)):
        root = tmp_path / way / "testing"
        shutil.copytree(prepared / "nbgrader" / "testing", root)
        shutil.copytree(queue / "submitted", root / "submitted")
        run(root, url, key)
        found[way] = points(root)
    by_button(queue, url, key)
    found["button, over what the queue wrote"] = points(queue)
    assert set(found["queue"]) == {"clip-examples", "clip-properties", "reflect"}
    assert all(one == found["queue"] for one in found.values()), found
    score = grader.scores.latest("ana", "testing", "clip")
    assert score.score == sum(auto or 0 for auto, _, _, _ in found["queue"].values())
