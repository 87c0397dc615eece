"""What a learner meets before she writes anything; no answer is in it, whatever the lab's own cells try."""

from __future__ import annotations

import base64
import html
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder import preview_page
from autograder.preview import Output, SeenCell, preview, secrets
from autograder.preview_command import preview as command
from labkit.courses import load_courses, load_text
from labkit.courses.new import new_lab
from labkit.errors import AuthorError

COURSES = Path(__file__).parents[2] / "courses"
LABS = [
    pytest.param(lab, language, id=f"{lab.course}-{lab.id}-{language}")
    for course in load_courses(COURSES)
    for lab in course.labs
    for language in lab.languages
]
PIXEL = base64.b64decode("iVBORw0KGgo=")
SECRETS = {"only_the_answer_says_this", "only_a_hidden_test_says_this", "only_a_hidden_file_says_this"}
# Its own cells look for the answer wherever they can.
ATTACK = """\
# %% [markdown]
# # A lab that tells on itself
# <script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1))
# ![a dot](data/dot.png) ![no](LAB/lab.py) [y](data:text/html,x)
# %% solution="one"
def one():
    ### BEGIN SOLUTION
    only_the_answer_says_this = 1
    return only_the_answer_says_this
    ### END SOLUTION
# %%
import os, pathlib
for root in ("LAB", "..", "/", "/courses", "/proc/1/root", "/proc/self/fd", str(pathlib.Path.home())):
    for place in ("lab.py", "hidden/secret.txt", "LAB/lab.py", "submissions/a.py"):
        try:
            print(pathlib.Path(root, place).read_text())
        except OSError as error:
            print(type(error).__name__)
print(sorted(os.listdir(".")), os.environ, "</pre><script>alert(2)</script>")
# %% demo
from IPython.display import HTML, display
display(HTML("<b>bold</b><script>alert(3)</script><table><tr><td onclick=alert(4)>cell</td></tr></table>"))
# %% demo
import labkit
labkit.ask("Who are you?")
# %% test="seen" points=2
check("gives exactly one as told", False)
check("is at least not two", True)
# %% test="unseen" points=3 hidden
only_a_hidden_test_says_this = open("hidden/secret.txt").read()
check("is what the file says", one() == only_a_hidden_test_says_this, points=3)
# %% [markdown] answer="why" points=5
# Why?
"""


class Tags(HTMLParser):
    """Every tag with each of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag, attrs):
        self.found += [(tag, "", ""), *((tag, name, value or "") for name, value in attrs)]


@pytest.fixture
def attack(make_lab):
    lab = make_lab(ATTACK, **{"hidden/secret.txt": "only_a_hidden_file_says_this"})
    (lab.path / "data").mkdir()
    (lab.path / "data/dot.png").write_bytes(PIXEL)
    (lab.path / "lab.py").write_text(ATTACK.replace("LAB", str(lab.path)))
    (lab.path / "submissions").mkdir()
    (lab.path / "submissions/a.py").write_text('# score: 0\n# %% solution="one"\nonly_the_answer_says_this = 0\n')
    return lab


@pytest.mark.sandbox
def test_a_lab_that_tells_on_itself_gets_no_answer_and_no_script_onto_the_page(attack, tmp_path, capsys):
    assert command(["c/one", "--courses", str(attack.path.parents[1]), "--to", str(tmp_path / "seen")]) == 0
    told = capsys.readouterr().out
    page = (tmp_path / "seen/one/one.html").read_text()
    whole = "".join(path.read_text(errors="replace") for path in (tmp_path / "seen").rglob("*") if path.is_file())

    assert not [secret for secret in SECRETS if secret in html.unescape(whole)]
    tags = Tags()
    tags.feed(page)
    assert "script" not in {tag for tag, _, _ in tags.found}
    assert not [name for _, name, _ in tags.found if name.startswith("on")]
    assert not [value for _, _, value in tags.found if "javascript:" in value]
    assert page.count("data:image/png;base64") == 1
    assert "FileNotFoundError" in page
    assert "LABKIT" not in page
    # What she meets is told.
    assert "<td>cell</td>" in page
    assert "seen: ✗ gives exactly one as told" in told
    assert "seen: ✓ is at least not two" in told
    assert "nothing stops" in told
    assert "needs the platform: demo_2" in told


@pytest.mark.sandbox
def test_it_says_where_a_learner_is_stopped_by_file_and_line_and_how_long_it_took(make_lab, capsys):
    lab = make_lab('# %% [markdown]\n# # One\n# %% solution="f"\n### BEGIN SOLUTION\nf = 1\n### END SOLUTION\n'
                   '# %% test="t" points=1\nassert f == 1\n')  # fmt: skip
    assert command(["c/one", "--courses", str(lab.path.parents[1]), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)

    assert told["stops"] == {"cell": "f", "file": str(lab.path / "lab.py"), "line": 3, "error": "NotImplementedError"}
    assert told["visible_tests"] == [
        {"test": "t", "passed": [], "failed": [], "error": "NameError: name 'f' is not defined"}
    ]
    assert 0 < told["seconds"] < 10


@pytest.mark.sandbox
def test_a_cell_that_never_ends_is_stopped_and_the_rest_is_seen(make_lab):
    lab = make_lab("# %% [markdown]\n# # One\n# %%\nwhile True: pass\n# %%\nprint('after')\n", "limits = {seconds = 1}")
    seen = preview(lab)
    assert seen.stops.id == "code_1"
    assert [one.text for one in seen.cells[-1].outputs] == ["after\n"]


@pytest.mark.parametrize(("lab", "language"), LABS)
def test_no_line_of_an_answer_or_a_hidden_test_of_any_course_is_on_its_page(lab, language):
    text = load_text(lab, language)
    kept = secrets(text)
    page = html.unescape(preview_page.page(lab, preview(lab, language, ran=False), ran=False))
    lines = {line.strip() for line in page.splitlines()}

    assert kept
    assert not kept & lines
    assert not [line for line in kept if len(line) >= 12 and line in page]


def test_what_the_run_says_of_an_answer_is_refused_by_the_page(make_lab):
    lab = make_lab()
    seen = preview(lab, ran=False)
    for leak in ("return max(low, min(high, x))", 'check("keeps what is inside", clip(0.4142135, 0, 1) == 0.4142135'):
        cell = SeenCell("code", "code_9", "x", 1, outputs=(Output("text", f"here: {leak}, hint"),))
        leaky = replace(seen, cells=(*seen.cells, cell))
        if leak.startswith("return"):
            with pytest.raises(AuthorError, match="would be shown"):
                preview_page.page(lab, leaky)
        else:  # a part of a line is not the line
            preview_page.page(lab, leaky)


@pytest.mark.parametrize("words", [["c/two"], ["d"], ["c/one", "--language", "fil"]])
def test_what_is_not_there_is_refused_in_a_sentence(make_lab, capsys, words):
    lab = make_lab()
    assert command([*words, "--courses", str(lab.path.parents[1])]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.browser
def test_the_page_is_accessible_on_a_telephone(tmp_path, browser):
    from axe_playwright_python.sync_playwright import Axe

    lab = new_lab(tmp_path, "first", "ratings")
    seen = preview(lab, ran=False)
    table = "<table><tr><td>1</td></tr></table>"
    outputs = (Output("text", "x" * 500), Output("error", "ValueError: no"), Output("html", table))
    cells = tuple(replace(cell, outputs=outputs if cell.kind == "demo" else ()) for cell in seen.cells)
    file = tmp_path / "page.html"
    file.write_text(preview_page.page(lab, replace(seen, cells=cells)))
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(file.as_uri())
    found = Axe().run(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert found.violations_count == 0, found.generate_report()
    page.close()
