"""Log-probabilities in the two shapes OpenAI has for them: chat's, which is the fuller, and completions'."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any


def entry(token: str, logprob: float, likeliest: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """One token as chat tells it."""
    return {**_one(token, logprob), "top_logprobs": [_one(*one) for one in likeliest]}


def of_completion(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Chat's entries as completions tell them."""
    texts = [entry["token"] for entry in entries]
    return {
        "tokens": texts,
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": [{top["token"]: top["logprob"] for top in entry["top_logprobs"]} for entry in entries],
        "text_offset": list(itertools.accumulate(map(len, texts[:-1]), initial=0)) if texts else [],
    }


def in_shape(choice: dict[str, Any]) -> dict[str, Any]:
    """A completion's choice; llama.cpp writes its log-probabilities in the shape of chat."""
    entries = (choice.get("logprobs") or {}).get("content")
    return choice if entries is None else choice | {"logprobs": of_completion(entries)}


def _one(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
