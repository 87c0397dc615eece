"""Where the tokens of rows lie in a pass, when what rows of one owner begin with alike is computed only once.

Rows of a group that begin with the same tokens, as the same system prompt makes them, share those: they are one segment
that all others of the group come after. Attention finds their keys and values there, and their gradients meet there, so
a step is the same but for the last bits of a sum. How a group is laid out depends on nothing but its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.training.lora import Adapter
from labkit.training.resident import Line

_LEAST = 4  # tokens that are worth a segment of their own
Group = tuple[Sequence[Sequence[int]], Adapter | None]


@dataclass(frozen=True)
class Where:
    """One row: its first `shared` tokens lie from `before` on, the others from `after` on."""

    before: int
    shared: int
    after: int
    length: int

    def of(self, token: int) -> int:
        return self.before + token if token < self.shared else self.after + token - self.shared


@dataclass(frozen=True)
class Layout:
    line: Line
    rows: tuple[Where, ...]

    def collect(self, rows: Sequence[Tensor]) -> Tensor:
        """[tokens of the pass, width] from [tokens, width] of each row."""
        found: list[Tensor] = []
        shown: set[int] = set()
        for where, row in zip(self.rows, rows, strict=True):
            if where.shared and where.before not in shown:
                shown.add(where.before)
                found.append(row[: where.shared])
            found.append(row[where.shared :])
        missing = len(self.line.ids) - sum(len(one) for one in found)
        if missing:
            found.append(torch.zeros(missing, rows[0].shape[1], dtype=rows[0].dtype, device=rows[0].device))
        return torch.cat(found)


def lay_out(groups: Sequence[Group]) -> Layout:
    """One pass over the rows of all groups, in their order."""
    segments: list[Sequence[int]] = []
    owners: list[Adapter | None] = []
    parents: list[int | None] = []
    rows: list[Where] = []
    place = 0
    for group, owner in groups:
        shared = _shared(group)
        before, parent = place, None
        if shared:
            parent = len(segments)
            segments, owners, parents = [*segments, group[0][:shared]], [*owners, owner], [*parents, None]
            place += shared
        for row in group:
            segments, owners, parents = [*segments, row[shared:]], [*owners, owner], [*parents, parent]
            rows.append(Where(before, shared, place, len(row)))
            place += len(row) - shared
    return Layout(Line.of(segments, owners, parents=parents), tuple(rows))


def _shared(group: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with alike, so that each has one left; 0 where that saves too little."""
    if len(group) < 2:
        return 0
    most = min(len(row) for row in group) - 1
    first = group[0]
    count = next((place for place in range(most) if any(row[place] != first[place] for row in group)), most)
    return count if count >= _LEAST else 0
