"""What a job trains on, from the rows of the wire to tokens; refused by its row where the model cannot read it.

It is done a little at a time: other people's trainings go on meanwhile, however long somebody's rows are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from labkit.finetune.rows import Row as Given
from labkit.training.cotrainer import CoTrainer
from labkit.training.encode import Pair, Row, encode
from labkit.training.files import Files
from labkit.training.held_back import split
from labkit.training.job import Job

# What is measured now and then takes no more than these: nobody else's step waits longer for it.
MOST_MEASURED, MOST_MEASURED_TOKENS = 64, 4096


class Opening:
    """A job whose rows are being read. `rows` are learned from, `held_back` measured, once `read` says so."""

    def __init__(self, job: Job, trainer: CoTrainer, files: Files) -> None:
        self.job, self.trainer = job, trainer
        self.rows: list[Any] = []
        self.held_back: list[Any] = []
        self._work = self._all(files)

    def read(self, seconds: float) -> bool:
        """Goes on for about so long; whether it is done. Raises RequestRefused, by row."""
        until = time.monotonic() + seconds
        return all(time.monotonic() < until for _ in self._work)

    def _all(self, files: Files) -> Iterator[None]:
        job, tokenizer = self.job, self.trainer.resident.tokenizer
        for row in each(tokenizer, files.rows(job.training_file, job.training_digest), job.spec.length):
            self.rows.append(row)
            yield
        if job.validation_file and job.validation_digest:
            given = files.rows(job.validation_file, job.validation_digest)[:MOST_MEASURED]
            for row in each(tokenizer, given, job.spec.length, "validation "):
                self.held_back.append(row)
                yield
        else:
            self.rows, self.held_back = split(self.rows, job.spec.validation, job.spec.seed)
        self.held_back = _within(self.held_back[:MOST_MEASURED])


def encoded(tokenizer: Any, given: Sequence[Given], longest: int, what: str = "") -> list[Row] | list[Pair]:
    """Raises RequestRefused, by row; `what` stands before its number."""
    return list(each(tokenizer, given, longest, what))


def each(tokenizer: Any, given: Sequence[Given], longest: int, what: str = "") -> Iterator[Any]:
    """One after the other, as `encoded`."""
    for number, one in enumerate(given, start=1):
        where = f"{what}row {number}"
        if "messages" in one:
            yield encode(tokenizer, one["messages"], longest, where)
        else:
            asked = one["input"]["messages"]
            outputs = ("preferred_output", "non_preferred_output")
            yield Pair(*(encode(tokenizer, [*asked, *one[name]], longest, where) for name in outputs))


def largest_step(rows: Sequence[Row] | Sequence[Pair], batch: int) -> float:
    """What a step sends through the base at most: the longest rows may come together."""
    sizes = sorted(map(_size, rows), reverse=True)
    times, rest = divmod(batch, max(1, len(sizes)))  # of fewer rows than a batch, some come again in it
    return float(times * sum(sizes) + sum(sizes[:rest]))


def step_tokens(rows: Sequence[Row] | Sequence[Pair], batch: int) -> float:
    """What a step sends through the base, on average."""
    sizes = [_size(one) for one in rows]
    return batch * sum(sizes) / max(1, len(sizes))


def _within(rows: list[Any]) -> list[Any]:
    """As many of them as are measured at once, the first in any case."""
    found: list[Any] = []
    tokens = 0
    for row in rows:
        tokens += _size(row)
        if found and tokens > MOST_MEASURED_TOKENS:
            break
        found.append(row)
    return found


def _size(one: Row | Pair) -> int:
    return len(one.ids) if isinstance(one, Row) else len(one.chosen.ids) + len(one.rejected.ids)
