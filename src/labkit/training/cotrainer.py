"""Takes steps for many jobs at once: one pass forward and one backward through the shared base, an optimiser for each.

Every job's loss is the mean over its own labels; their sum is what is differentiated, so each adapter gets the gradient
it would get alone. Jobs join and leave between steps. A job whose loss is not a number ends alone.

`upper` adapters change the last layers only. What the layers below compute of a row is then the same in every step: it
is computed once and kept, as far as `kept_mb` reaches.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from labkit.training.encode import Pair, Row
from labkit.training.layout import Layout, lay_out
from labkit.training.lora import Adapter
from labkit.training.losses import log_probabilities, preference
from labkit.training.resident import Resident, line
from labkit.training.spec import Spec

# So many tokens go through the base at once; a larger batch goes in several passes, whose gradients are added up.
PASS_TOKENS = 2048
Batch = Sequence[Row] | Sequence[Pair]


@dataclass
class Trained:
    """A job as the trainer has it: its adapter, its optimiser, and how many steps it has taken."""

    spec: Spec
    adapter: Adapter
    optimizer: torch.optim.Optimizer
    step: int = 0
    before: dict[Pair, float] = field(default_factory=dict)  # what the base thinks of each pair


@dataclass(frozen=True)
class Taken:
    """What a step came to. `loss` is before the step; `accuracy` is of pairs: how many are preferred as they should."""

    loss: float
    labels: int
    tokens: int
    accuracy: float | None = None

    @property
    def broken(self) -> bool:
        return not math.isfinite(self.loss)


class CoTrainer:
    def __init__(self, resident: Resident, kept_mb: float = 256) -> None:
        self.resident = resident
        self._kept: OrderedDict[tuple[int, tuple[int, ...]], Tensor] = OrderedDict()
        self._room = int(kept_mb * 2**20)

    def join(self, spec: Spec) -> Trained:
        """A new adapter, with the optimiser that moves it."""
        first = spec.first_layer(self.resident.layers)
        shapes = self.resident.shapes(spec.targets, first)
        adapter = Adapter(shapes, spec.rank, spec.alpha, spec.seed, str(self.resident.device))
        weights = torch.nn.Parameter(adapter.weights, requires_grad=True)
        weights.grad = adapter.gradients
        optimizer = torch.optim.AdamW(
            [weights], lr=spec.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=spec.weight_decay, fused=True
        )
        return Trained(spec, adapter, optimizer)

    def step(self, batches: Mapping[str, tuple[Trained, Batch]]) -> dict[str, Taken]:
        """One step of each job. A job whose loss is broken has not moved."""
        for job, _ in batches.values():
            job.adapter.gradients.zero_()
        found: dict[str, list[Taken]] = {name: [] for name in batches}
        for together in _passes(batches):
            for name, taken in self._pass(together, batches).items():
                found[name].append(taken)
        told = {name: _together(parts) for name, parts in found.items()}
        for name, (job, _) in batches.items():
            if not told[name].broken and not _move(job):
                told[name] = Taken(math.nan, told[name].labels, told[name].tokens)
        return told

    @torch.no_grad()
    def loss(self, job: Trained, rows: Batch) -> Taken:
        """What the job's adapter makes of rows it does not learn from."""
        parts = [self._one(job, share, _labels_of(rows), len(rows)) for share in _shares(rows, PASS_TOKENS)]
        return _together([taken for _, taken in parts])

    def forget(self) -> None:
        """Drops what was kept of the lower layers."""
        self._kept.clear()

    def _pass(
        self, together: Sequence[tuple[str, Batch]], batches: Mapping[str, tuple[Trained, Batch]]
    ) -> dict[str, Taken]:
        for name, share in together:
            self._look_before(batches[name][0], share)
        told = self._told([(share, batches[name][0]) for name, share in together])
        found, total, place = {}, None, 0
        for name, share in together:
            job, whole = batches[name]
            count = sum(row.labels for row in _rows(share))
            loss, taken = _lossy(job, share, told[place : place + count], _labels_of(whole), len(whole))
            total, place = loss if total is None else total + loss, place + count
            found[name] = taken
        assert total is not None
        total.backward()
        return found

    def _one(self, job: Trained, share: Batch, labels: int, size: int) -> tuple[Tensor, Taken]:
        self._look_before(job, share)
        return _lossy(job, share, self._told([(share, job)]), labels, size)

    def _told(self, shares: Sequence[tuple[Batch, Trained | None]]) -> Tensor:
        """log P of every label of these shares, one share after another; None stands for the base alone."""
        rows = [row for share, _ in shares for row in _rows(share)]
        # The last token of a row predicts nothing.
        groups = [
            ([row.ids[:-1] for row in group], job.adapter if job else None)
            for share, job in shares
            for group in _groups(share)
        ]
        layout = lay_out(groups)
        first = min(job.spec.first_layer(self.resident.layers) if job else 0 for _, job in shares)
        hidden = self._hidden(layout, rows, first)
        places = [layout.rows[number].of(place) for number, row in enumerate(rows) for place, _ in row.targets]
        names = [token for row in rows for _, token in row.targets]
        where, what = (torch.tensor(one, device=hidden.device) for one in (places, names))
        return log_probabilities(hidden[where], self.resident.head, what)

    def _hidden(self, layout: Layout, rows: Sequence[Row], first: int) -> Tensor:
        """The last hidden states, [tokens of the pass, width]; the layers below `first` are nobody's."""
        if first == 0:
            return self.resident.run(layout.line, self.resident.embed(layout.line))
        return self.resident.run(layout.line, layout.collect(self._lower(rows, first)), first)

    def _lower(self, rows: Sequence[Row], until: int) -> list[Tensor]:
        """Of each row [tokens, width] after the layers below `until`, as kept where that is known."""
        wanted = [row.ids[:-1] for row in rows]
        unknown = [ids for ids in dict.fromkeys(wanted) if (until, ids) not in self._kept]
        found: dict[tuple[int, ...], Tensor] = {}
        if unknown:
            with torch.no_grad():
                some = line([(ids, None) for ids in unknown])
                whole = self.resident.run(some, self.resident.embed(some), 0, until)
            found = dict(zip(unknown, whole.split(some.lengths), strict=False))
        for ids in wanted:
            if ids not in found:
                self._kept.move_to_end((until, ids))
                found[ids] = self._kept[until, ids]
        self._keep(until, {ids: found[ids] for ids in unknown})
        return [found[ids] for ids in wanted]

    def _keep(self, until: int, fresh: Mapping[tuple[int, ...], Tensor]) -> None:
        for row, hidden in fresh.items():
            self._kept[until, row] = hidden.clone()
        size = sum(one.numel() * one.element_size() for one in self._kept.values())
        while size > self._room and self._kept:
            _, gone = self._kept.popitem(last=False)
            size -= gone.numel() * gone.element_size()

    @torch.no_grad()
    def _look_before(self, job: Trained, share: Batch) -> None:
        """What the base thinks of pairs, asked once for each."""
        pairs = [one for one in share if isinstance(one, Pair) and one not in job.before]
        if not pairs:
            return
        rows, told = _rows(pairs), self._told([(pairs, None)])
        sums = [float(one.sum()) for one in told.split([row.labels for row in rows])]
        job.before |= {pair: sums[2 * place] - sums[2 * place + 1] for place, pair in enumerate(pairs)}


def _lossy(job: Trained, share: Batch, told: Tensor, labels: int, size: int) -> tuple[Tensor, Taken]:
    """A share's part of the job's loss, whose batch has so many labels and so many rows or pairs."""
    rows = _rows(share)
    tokens = sum(len(row.ids) for row in rows)
    if job.spec.method == "sft":
        loss = -told.sum() / labels
        return loss, Taken(float(loss.detach()), len(told), tokens)
    sums = torch.stack([one.sum() for one in told.split([row.labels for row in rows])])
    chosen, rejected = sums[0::2], sums[1::2]
    known = [job.before[pair] for pair in share if isinstance(pair, Pair)]
    before = torch.tensor(known, device=told.device)
    loss = preference(chosen, rejected, before, job.spec.beta).sum() / size
    better = float((chosen - rejected > before).float().sum()) / size
    return loss, Taken(float(loss.detach()), len(told), tokens, better)


def _move(job: Trained) -> bool:
    """Clips and steps; whether there was a finite gradient to follow."""
    gradients, spec = job.adapter.gradients, job.spec
    norm = float(gradients.norm())
    if not math.isfinite(norm):
        return False
    if norm > spec.clip:
        gradients.mul_(spec.clip / norm)
    for group in job.optimizer.param_groups:
        group["lr"] = spec.rate(job.step)
    job.optimizer.step()
    job.step += 1
    return True


def _passes(batches: Mapping[str, tuple[Trained, Batch]]) -> list[list[tuple[str, Batch]]]:
    """Which shares of which jobs go through the base together. How a job is shared out is its own affair: it must not
    depend on who else is there."""
    found: list[list[tuple[str, Batch]]] = [[]]
    room = PASS_TOKENS
    for name, (job, batch) in batches.items():
        for share in _shares(batch, PASS_TOKENS):
            size = sum(_size(one) for one in share)
            same = found[-1] and batches[found[-1][0][0]][0].spec.layers == job.spec.layers
            if found[-1] and (size > room or not same):
                found.append([])
                room = PASS_TOKENS
            found[-1].append((name, share))
            room -= size
    return found


def _shares(batch: Batch, most: int) -> list[Batch]:
    found: list[list[Row | Pair]] = [[]]
    room = most
    for one in batch:
        size = _size(one)
        if found[-1] and size > room:
            found.append([])
            room = most
        found[-1].append(one)
        room -= size
    return found  # type: ignore[return-value]


def _rows(batch: Batch) -> list[Row]:
    return [row for one in batch for row in ((one.chosen, one.rejected) if isinstance(one, Pair) else (one,))]


def _groups(share: Batch) -> list[list[Row]]:
    """Rows that may begin alike: all of a batch, or the two answers of a pair."""
    pairs = [one for one in share if isinstance(one, Pair)]
    return [[one.chosen, one.rejected] for one in pairs] if pairs else [_rows(share)]


def _size(one: Row | Pair) -> int:
    return len(one.ids) if isinstance(one, Row) else len(one.chosen.ids) + len(one.rejected.ids)


def _labels(one: Row | Pair) -> int:
    return one.labels if isinstance(one, Row) else one.chosen.labels + one.rejected.labels


def _labels_of(batch: Batch) -> int:
    return sum(_labels(one) for one in batch)


def _together(parts: Sequence[Taken]) -> Taken:
    accuracy = [part.accuracy for part in parts if part.accuracy is not None]
    return Taken(
        sum(part.loss for part in parts),
        sum(part.labels for part in parts),
        sum(part.tokens for part in parts),
        sum(accuracy) if accuracy else None,
    )
