"""Several choice scorers of one model: the first in this process, each other in a process of its own.

Each is serial, on one thread, from the same weights: which of them answers changes no bit. A process that dies is
started again at the next call that needs it; the call it died in fails. It ends with this one, however this one ends:
its pipe is then closed.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from labkit.errors import ModelUnavailable
from labkit.models.scoring import ChoiceScorer, Scores


class Scorer(Protocol):
    """What scores choices over HTTP."""

    def measure(self, prompts: Sequence[str], choices: Sequence[str]) -> Scores: ...

    def cost(self, prompts: Sequence[str], choices: Sequence[str]) -> int: ...


class ScorerPool:
    def __init__(self, folder: Path, scorers: int) -> None:
        self._first = ChoiceScorer(folder)
        self._others = [_Other(folder) for _ in range(scorers - 1)]
        self._free: queue.LifoQueue[ChoiceScorer | _Other] = queue.LifoQueue()
        for other in self._others:
            self._free.put(other)
        self._free.put(self._first)

    def measure(self, prompts: Sequence[str], choices: Sequence[str]) -> Scores:
        """By whichever is free; raises RequestRefused for what cannot be scored."""
        self._first.cost(prompts, choices)  # refuses here, so that nothing but scores crosses a pipe
        one = self._free.get()
        try:
            return one.measure(prompts, choices)
        finally:
            self._free.put(one)

    def cost(self, prompts: Sequence[str], choices: Sequence[str]) -> int:
        return self._first.cost(prompts, choices)

    def close(self) -> None:
        for one in self._others:
            one.end()


class _Other:
    """A scorer in a process of its own; one call at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start()

    def measure(self, prompts: Sequence[str], choices: Sequence[str]) -> Scores:
        if not self._process.is_alive():
            self._start()
        try:
            self._line.send((list(prompts), list(choices)))
            rows, tokens = self._line.recv()
        except (EOFError, OSError) as error:
            self.end()
            raise ModelUnavailable("The model did not answer.", instead="Try again; nothing was charged.") from error
        return Scores(rows, tokens)

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._line.close()

    def _start(self) -> None:
        # Spawned, not forked: torch's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._folder), daemon=True)
        self._process.start()
        theirs.close()


def _serve(line: Connection, folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the first process ends us
    scorer = ChoiceScorer(folder)
    with suppress(EOFError, OSError):
        while True:
            scores = scorer.measure(*line.recv())
            line.send((scores.rows, scores.tokens))
