"""nbgrader's own GenerateFeedback over a real gradebook: no hidden test and no live markup reaches the page."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder import feedback
from autograder.configuration import config
from autograder.execute import graded
from autograder.gradebook import CourseGradebook
from autograder.repair import repair
from autograder.report import Check, Item, Report
from labkit.courses import build, load_course
from labkit.errors import OperatorError

# nbgrader's own way with SQLAlchemy's sessions.
pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

ANA = {"id": "ana", "first_name": "Ana", "last_name": "Cruz", "email": "ana@example.org"}
NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
SECRET = "never_told_314159"
LAB = f"""\
# %% [markdown]
# # Clip
# Read [this](https://example.org/clip) first, *please*.
# %% solution="clip"
def clip(x):
    ### BEGIN SOLUTION
    return min(x, 3)
    ### END SOLUTION
# %% demo
clip(5)
# %% test="shown" points=2
assert clip(5) == 3
# %% test="unseen" points=3 hidden
{SECRET} = 3
check("cuts what is hidden", clip({SECRET} + 1) == {SECRET}, points=3)
# %% [markdown] answer="reflect" points=10
# Why?
"""
LATER, BEFORE = datetime.now(UTC) + timedelta(days=300), datetime.now(UTC) - timedelta(days=300)
LABS = {
    "free": "",
    "limited": "attempts = 3",
    "running": f"attempts = 3\ndue = {LATER.isoformat()}",
    "over": f"attempts = 3\ndue = {BEFORE.isoformat()}",
}
ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)' onclick='alert(1)'>x</a>",
    "[x](javascript:alert(1)) [y](data:text/html;base64,PHNjcmlwdD4=) [z](vbscript:x) ![p](attachment:p.svg)",
    "<iframe src='https://evil.example' srcdoc='<script>alert(1)</script>'></iframe>",
    "<svg/onload=alert(1)><svg><script>alert(1)</script></svg>",
    "<style>@import url(https://evil.example/x.css); body { display: none }</style>",
    "<p style='background:url(https://evil.example)'>x</p><link rel=stylesheet href=//evil.example>",
    "<object data='data:text/html,<script>alert(1)</script>'></object><embed src='data:text/html,x'>",
    "<base href=//evil.example><meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "</pre></section></body><script>alert(1)</script>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "```\n</code></pre><script>alert(1)</script>\n```\n``` `",
    "<form action=//evil.example><input autofocus onfocus=alert(1)></form>",
    "$$\\href{javascript:alert(1)}{x}$$ {{ say.__globals__ }} {% for x in parts %}",
)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("feedback")
    course = folder / "courses" / "c"
    tables = [f'[[labs]]\nid = "{lab}"\ntitle = "{lab}"\n{table}\n' for lab, table in LABS.items()]
    for lab in LABS:
        (course / lab).mkdir(parents=True)
        (course / lab / "lab.py").write_text(LAB, "utf-8")
    (course / "course.toml").write_text('title = "T"\n' + "".join(tables), "utf-8")
    build(load_course(folder / "courses", "c"), folder / "c" / "built")
    book = CourseGradebook(folder / "c", "c")
    for lab in LABS:
        book.register(lab, grader_notebook(folder / "c", lab))
    return folder / "c"


@pytest.fixture
def root(registered: Path, tmp_path: Path) -> Path:
    shutil.copytree(registered, tmp_path / "c")
    return tmp_path / "c"


def grader_notebook(root: Path, lab: str) -> Path:
    return root / "built" / "grader" / lab / f"{lab}.ipynb"


def report(points: float) -> Report:
    check = Check("cuts what is hidden", points >= 3, "")
    items = (Item("shown", 2, 2, (Check("<b>holds</b>", True),)), Item("unseen", points, 3, (check,), hidden=True))
    return Report(2 + points, 5, items)


def submission(root: Path, lab: str, answer: str = "Because.", code: str = "def clip(x):\n    return 1 < 2") -> bytes:
    notebook = json.loads((root / "built" / "learner" / lab / f"{lab}.ipynb").read_text())
    for cell in notebook["cells"]:
        cell["source"] = {"clip": code, "reflect": answer}.get(cell["id"], cell["source"])
    return json.dumps(notebook).encode()


def write(root: Path, lab: str, points: float = 3, **given: str) -> None:
    released = json.loads(grader_notebook(root, lab).read_text())
    repaired = repair(released, submission(root, lab, **given)).notebook
    CourseGradebook(root, "c").write(ANA, lab, repaired, NOW, report(points))


def give(root: Path, lab: str, points: float, comment: str) -> None:
    """As formgrader does when an instructor has read an answer."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", "c") as book:
        grade = book.find_grade("reflect", lab, lab, "ana")
        grade.manual_score, grade.needs_manual_grade = points, False
        for cell in ("reflect", "clip"):
            book.find_comment(cell, lab, lab, "ana").manual_comment = comment
        book.db.commit()


def made(root: Path, lab: str) -> str:
    """What formgrader's feedback button makes."""
    c = config(root, "c")
    done = NbGraderAPI(coursedir=CourseDirectory(config=c), config=c).generate_feedback(lab, "ana")
    assert done["success"], done
    return (root / "feedback" / "ana" / lab / f"{lab}.html").read_text("utf-8")


class Live(HTMLParser):
    """Whatever a browser would act on."""

    OWN = frozenset(("html", "head", "meta", "title", "style", "body", "section"))
    ATTRIBUTES = frozenset(("href", "rel", "class", "lang", "charset", "http-equiv", "content", "name"))

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.wrong: list[tuple[str, Any]] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.OWN | feedback.TAGS:
            self.wrong.append((tag, attrs))
        for name, value in attrs:
            if name == "href":
                self.links.append(value or "")
            if name not in self.ATTRIBUTES or (tag in feedback.TAGS and name not in ("href", "rel")):
                self.wrong.append((tag, (name, value)))


def assert_dead(page: str) -> None:
    live = Live(page)
    assert not live.wrong
    assert [link for link in live.links if not link.startswith(("https://", "http://", "mailto:"))] == []
    assert (live.tags.count("style"), live.tags.count("meta"), live.tags.count("body")) == (1, 3, 1)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "@import" not in style and "url(" not in style
    assert "default-src 'none'" in page[: page.index("<style>")]


class TestWhatItSays:
    def test_score_checks_answers_and_comments_are_there(self, root: Path):
        write(root, "free")
        give(root, "free", 7, "Well *argued*.")
        page = made(root, "free")
        for shown in ("12 of 15 points", "7 of 10 points", "3 of 3 points", "cuts what is hidden", "Because."):
            assert shown in page
        assert "Well <em>argued</em>." in page
        assert '<a href="https://example.org/clip"' in page
        assert "return 1 &lt; 2" in page
        assert "assert clip(5) == 3" in page

    def test_the_command_line_makes_the_same_page(self, root: Path):
        write(root, "free")
        page = made(root, "free")
        ours = f"c = get_config()\nc.merge(config(Path({str(root)!r}), 'c'))\n"
        imports = "from pathlib import Path\nfrom autograder.configuration import config\n"
        (root / "nbgrader_config.py").write_text(imports + ours)
        command = [sys.executable, "-m", "nbgrader", "generate_feedback", "free", "--force"]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
        assert (root / "feedback" / "ana" / "free" / "free.html").read_text() == page

    def test_a_filipino_notebook_gets_filipino_sentences(self, root: Path):
        released = nbformat.read(grader_notebook(root, "free"), as_version=4)
        mine = copy.deepcopy(released)
        mine.metadata.labkit.language = "fil"
        names = {"notebook": "free", "late_penalty": 0, "max_score": 15, "score": 1}
        assert "sa 15 na puntos" in feedback.page(mine, released, names)

    def test_what_is_taken_off_for_being_late_is_told(self, root: Path):
        released = nbformat.read(grader_notebook(root, "free"), as_version=4)
        names = {"notebook": "free", "late_penalty": 1.5, "max_score": 15, "score": 1}
        assert "late: 1.5" in feedback.page(released, released, names)

    def test_a_lab_nobody_registered_gets_no_page(self, root: Path):
        write(root, "free")
        (root / "source" / "free" / "free.ipynb").unlink()
        c = config(root, "c")
        done = NbGraderAPI(coursedir=CourseDirectory(config=c), config=c).generate_feedback("free", "ana")
        assert not done["success"]
        assert OperatorError.__name__ in done.get("error", "") + done.get("log", "")
        assert not (root / "feedback" / "ana" / "free" / "free.html").exists()


class TestWhatIsHidden:
    @pytest.mark.parametrize("lab", list(LABS))
    @pytest.mark.parametrize("points", [0, 1.5, 3])
    def test_no_line_of_a_hidden_test_is_on_any_page(self, root: Path, lab: str, points: float):
        write(root, lab, points)
        page = made(root, lab)
        assert SECRET not in page
        assert "HIDDEN TESTS" not in page

    @pytest.mark.parametrize(
        ("lab", "coarse"), [("free", False), ("over", False), ("limited", True), ("running", True)]
    )
    def test_while_she_may_hand_in_again_she_reads_words_only(self, root: Path, lab: str, coarse: bool):
        write(root, lab, 1.5)
        page = made(root, lab)
        assert ("cuts what is hidden" in page, "1.5 of 3" in page, "3.5 of 15" in page) == (not coarse,) * 3
        assert ("At least 2 of 15" in page, "Some of it does not hold yet." in page) == (coarse,) * 2

    @pytest.mark.parametrize(
        ("points", "said", "least"), [(0, "Nothing of it", 2), (0.1, "Some of it", 2), (3, "All of it", 5)]
    )
    def test_words_do_not_tell_the_points(self, root: Path, points: float, said: str, least: int):
        write(root, "running", points)
        page = made(root, "running")
        assert said in page
        assert f"At least {least} of 15" in page

    def test_two_different_parts_of_a_hidden_test_make_one_page(self, root: Path):
        pages = []
        for points in (0.5, 2.5):
            write(root, "running", points)
            pages.append(made(root, "running"))
        assert pages[0] == pages[1]

    def test_a_submission_that_calls_its_tests_visible_shows_nothing(self, root: Path):
        write(root, "running", 1.5)
        path = root / "autograded" / "ana" / "running" / "running.ipynb"
        notebook = json.loads(path.read_text())
        notebook["metadata"]["labkit"] = {"attempts": None, "language": "en"}
        for cell in notebook["cells"]:
            cell["metadata"]["labkit"] = {"hidden": False}
        path.chmod(0o644)
        path.write_text(json.dumps(notebook))
        page = made(root, "running")
        assert SECRET not in page
        assert "cuts what is hidden" not in page


class TestMarkup:
    """A page is opened by learners and instructors: nothing in it may act."""

    @pytest.mark.parametrize("attack", ATTACKS)
    def test_in_answers_code_and_comments_it_is_dead(self, root: Path, attack: str):
        write(root, "free", answer=attack, code=f"'''{attack}'''")
        give(root, "free", 1, attack)
        assert_dead(made(root, "free"))

    def test_in_a_notebook_laid_down_by_hand_it_is_dead(self, root: Path):
        """Unrepaired: outputs, attachments, metadata, raw cells and cell ids are hers."""
        write(root, "free")
        everything = "\n\n".join(ATTACKS)
        notebook = json.loads(submission(root, "free", answer=everything, code=everything))
        outputs = [
            {"output_type": "display_data", "metadata": {}, "data": {kind: everything}}
            for kind in ("text/html", "image/svg+xml", "application/javascript", "text/markdown", "text/latex")
        ]
        outputs.append({"output_type": "stream", "name": "stdout", "text": everything})
        for cell in notebook["cells"]:
            cell["metadata"] |= {"tags": [ATTACKS[0]], "name": ATTACKS[1], "alt": everything}
            if cell["cell_type"] == "code":
                cell["outputs"] = outputs
            else:
                cell["attachments"] = {"p.svg": {"image/svg+xml": everything}}
        notebook["cells"].append({"cell_type": "raw", "id": "raw", "metadata": {}, "source": everything})
        notebook["cells"].append({"cell_type": "markdown", "id": "own", "metadata": {}, "source": everything})
        notebook["metadata"] |= {"title": everything, "widgets": {"x": everything}}
        (root / "submitted" / "ana" / "free" / "free.ipynb").write_text(json.dumps(notebook))
        c, token = config(root, "c"), graded.set(report(3))
        try:
            done = NbGraderAPI(coursedir=CourseDirectory(config=c), config=c).autograde("free", "ana")
        finally:
            graded.reset(token)
        assert done["success"], done
        page = made(root, "free")
        assert "alert(1)" in page  # it was there, as text
        assert_dead(page)

    def test_what_the_guard_looks_for_is_what_it_would_find(self):
        for wrong in ("<script>x</script>", "<p onclick=x>", "<svg onload=x>", "<p style=x>", "<img src=x>", "<form>"):
            assert Live(wrong).wrong
