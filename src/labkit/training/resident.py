"""The frozen base model that a whole class shares, computed for rows of any length side by side.

The tokens of all rows lie in one line: there is no padding. Attention is the only place where tokens meet, and there
each row is computed by itself; so a row's result does not depend on what else is in the pass.

What this does not cover: a matrix product of fewer than `FEWEST` rows takes another way through the processor and
differs in its last bits, so a shorter pass is filled up; other processors and libraries may need more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from labkit.errors import OperatorError
from labkit.training.lora import AdaptedLinear, Adapter, Current, Piece, Shapes

FEWEST = 8
# In the order in which a layer computes them.
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# Decoders whose layers are called alike: attention through transformers' interface, rotary positions, no other state.
KINDS = ("llama", "mistral", "qwen2", "qwen3", "smollm3")
_ATTENTION = "labkit_ragged"


class Memory:
    """Keys and values of a row's tokens so far, by layer: [1, heads, tokens, width] each."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self.tokens = 0

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """With the new ones behind the old."""
        if layer in self._kept:
            old_key, old_value = self._kept[layer]
            key, value = torch.cat((old_key, key), dim=2), torch.cat((old_value, value), dim=2)
        self._kept[layer] = key, value
        return key, value


@dataclass(frozen=True)
class Line:
    """The tokens of one pass: `ids` [tokens], and of each row how many tokens it has and whose it is.

    `memories` are what rows that go on remember of their earlier tokens; None: a row begins here, and is not kept.
    `parents` name the row that another comes after, with its own tokens only: see layout.py.
    """

    ids: Tensor
    lengths: tuple[int, ...]
    owners: tuple[Adapter | None, ...]
    memories: tuple[Memory | None, ...] = ()
    parents: tuple[int | None, ...] = ()

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int]],
        owners: Sequence[Adapter | None],
        memories: Sequence[Memory | None] | None = None,
        parents: Sequence[int | None] | None = None,
    ) -> Line:
        """A pass over these rows, filled up where it would be too short."""
        ids = [token for row in rows for token in row]
        lengths, lack = [len(row) for row in rows], max(0, FEWEST - len(ids))
        more = 1 if lack else 0
        return cls(
            torch.tensor(ids + [0] * lack),
            (*lengths, *[lack] * more),
            (*owners, *[None] * more),
            (*(memories or [None] * len(rows)), *[None] * more),
            (*(parents or [None] * len(rows)), *[None] * more),
        )

    @property
    def starts(self) -> list[int]:
        """The position of each row's first token."""
        found = []
        for memory, parent in zip(self.memories, self.parents, strict=True):
            found.append(self.lengths[parent] if parent is not None else memory.tokens if memory else 0)
        return found

    @property
    def pieces(self) -> list[Piece]:
        """Neighbouring rows of one owner are one piece."""
        found: list[Piece] = []
        place = 0
        for length, owner in zip(self.lengths, self.owners, strict=True):
            if found and found[-1].adapter is owner:
                found[-1] = Piece(found[-1].first, place + length, owner)
            else:
                found.append(Piece(place, place + length, owner))
            place += length
        return found


def line(rows: Sequence[tuple[Sequence[int], Adapter | None]], memories: Sequence[Memory | None] | None = None) -> Line:
    """A pass over rows that share nothing."""
    return Line.of([tokens for tokens, _ in rows], [owner for _, owner in rows], memories)


class Resident:
    """A base model from a folder with safetensors, config and tokenizer; float32 unless said otherwise, on a GPU where
    there is one. Tested on a processor alone."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32, device: str = "") -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, attn_implementation="sdpa"
        )
        self.config = self.model.config
        if self.config.model_type not in KINDS:
            raise OperatorError(
                f"{folder} holds a model of the kind {self.config.model_type!r}.",
                instead=f"Train one of {', '.join(KINDS)}.",
            )
        self.model.eval().requires_grad_(False).to(self.device)
        self._current = Current()
        self._anchor = torch.zeros(1, requires_grad=True, device=self.device)
        self._shapes = self._adapt()
        _register()
        self.model.set_attn_implementation(_ATTENTION)

    @property
    def layers(self) -> int:
        return len(self.model.model.layers)

    @property
    def head(self) -> Tensor:
        """[vocabulary, hidden]"""
        weight: Tensor = self.model.lm_head.weight
        return weight

    def shapes(self, targets: Sequence[str] = TARGETS, first_layer: int = 0) -> Shapes:
        """Of the frozen weights an adapter changes: those projections, from a layer on."""
        return {
            name: shape
            for name, shape in self._shapes.items()
            if name.rpartition(".")[2] in targets and int(name.split(".")[2]) >= first_layer
        }

    def embed(self, given: Line) -> Tensor:
        """What goes into the first layer: [tokens, hidden]."""
        found: Tensor = self.model.model.embed_tokens(given.ids.to(self.device))
        return found

    def run(self, given: Line, hidden: Tensor, first: int = 0, last: int | None = None) -> Tensor:
        """[tokens, hidden] through the layers from `first` up to `last`; through all of them, with the final norm."""
        body = self.model.model
        spans = (torch.arange(start, start + length) for start, length in zip(given.starts, given.lengths, strict=True))
        positions = torch.cat(list(spans))[None].to(self.device)
        hidden = hidden[None]
        turned = body.rotary_emb(hidden, position_ids=positions)
        self._current.pieces, self._current.anchor = given.pieces, self._anchor
        try:
            for layer in body.layers[first:last]:
                hidden = layer(
                    hidden,
                    attention_mask=None,
                    position_ids=positions,
                    position_embeddings=turned,
                    use_cache=False,
                    rows=given.lengths,
                    memories=given.memories,
                    parents=given.parents,
                )
        finally:
            self._current.pieces = ()
        for memory, length in zip(given.memories, given.lengths, strict=True):
            if memory is not None:
                memory.tokens += length
        return (body.norm(hidden) if last is None else hidden)[0]

    def _adapt(self) -> dict[str, tuple[int, int]]:
        shapes: dict[str, tuple[int, int]] = {}
        for name, module in list(self.model.named_modules()):
            parent, _, own = name.rpartition(".")
            if isinstance(module, nn.Linear) and own in TARGETS:
                shapes[name] = (module.out_features, module.in_features)
                setattr(self.model.get_submodule(parent), own, AdaptedLinear(module, name, self._current))
        return shapes


def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(_ATTENTION, _attend)
    AttentionMaskInterface.register(_ATTENTION, lambda *_, **__: None)


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    rows: Sequence[int],
    memories: Sequence[Memory | None],
    parents: Sequence[int | None],
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each row; [1, heads, tokens, width] in, [1, tokens, heads, width] out."""
    groups, kind = query.shape[1] // key.shape[1], query.dtype
    if query.device.type == "cpu":  # whose attention in half precision takes three times as long
        query, key, value = query.float(), key.float(), value.float()
    found = []
    queries, keys, values = (one.split(tuple(rows), dim=2) for one in (query, key, value))
    for place, (q, memory, parent) in enumerate(zip(queries, memories, parents, strict=True)):
        k, v = keys[place], values[place]
        if memory is not None:
            k, v = memory.extend(module.layer_idx, k, v)
        elif parent is not None:
            k, v = torch.cat((keys[parent], k), dim=2), torch.cat((values[parent], v), dim=2)
        wide_k, wide_v = (one.repeat_interleave(groups, dim=1) if groups > 1 else one for one in (k, v))
        mask = _behind(q.shape[2], k.shape[2], q.device) if 1 < q.shape[2] < k.shape[2] else None
        causal = q.shape[2] == k.shape[2]
        found.append(functional.scaled_dot_product_attention(q, wide_k, wide_v, mask, is_causal=causal, scale=scaling))
    return torch.cat(found, dim=2).transpose(1, 2).to(kind), None


@lru_cache(maxsize=256)
def _behind(own: int, all_: int, device: torch.device) -> Tensor:
    """[own, all]: what the last `own` of so many tokens may look at."""
    return torch.ones(own, all_, dtype=torch.bool, device=device).tril(all_ - own)
