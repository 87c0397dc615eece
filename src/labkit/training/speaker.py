"""Answers with many learners' adapters at once: each pass takes the next token of every answer that is being written.

Answers join and leave between passes. A prompt is read in pieces, so that a long one does not hold up the others. What
an answer says does not depend on what else is being written, but for the last bits of a product (see resident.py).
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import torch

from labkit.models.sampling import Draw, choose
from labkit.training.lora import Adapter
from labkit.training.resident import Memory, Resident, line

log = logging.getLogger("labkit.training")
_PIECE = 256  # tokens of a prompt that are read in one pass
MOST_TOGETHER = 16


@dataclass
class Answer:
    """One that is being written. `tell` gets each token, then None; it is called in the speaker's thread.

    `failed`: it ended because something broke on our side, and not because it was over.
    """

    prompt: Sequence[int]
    adapter: Adapter | None
    draw: Draw
    most: int
    ends: frozenset[int]
    tell: Callable[[int | None], None]
    memory: Memory = field(default_factory=Memory)
    ahead: list[int] = field(default_factory=list)
    drawn: Counter[int] = field(default_factory=Counter)
    given_up: bool = False
    failed: bool = False
    generator: Any = None

    def __post_init__(self) -> None:
        self.ahead = list(self.prompt)
        if self.draw.seed is not None:
            self.generator = torch.Generator().manual_seed(self.draw.seed)


class Speaker:
    """One thread writes all answers of a resident base. `close` ends it."""

    def __init__(self, resident: Resident) -> None:
        self.resident = resident
        self._coming: Queue[Answer | None] = Queue()
        self._thread = threading.Thread(target=self._work, name="speaker", daemon=True)
        self._thread.start()

    def say(self, answer: Answer) -> None:
        self._coming.put(answer)

    def close(self) -> None:
        self._coming.put(None)
        self._thread.join()

    def _work(self) -> None:
        active: list[Answer] = []
        while True:
            for one in self._arrived(wait=not active, room=MOST_TOGETHER - len(active)):
                if one is None:
                    return
                active.append(one)
            active = [one for one in active if not one.given_up]
            if active:
                try:
                    self._pass(active)
                except Exception:
                    log.exception("A pass over %d answers failed", len(active))
                    for one in (one for one in active if not one.given_up):
                        one.failed = one.given_up = True
                        _tell(one, None)
            active = [one for one in active if not one.given_up]

    def _arrived(self, *, wait: bool, room: int) -> Iterator[Answer | None]:
        if wait:
            yield self._coming.get()
            room -= 1
        while room > 0 and not self._coming.empty():
            yield self._coming.get()
            room -= 1

    @torch.inference_mode()
    def _pass(self, active: Sequence[Answer]) -> None:
        pieces = [one.ahead[:_PIECE] for one in active]
        rows = [(piece, one.adapter) for piece, one in zip(pieces, active, strict=True)]
        given = line(rows, [one.memory for one in active])
        hidden = self.resident.run(given, self.resident.embed(given))
        place = 0
        for piece, one in zip(pieces, active, strict=True):
            place += len(piece)
            one.ahead = one.ahead[len(piece) :]
            if not one.ahead:
                self._next(one, hidden[place - 1])

    def _next(self, one: Answer, hidden: torch.Tensor) -> None:
        token = choose((self.resident.head @ hidden).float(), one.drawn, one.draw, one.generator)
        one.drawn[token] += 1
        one.ahead = [token]
        if token in one.ends:
            one.given_up = True
            _tell(one, None)
            return
        _tell(one, token)
        if one.drawn.total() >= one.most:
            one.given_up = True
            _tell(one, None)


def _tell(one: Answer, token: int | None) -> None:
    """Whoever no longer listens ends her own answer, and nobody else's."""
    try:
        one.tell(token)
    except Exception:
        log.warning("Whoever asked is gone before her answer was whole")
        one.given_up = True
