"""LoRA weights of one learner, and the linear layer that applies many learners' at once.

An adapter adds `scale * B @ A` to a frozen layer's weight, with A [rank, in] and B [out, rank] (Hu et al. 2021,
arXiv:2106.09685, as PEFT does it: A uniform in ±1/sqrt(in), B zero, scale = alpha / rank).

All tokens of a pass lie in one row, learner after learner. The frozen product is computed for all of them together, the
two small ones for each learner's own piece: their shapes, and so every bit of them, are those of training alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Shapes = Mapping[str, tuple[int, int]]  # of a frozen weight, by the layer's name: (out, in)


@dataclass(frozen=True)
class Part:
    """An adapter's share in one layer; gradients are added into place by the backward pass."""

    a: Tensor
    b: Tensor
    grad_a: Tensor
    grad_b: Tensor


class Adapter:
    """One learner's weights: `weights` and `gradients` are flat, float32; `parts` are views into them by layer.

    Flat, so that a norm, a clip and an optimiser's step are one operation each and not one for every layer. One that
    only answers, `trained` no more, has no gradients: they would take as much memory again.
    """

    def __init__(
        self, shapes: Shapes, rank: int, alpha: float, seed: int, device: str = "cpu", *, trained: bool = True
    ) -> None:
        self.rank, self.alpha, self.scale = rank, alpha, alpha / rank
        self.shapes = dict(shapes)
        size = sum(rank * (out + into) for out, into in shapes.values())
        self.weights = torch.zeros(size, device=device)
        self.gradients = torch.zeros(size, device=device) if trained else torch.zeros(1, device=device).expand(size)
        self.parts: dict[str, Part] = {}
        generator, place = torch.Generator().manual_seed(seed), 0
        for name, (out, into) in shapes.items():
            views = []
            for shape in ((rank, into), (out, rank)):
                end = place + math.prod(shape)
                views.append([flat[place:end].view(shape) for flat in (self.weights, self.gradients)])
                place = end
            (a, grad_a), (b, grad_b) = views
            bound = 1 / math.sqrt(into)
            # Drawn on the processor: the same numbers for every device.
            a.copy_(torch.empty(rank, into).uniform_(-bound, bound, generator=generator))
            self.parts[name] = Part(a, b, grad_a, grad_b)

    @property
    def nbytes(self) -> int:
        """What it takes of the memory."""
        return sum(one.untyped_storage().nbytes() for one in (self.weights, self.gradients))

    def tensors(self) -> Iterator[tuple[str, Tensor, Tensor]]:
        """(layer's name, A, B)."""
        for name, part in self.parts.items():
            yield name, part.a, part.b

    def load(self, weights: Tensor) -> None:
        self.weights.copy_(weights)


@dataclass(frozen=True)
class Piece:
    """Whose tokens `first` up to `last` of a pass are; None: the base model's alone."""

    first: int
    last: int
    adapter: Adapter | None


@dataclass
class Current:
    """What the layers look at while a pass runs. `anchor` keeps a graph where no input of a layer needs gradients."""

    pieces: Sequence[Piece] = ()
    anchor: Tensor | None = None


class AdaptedLinear(nn.Module):
    """A frozen linear layer with whatever adapters the current pass brings; without any, that layer bit for bit."""

    def __init__(self, base: nn.Linear, name: str, current: Current) -> None:
        super().__init__()
        self.base, self.name, self.current = base, name, current

    def forward(self, x: Tensor) -> Tensor:
        mine = [
            (piece.first, piece.last, piece.adapter.parts[self.name], piece.adapter.scale)
            for piece in self.current.pieces
            if piece.adapter is not None and self.name in piece.adapter.parts
        ]
        if not mine:
            return functional.linear(x, self.base.weight, self.base.bias)
        flat = x.reshape(-1, x.shape[-1])
        anchor = self.current.anchor if torch.is_grad_enabled() else None
        y: Tensor = _Adapted.apply(flat, anchor, self.base.weight, self.base.bias, mine)
        return y.reshape(*x.shape[:-1], -1)


_Mine = list[tuple[int, int, Part, float]]


class _Adapted(torch.autograd.Function):
    """x W^T + b, and to each piece scale * (x A^T) B^T. Weights of adapters are no inputs: their gradients are added
    where the adapter keeps them, which spares autograd hundreds of small nodes."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, _anchor: Tensor | None, weight: Tensor, bias: Tensor | None, mine: _Mine
    ) -> Tensor:
        y = functional.linear(x, weight, bias)
        lows = []
        for first, last, part, scale in mine:
            low = x[first:last] @ part.a.to(x.dtype).t()
            y[first:last].addmm_(low, part.b.to(x.dtype).t(), alpha=scale)
            lows.append(low)
        ctx.save_for_backward(x, weight, *lows)
        ctx.mine = mine
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        (gradient,) = gradients
        x, weight, *lows = ctx.saved_tensors
        below = gradient @ weight if ctx.needs_input_grad[0] else None
        for (first, last, part, scale), low in zip(ctx.mine, lows, strict=True):
            mine = gradient[first:last]
            back = mine @ part.b.to(x.dtype)
            _add(part.grad_b, mine, low, scale)
            _add(part.grad_a, back, x[first:last], scale)
            if below is not None:
                below[first:last].addmm_(back, part.a.to(x.dtype), alpha=scale)
        return below, None, None, None, None


def _add(into: Tensor, left: Tensor, right: Tensor, scale: float) -> None:
    """into += scale * left^T right, in float32."""
    into.addmm_(left.t().to(into.dtype), right.to(into.dtype), alpha=scale)
