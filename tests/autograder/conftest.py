import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder import frame
from autograder.asked import Asked
from autograder.bounds import with_answers
from autograder.grade import grade, grader_notebook
from autograder.gradebook import CourseGradebook
from autograder.grader import Grader
from autograder.test_process import Names
from autograder.warm import Warm
from labkit.courses import Course, Lab, build, load_course
from labkit.database import connect, migrate
from labkit.errors import ModelUnavailable
from labkit.programme.people import Person, provision
from labkit.submissions.blobs import Blobs
from labkit.submissions.queue import Queue
from labkit.submissions.receipt import Signer
from labkit.submissions.scores import Scores
from labkit.submissions.store import Store

RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"
CLIP = """\
# %% solution="clip"
def clip(x, low, high):
    ### BEGIN SOLUTION
    return max(low, min(high, x))
    ### END SOLUTION
# %% test="clip-examples" points=2
assert clip(5, 0, 3) == 3
# %% test="clip-properties" points=3 hidden
check("never leaves the bounds", all(0 <= clip(x, 0, 1) <= 1 for x in (-314159, 271828, 0.5)), points=2)
check("keeps what is inside", clip(0.4142135, 0, 1) == 0.4142135, hint="look at the middle case")
# %% [markdown] answer="reflect" points=10
# Why?
"""


@pytest.fixture
def make_lab(tmp_path: Path) -> Callable[..., Lab]:
    """A lab `c/one` of the given text; `table` goes into its [[labs]] table."""

    def _make(text: str = CLIP, table: str = "limits = {seconds = 10, memory_mb = 512}", **files: str) -> Lab:
        folder = tmp_path / "c" / "one"
        folder.mkdir(parents=True, exist_ok=True)
        (tmp_path / "c" / "course.toml").write_text(f'title = "T"\n[[labs]]\nid = "one"\ntitle = "One"\n{table}\n')
        (folder / "lab.py").write_text(text, "utf-8")
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, "utf-8")
        return load_course(tmp_path, "c").lab("one")

    return _make


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    with Warm() as kept:
        yield kept


@pytest.fixture
def submit(make_lab, warm):
    """Grades answers (by cell name) to a lab."""

    def _submit(answers: dict[str, str] | str, text: str = CLIP, lane=None, **words):
        lab = make_lab(text, **words)
        given = {"clip": answers} if isinstance(answers, str) else answers
        report = grade(lab, with_answers(grader_notebook(lab), given), learner="ana", lane=lane, warm=warm)
        points = {item.name: item.points for item in report.items}
        whole = json.dumps(report.to_json(), ensure_ascii=False)
        return SimpleNamespace(report=report, score=report.score, fault=report.fault, points=points, text=whole)

    return _submit


RIGHT = "def clip(x, low, high):\n    return max(low, min(high, x))\n"


@pytest.fixture
def line():
    ours, hers = socket.socketpair()
    with ours, hers:
        yield ours, hers


@pytest.fixture
def names(line):
    """The tests' namespace; behind the line, a learner who defines `learner`'s names."""
    ours, hers = line
    learner: dict = {}
    asked = Asked(learner, hers)

    def answer():
        try:
            while True:
                asked.reply(asked.answer(frame.receive(hers)))
        except (EOFError, OSError):
            return

    thread = threading.Thread(target=answer)
    thread.start()
    yield learner, Names(ours, {"f", "g", "box", "missing", "Box", "Point"})
    ours.shutdown(socket.SHUT_RDWR)
    thread.join()


class NoModel:
    def score(self, prompts, choices, model=None):
        raise ModelUnavailable("There is no model in this test.")

    def chat(self, messages, **options):
        raise ModelUnavailable("There is no model in this test.")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course `testing`, built and its lab clip registered."""
    root = tmp_path_factory.mktemp("prepared")
    course = load_course(Path(__file__).parents[2] / "courses", "testing")
    build(course, root / "build" / "testing")
    gradebook = CourseGradebook(root / "nbgrader" / "testing", "testing")
    gradebook.register("clip", root / "build" / "testing" / "grader" / "clip" / "clip.ipynb")
    return root


@pytest.fixture
def grader(prepared: Path, tmp_path: Path, warm) -> Grader:
    shutil.copytree(prepared / "nbgrader", tmp_path / "nbgrader")
    url = f"sqlite:///{tmp_path / 'labkit.sqlite'}"
    migrate(url)
    engine = connect(url)
    people = (Person("ana", "ana@example.org", "Ana", "Cruz"), Person("ben", "ben@example.org", "Ben", "Tan", "fil"))
    provision(engine, people, ())
    course: Course = load_course(Path(__file__).parents[2] / "courses", "testing")
    yield Grader(
        engine=engine,
        courses={"testing": course},
        build=prepared / "build",
        gradebooks={"testing": CourseGradebook(tmp_path / "nbgrader" / "testing", "testing")},
        store=Store(engine, Blobs(tmp_path / "blobs"), Signer(tmp_path / "receipts.pem")),
        queue=Queue(engine),
        scores=Scores(engine),
        lane=NoModel(),
        warm=warm,
    )
    engine.dispose()


@pytest.fixture
def handed_in(grader: Grader) -> Callable[..., str]:
    """Hands in an answer to clip for somebody; gives the submission's id."""

    def _hand_in(who: str, source: str = RIGHT) -> str:
        built = json.loads((grader.build / "testing" / "learner" / "clip" / "clip.ipynb").read_text())
        answered = with_answers(built, {"clip": source})
        return grader.store.receive(who, "testing", "clip", {"clip.ipynb": json.dumps(answered).encode()}, [])[0].id

    return _hand_in
