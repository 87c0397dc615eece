"""What a job trains on, from the rows of the wire to tokens; refused by its row where the model cannot read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.finetune.rows import Row as Given
from labkit.training.encode import Pair, Row, encode


def encoded(tokenizer: Any, given: Sequence[Given], longest: int, what: str = "") -> list[Row] | list[Pair]:
    """Raises RequestRefused, by row; `what` stands before its number."""
    found: list[Any] = []
    for number, one in enumerate(given, start=1):
        where = f"{what}row {number}"
        if "messages" in one:
            found.append(encode(tokenizer, one["messages"], longest, where))
        else:
            asked = one["input"]["messages"]
            outputs = ("preferred_output", "non_preferred_output")
            found.append(Pair(*(encode(tokenizer, [*asked, *one[name]], longest, where) for name in outputs)))
    return found


def largest_step(rows: Sequence[Row] | Sequence[Pair], batch: int) -> float:
    """What a step sends through the base at most: the longest rows may come together."""
    return float(sum(sorted(map(_size, rows), reverse=True)[:batch]))


def step_tokens(rows: Sequence[Row] | Sequence[Pair], batch: int) -> float:
    """What a step sends through the base, on average."""
    sizes = [_size(one) for one in rows]
    return batch * sum(sizes) / max(1, len(sizes))


def _size(one: Row | Pair) -> int:
    return len(one.ids) if isinstance(one, Row) else len(one.chosen.ids) + len(one.rejected.ids)
