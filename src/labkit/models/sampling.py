"""Draws the text that follows a prompt, token by token, from a causal model in torch.

Our own loop and not transformers' `generate`: it hands out each token as it is drawn, ends when its caller does, and
draws with a generator of its own, so that a seed means the same whatever runs beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Draw:
    """OpenAI's parameters of a draw; `seed` None: another text each time. `likeliest`: how many tokens are told with
    each drawn one."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    likeliest: int = 0


@dataclass(frozen=True)
class Token:
    """A drawn token. Log-probabilities are the model's own, before temperature and penalties."""

    id: int
    logprob: float
    likeliest: tuple[tuple[int, float], ...] = ()


@dataclass
class Text:
    """The text of the tokens so far, told no further than where no stop text can begin."""

    decode: Callable[[list[int]], str]
    stops: Sequence[str]
    ids: list[int] = field(default_factory=list)
    told: int = 0
    stopped: bool = False

    def add(self, token: int) -> str:
        self.ids.append(token)
        whole = self.decode(self.ids)
        found = [place for stop in self.stops if (place := whole.find(stop)) >= 0]
        self.stopped = bool(found)
        return self._tell(whole[: min(found)] if found else whole[: len(whole) - self._held(whole)])

    def end(self) -> str:
        return "" if self.stopped else self._tell(self.decode(self.ids))

    def _tell(self, text: str) -> str:
        new, self.told = text[self.told :], max(self.told, len(text))
        return new

    def _held(self, whole: str) -> int:
        """How many characters at the end may be half a character, or the beginning of a stop text."""
        half = len(whole) - len(whole.rstrip("\N{REPLACEMENT CHARACTER}"))
        begun = [size for stop in self.stops for size in range(1, len(stop)) if whole.endswith(stop[:size])]
        return max([half, *begun])


def sample(model: Any, prompt: Sequence[int], draw: Draw) -> Iterator[Token]:
    """Token after token, for as long as the caller asks; where to end is the caller's to know.

    `model` is a transformers causal model in evaluation mode, `prompt` at least one token.
    """
    import torch
    from transformers import DynamicCache

    generator = torch.Generator().manual_seed(draw.seed) if draw.seed is not None else None
    cache, drawn, ahead = DynamicCache(config=model.config), Counter[int](), list(prompt)
    while True:
        # Entered anew for each token: it must not stay on in whoever asks for the next.
        with torch.inference_mode():
            hidden = model.model(input_ids=torch.tensor([ahead]), past_key_values=cache, use_cache=True)
            # Of the last place only: a row of the vocabulary for every token of a prompt would be memory for nothing.
            logits = model.lm_head(hidden.last_hidden_state[:, -1])[0].float()
            known = torch.log_softmax(logits, dim=-1)
            chosen = choose(logits, drawn, draw, generator)
            best = torch.topk(known, draw.likeliest)
            pairs = tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))
            token = Token(chosen, float(known[chosen]), pairs)
        drawn[chosen] += 1
        ahead = [chosen]
        yield token


def choose(logits: Any, drawn: Counter[int], draw: Draw, generator: Any) -> int:
    """The next token, of its logits [vocabulary] (which this may change) and the tokens drawn so far."""
    import torch

    return _choose(torch, _penalised(logits, drawn, draw), draw, generator)


def _penalised(logits: Any, drawn: Counter[int], draw: Draw) -> Any:
    """OpenAI's formula: a token's number so far times one penalty, and the other once if it was drawn at all."""
    for token, number in drawn.items() if draw.presence_penalty or draw.frequency_penalty else ():
        logits[token] -= number * draw.frequency_penalty + draw.presence_penalty
    return logits


def _choose(torch: Any, logits: Any, draw: Draw, generator: Any) -> int:
    if draw.temperature == 0:
        return int(logits.argmax())
    shares, order = torch.softmax(logits / draw.temperature, dim=-1).sort(descending=True)
    before = shares.cumsum(0) - shares
    kept = shares * (before < draw.top_p)
    kept[0] = shares[0]  # also where top_p is 0
    return int(order[torch.multinomial(kept, 1, generator=generator)])
