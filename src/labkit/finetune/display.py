"""A training as it goes: in a notebook one output that changes, on a terminal one line."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from typing import Any, Protocol

from labkit.client.waiting import TerminalLine, screen
from labkit.finetune.curve import curve, words
from labkit.finetune.standing import Standing


class Screen(Protocol):
    def show(self, now: Standing) -> None: ...


class NotebookScreen:
    """Progress, the loss curve and what is left, changed in place by its display id; also from another thread."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, now: Standing) -> None:
        from IPython.display import display

        bundle = {"text/plain": now.line, "text/html": page(now)}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class LineScreen:
    """On a terminal; where a training ends, the line stays."""

    def __init__(self) -> None:
        self._line = TerminalLine(sys.stderr)

    def show(self, now: Standing) -> None:
        self._line.show(now.line)
        if now.over:
            sys.stderr.write("\n")


class Quiet:
    """Where nobody watches."""

    def show(self, now: Standing) -> None:
        pass


def find() -> Screen:
    here: Callable[[], Any] = screen
    found = here()
    if found is None:
        return Quiet()
    return LineScreen() if isinstance(found, TerminalLine) else NotebookScreen()


def page(now: Standing) -> str:
    """HTML of a training: every text in it is escaped."""
    done, steps = now.step, max(1, now.steps)
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left;overflow-wrap:anywhere">{html.escape(value)}</td></tr>'
        for name, value in now.facts
    )
    bar = (
        f'<progress value="{done}" max="{steps}" aria-label="Steps of the training" '
        f'style="display:block;width:100%;max-width:28em">'
        f"{100 * done // steps} %</progress>"
    )
    picture = curve(now.train, now.held, steps)
    told = words(now.train, now.held) if now.train else ""
    return (
        f'<div><p role="status" style="overflow-wrap:anywhere">{html.escape(now.line)}</p>{bar}{picture}'
        f"<p>{html.escape(told)}</p><table>{rows}</table></div>"
    )
