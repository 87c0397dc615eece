"""What a person sees while she waits, on a terminal, in a notebook, and where nobody watches."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from labkit.finetune import display
from labkit.finetune.display import LineScreen, NotebookScreen, Quiet, page
from labkit.finetune.standing import Standing


def at(state: str, **more: Any) -> Standing:
    known: dict[str, Any] = {"step": 0, "steps": 4, "place": 0, "seconds_left": 60.0, "tokens": 0, "model": None}
    return Standing(id="ftjob-1", state=state, **{**known, **more})


WAITING = at("queued", place=2)
TRAINING = at("running", step=3, tokens=90, train=((1, 3.0), (2, 2.0), (3, 1.0)), held=((2, 2.5),), said="It goes on.")
DONE = at("succeeded", step=4, model="ft:a:labkit::1", train=((1, 3.0), (4, 0.5)))
FAILED = at("failed", step=2, error="The loss was no number at step 3.", train=((1, 3.0), (2, 9.0)))
CANCELLED = at("cancelled", step=2, train=((1, 3.0), (2, 2.0)))
ALL = {"waiting": WAITING, "training": TRAINING, "done": DONE, "failed": FAILED, "cancelled": CANCELLED}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Output:
    """A notebook's output: what was shown first, and what it was changed to."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.outputs = 0

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Output:
        assert raw
        assert display_id
        self.outputs += 1
        self.shown.append(bundle)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Output:
    output = Output()
    monkeypatch.setattr("IPython.display.display", output.display)
    return output


@pytest.mark.parametrize("last", [DONE, FAILED, CANCELLED], ids=["done", "failed", "cancelled"])
def test_on_a_terminal_one_line_is_written_over_and_the_last_one_stays(last: Standing, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    screen = LineScreen()
    for now in (WAITING, TRAINING, last):
        screen.show(now)
    written = terminal.getvalue()

    assert written.count("\n") == 1
    assert written.endswith("\n")
    lines = written.removesuffix("\n").split("\r")[1:]
    assert [line.rstrip() for line in lines] == [WAITING.line, TRAINING.line, last.line]
    assert all(len(new) >= len(old) for old, new in zip([WAITING.line, TRAINING.line], lines[1:], strict=True))


@pytest.mark.parametrize("last", [DONE, FAILED, CANCELLED], ids=["done", "failed", "cancelled"])
def test_in_a_notebook_one_output_changes(notebook: Output, last: Standing):
    screen = NotebookScreen()
    for now in (WAITING, TRAINING, last):
        screen.show(now)

    assert notebook.outputs == 1
    assert [one["text/plain"] for one in notebook.shown] == [WAITING.line, TRAINING.line, last.line]
    assert [one["text/html"] for one in notebook.shown] == [page(WAITING), page(TRAINING), page(last)]


def read(now: Standing) -> ElementTree.Element:
    """The page as a tree: whatever is written badly is no tree."""
    return ElementTree.fromstring(page(now))


def text_of(element: ElementTree.Element | None) -> str:
    assert element is not None
    return "".join(element.itertext())


@pytest.mark.parametrize("state", ALL)
def test_a_page_says_its_line_as_a_status_and_its_steps_as_a_progress(state: str):
    now = ALL[state]
    root = read(now)
    status, bar = root.find("p[@role='status']"), root.find("progress")

    assert text_of(status) == now.line
    assert bar is not None
    assert (bar.get("value"), bar.get("max")) == (str(now.step), "4")
    assert bar.get("aria-label")
    assert text_of(bar) == f"{25 * now.step} %"


@pytest.mark.parametrize("state", ALL)
def test_a_page_has_a_table_of_facts_with_their_names_as_headers(state: str):
    root = read(ALL[state])
    found = [(text_of(row.find("th[@scope='row']")), text_of(row.find("td"))) for row in root.iter("tr")]

    assert found == ALL[state].facts


def test_the_curve_comes_with_its_first_step_and_is_told_in_words_too():
    assert read(WAITING).find("svg") is None
    assert "No step" not in text_of(read(WAITING))
    root = read(TRAINING)
    picture = root.find("svg")
    assert picture is not None
    assert picture.get("aria-label") in [text_of(one) for one in root.findall("p")]


BAD = '<img src=x onerror="alert(1)">&amp;'


@pytest.mark.parametrize(
    "now",
    [at("failed", error=BAD), at("succeeded", model=BAD), at("running", said=BAD)],
    ids=["an error", "a model's name", "the platform's last word"],
)
def test_no_text_becomes_markup(now: Standing):
    root = read(now)

    assert not list(root.iter("img"))
    assert BAD in text_of(root)


def test_a_training_without_steps_yet_has_a_page():
    assert text_of(read(at("queued", steps=0)).find("progress")) == "0 %"


@pytest.mark.parametrize(
    ("shell", "stderr", "kind"),
    [
        (SimpleNamespace(kernel=object()), io.StringIO(), NotebookScreen),
        (SimpleNamespace(), Terminal(), LineScreen),
        (None, Terminal(), LineScreen),
        (None, io.StringIO(), Quiet),
        (None, None, Quiet),
    ],
    ids=["notebook", "ipython in a terminal", "terminal", "pipe", "no stderr"],
)
def test_it_is_shown_where_somebody_watches(
    shell: object, stderr: object, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stderr", stderr)
    assert type(display.find()) is kind


def test_where_nobody_watches_nothing_is_written(capfd):
    for now in ALL.values():
        Quiet().show(now)
    assert capfd.readouterr() == ("", "")
