"""Choice scoring: log P(choice | prompt) as raw completion, in torch, reproducible.

No chat template is added. A choice is read as the text that follows the prompt, so it usually begins with a space
(" praise"): with it most words are one token. Spaces at a prompt's end are moved to the front of its choices, because
the tokenizer joins a space to the word after it; apart from that, prompt and choice are tokenised apart, so the end
of a prompt never merges into a choice.

What all prompts of one call share at their beginning is computed once. Every prompt is then scored on its own, so
neither the order of a batch nor an earlier call changes a number; a prompt alone and the same prompt among others
agree within 1e-4, since the shared part is then cut elsewhere. What this does not cover: another version of torch
or another processor may differ in the fifth decimal.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import RequestRefused


@dataclass(frozen=True)
class Scores:
    """One row per prompt, one log-probability per choice; `tokens` is what they cost."""

    rows: list[list[float]]
    tokens: int


@dataclass(frozen=True)
class _Question:
    prompt: tuple[int, ...]
    choices: tuple[tuple[int, ...], ...]


class ChoiceScorer:
    """Loads the model of a prepared `safetensors` folder and scores; one call at a time, on one thread.

    `model` and `tokenizer` are transformers' own, for whoever computes something else with the same weights.
    """

    def __init__(self, folder: Path) -> None:
        # One thread: sums are then added in one order, and a scoring call leaves the other cores alone.
        os.environ["OMP_NUM_THREADS"] = "1"
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        torch.set_num_threads(1)
        self._torch = torch
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
        self.model.eval().requires_grad_(False)
        self._limit: int = self.model.config.max_position_embeddings
        self._lock = threading.Lock()

    def score(self, prompts: Sequence[str], choices: Sequence[str]) -> list[list[float]]:
        """log P(choice | prompt) for every prompt (rows) and choice (columns)."""
        return self.measure(prompts, choices).rows

    def measure(self, prompts: Sequence[str], choices: Sequence[str]) -> Scores:
        """The scores and how many tokens they cost."""
        questions = [self._question(prompt, choices) for prompt in prompts]
        with self._lock, self._torch.inference_mode():
            return Scores(self._answer(questions), _cost(questions))

    def cost(self, prompts: Sequence[str], choices: Sequence[str]) -> int:
        """How many tokens a call would compute: what its prompts share is counted once."""
        return _cost([self._question(prompt, choices) for prompt in prompts])

    def count(self, text: str) -> int:
        """How many tokens a text is."""
        return len(self._tokens(text))

    def _question(self, prompt: str, choices: Sequence[str]) -> _Question:
        body = prompt.rstrip(" ")
        spaces = prompt[len(body) :]
        question = _Question(tuple(self._tokens(body)), tuple(tuple(self._tokens(spaces + c)) for c in choices))
        if not question.prompt:
            raise RequestRefused("A prompt is empty.", instead="Write the text the choices should follow.")
        if not question.choices or not all(question.choices):
            raise RequestRefused("A choice is empty.", instead="Give at least one choice, each with some text.")
        if len(question.prompt) + max(map(len, question.choices)) > self._limit:
            raise RequestRefused(
                f"A prompt of {len(question.prompt)} tokens is too long.", instead=f"Keep it under {self._limit}."
            )
        return question

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _answer(self, questions: list[_Question]) -> list[list[float]]:
        if not questions:
            return []
        shared = _shared_prefix([question.prompt for question in questions])
        cache = self._new_cache()
        if shared:
            self._read(questions[0].prompt[:shared], cache)
        rows = []
        for question in questions:
            rows.append(self._row(question, shared, cache))
            _cut(cache, shared)
        return rows

    def _row(self, question: _Question, shared: int, cache: Any) -> list[float]:
        first = self._log_probabilities(self._read(question.prompt[shared:], cache)[:, -1:])[0]
        row = []
        for choice in question.choices:
            total = float(first[choice[0]])
            if len(choice) > 1:
                rest = self._log_probabilities(self._read(choice[:-1], cache))
                _cut(cache, len(question.prompt))
                total += sum(float(rest[place, token]) for place, token in enumerate(choice[1:]))
            row.append(total)
        return row

    def _read(self, tokens: Sequence[int], cache: Any) -> Any:
        """The last layer's output for each of `tokens`; `cache` grows by them."""
        ids = self._torch.tensor([list(tokens)])
        return self.model.model(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state

    def _log_probabilities(self, hidden: Any) -> Any:
        # Only where a choice is read: a row of the vocabulary is 49,152 numbers, a prompt has hundreds of rows.
        return self._torch.log_softmax(self.model.lm_head(hidden)[0].float(), dim=-1)

    def _new_cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)


def _cost(questions: list[_Question]) -> int:
    shared = _shared_prefix([question.prompt for question in questions]) if questions else 0
    return shared + sum(len(q.prompt) - shared + sum(map(len, q.choices)) for q in questions)


def _cut(cache: Any, length: int) -> None:
    if extra := cache.get_seq_length() - length:
        cache.crop(-extra)  # this cache counts what to remove, not what to keep


def _shared_prefix(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many first tokens all prompts share, leaving each at least one of its own."""
    if len(prompts) == 1:
        return 0
    low, high = min(prompts), max(prompts)
    shared = next((place for place, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return min(shared, min(map(len, prompts)) - 1)
