"""A learner's place in the queue is shown while she waits, and only then."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import labkit
from labkit.client import generation, waiting
from labkit.client.waiting import NotebookLine, TerminalLine, Waiting
from labkit.errors import ModelUnavailable


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Line:
    """A screen that keeps what was shown; None where it was cleared."""

    def __init__(self) -> None:
        self.shown: list[str | None] = []

    def show(self, text: str) -> None:
        self.shown.append(text)

    def clear(self) -> None:
        self.shown.append(None)


HI = [{"role": "user", "content": "hi"}]


def queued(place: int, seconds: float) -> dict[str, Any]:
    return {"labkit": {"queue": {"place": place, "seconds": seconds}}}


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """Where a call's place is shown, by a clock on which a second passes whenever it is looked at twice."""
    line, clock = Line(), Clock()

    def tick() -> float:
        clock.now += 1
        return clock.now

    monkeypatch.setattr(generation, "Waiting", lambda: Waiting(lambda: line, tick))
    return line


def test_nothing_is_shown_for_two_seconds_and_then_the_newest_place() -> None:
    line, clock = Line(), Clock()
    with Waiting(lambda: line, clock) as wait:
        wait.tell(3, 12.0)
        assert line.shown == []
        clock.now = 2.0
        wait.tell(2, 7.6)
        clock.now = 4.0
        wait.tell(1, 0.2)
    assert line.shown == [
        "Waiting for the model: you are number 2, about 8 s.",
        "Waiting for the model: you are number 1, about 1 s.",
        None,
    ]


def test_minutes_are_told_as_minutes() -> None:
    line, clock = Line(), Clock()
    with Waiting(lambda: line, clock) as wait:
        clock.now = 5.0
        wait.tell(40, 130.0)
    assert line.shown[0] == "Waiting for the model: you are number 40, about 2 min."


@pytest.mark.parametrize(
    "call",
    [lambda: labkit.ask("hi"), lambda: labkit.chat(HI), lambda: labkit.chat(HI, stream=False)],
    ids=["ask", "chat", "chat-whole"],
)
def test_every_call_shows_its_place_and_clears_it_before_the_answer(platform, line: Line, call, capsys) -> None:
    platform.says("Oo", " po")
    platform.events[:0] = [queued(2, 9), queued(2, 8), queued(1, 4)]
    assert call() == "Oo po"
    assert [text and text.split("number ")[1] for text in line.shown] == ["2, about 8 s.", "1, about 4 s.", None]
    assert platform.sent[-1][1]["stream"] is True


@pytest.mark.parametrize("error", [ModelUnavailable("It broke."), KeyboardInterrupt()])
def test_a_call_that_ends_while_it_waits_leaves_nothing_behind(platform, line: Line, error: BaseException) -> None:
    platform.events = [queued(2, 9), queued(2, 8), error]
    with pytest.raises(type(error)):
        labkit.ask("hi")
    assert line.shown[-1] is None and len(line.shown) == 2


def test_an_answer_that_comes_at_once_shows_nothing(platform, line: Line) -> None:
    platform.says("Oo")
    platform.events[:0] = [queued(1, 2)]
    assert labkit.ask("hi") == "Oo"
    assert line.shown == []


def test_a_terminals_line_is_written_over_and_wiped() -> None:
    out = io.StringIO()
    line = TerminalLine(out)
    line.show("long text")
    line.show("short")
    line.clear()
    assert out.getvalue() == "\rlong text\rshort    \r     \r"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("shell", "stderr", "kind"),
    [
        (SimpleNamespace(kernel=object()), io.StringIO(), NotebookLine),
        (SimpleNamespace(), Terminal(), TerminalLine),
        (None, Terminal(), TerminalLine),
        (None, io.StringIO(), type(None)),
        (None, None, type(None)),
    ],
    ids=["notebook", "ipython-in-a-terminal", "terminal", "pipe", "no-stderr"],
)
def test_a_line_is_shown_where_somebody_watches(
    shell: object, stderr: object, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stderr", stderr)
    assert type(waiting.screen()) is kind


NOTEBOOK = """
import json
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
shell.kernel = object()
from labkit.client.waiting import Waiting
with capture_output() as seen:
    clock = iter([0.0, 2.0, 4.0])
    with Waiting(clock=lambda: next(clock)) as wait:
        wait.tell(3, 12.0)
        wait.tell(2, 8.0)
assert seen.outputs[0].data["text/plain"].startswith("Waiting")
told = [(one.data["text/html"], one.transient["display_id"], one.update) for one in seen.outputs]
print(json.dumps(told))
"""


def test_in_a_notebook_one_output_changes_and_is_emptied() -> None:
    ran = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout.splitlines()[-1])
    assert [update for _, _, update in told] == [False, True, True]
    assert len({name for _, name, _ in told}) == 1
    assert 'role="status"' in told[0][0] and "number 3" in told[0][0] and "number 2" in told[1][0]
    assert told[2][0] == ""
