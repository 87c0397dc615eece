"""What a pass is graded by: the log-probability of the tokens that have a label, and two losses made of it.

Logits exist only where there is a label, a slice of them at a time: a vocabulary of fifty thousand for every token of a
batch would be the largest thing in memory. The gradient of a token's log-probability is computed with it, so nothing of
a slice is kept.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_SLICE = 256  # tokens whose logits are there at once: 50 MB for fifty thousand words
FEWEST = 8  # see resident.py: shorter products differ in their last bits


def log_probabilities(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """log P(target) for each place: hidden [places, width], head [vocabulary, width], targets [places] -> [places]."""
    found: Tensor = _LogProbabilities.apply(hidden, head, targets)
    return found


class _LogProbabilities(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
        lack = max(0, FEWEST - len(hidden))
        padded = functional.pad(hidden, (0, 0, 0, lack)), functional.pad(targets, (0, lack))
        wanted = ctx.needs_input_grad[0]
        told, slopes = [], []
        for places, names in zip(*(_slices(one) for one in padded), strict=True):
            logits = (places @ head.t()).float()
            row = torch.arange(len(names), device=names.device)
            known = torch.log_softmax(logits, dim=-1)
            told.append(known[row, names])
            if wanted:
                # d log softmax(z)[t] / dz = onehot(t) - softmax(z)
                slope = known.exp_().neg_()
                slope[row, names] += 1
                slopes.append(slope.to(head.dtype) @ head)
        ctx.save_for_backward(*([torch.cat(slopes)[: len(hidden)]] if wanted else []))
        return torch.cat(told)[: len(hidden)]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return gradients[0][:, None].to(slopes.dtype) * slopes, None, None


def _slices(whole: Tensor) -> list[Tensor]:
    """Of `_SLICE` each, none of them short: a remainder joins the slice before it."""
    count = max(1, len(whole) // _SLICE)
    ends = [*range(_SLICE, _SLICE * count, _SLICE), len(whole)]
    return [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def preference(chosen: Tensor, rejected: Tensor, before: Tensor, beta: float) -> Tensor:
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290), a loss for each pair.

    `chosen` and `rejected` are the log-probabilities of whole answers under the adapter, `before` is how much likelier
    the base model finds the chosen one: log P(chosen) - log P(rejected).
    """
    return -functional.logsigmoid(beta * (chosen - rejected - before))
