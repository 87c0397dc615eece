"""A learner's place in the queue, shown while her call waits and gone when the answer begins.

In a notebook it is one line that changes, on a terminal a line of stderr; where nobody watches (a pipe, code that is
being graded) nothing is shown.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, TextIO

# The gateway tells the place at once and then every two seconds; an answer that comes before is worth no line.
_QUIET_SECONDS = 1.9


class Screen(Protocol):
    """One line that can be changed, and taken away."""

    def show(self, text: str) -> None: ...

    def clear(self) -> None: ...


class NotebookLine:
    """An output of the running cell, changed in place by its display id."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str) -> None:
        """The text is ours, so it needs no escaping: words and digits."""
        self._put({"text/plain": text, "text/html": f'<div role="status" style="opacity:.75">{text}</div>'})

    def clear(self) -> None:
        if self._handle is not None:
            self._put({"text/plain": "", "text/html": ""})

    def _put(self, bundle: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class TerminalLine:
    """A line written over with a carriage return."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._width = out, 0

    def show(self, text: str) -> None:
        self._out.write(f"\r{text.ljust(self._width)}")
        self._out.flush()
        self._width = len(text)

    def clear(self) -> None:
        self._out.write(f"\r{' ' * self._width}\r")
        self._out.flush()


def screen() -> Screen | None:
    """Where a line can be shown here: a notebook, a terminal, or nowhere."""
    ipython = sys.modules.get("IPython")  # not imported for it: where there is a notebook, it is there already
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is not None:
        return NotebookLine()
    return TerminalLine(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else None


class Waiting:
    """`with` it around a call: `tell` it the place, `end` it when the answer begins. Leaving the block ends it too."""

    def __init__(self, find: Callable[[], Screen | None] = screen, clock: Callable[[], float] = time.monotonic) -> None:
        self._find, self._clock, self._began = find, clock, clock()
        self._screen: Screen | None = None

    def tell(self, place: int, seconds: float) -> None:
        """`place` from 1; `seconds` until it begins, as far as one can tell."""
        if self._clock() - self._began < _QUIET_SECONDS:
            return
        self._screen = self._screen or self._find()
        if self._screen:
            self._screen.show(f"Waiting for the model: you are number {place}, about {_rounded(seconds)}.")

    def end(self) -> None:
        if self._screen:
            self._screen.clear()
            self._screen = None

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()


def _rounded(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
