"""How many tokens a prompt may have where nobody counts: never fewer than it has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from labkit.gateway.messages import images_of, text_of

# What a chat template may add to each message and to the whole, and what an image may be worth.
_A_MESSAGE, _A_PROMPT, _AN_IMAGE = 16, 64, 4_096
# Bytes of a token in most languages.
_BYTES = 4


def most_tokens(body: Mapping[str, Any]) -> int:
    """As many as it has bytes, which no tokenizer exceeds, and what a template and images add."""
    return _bytes(body) + _extra(body)


def likely_tokens(body: Mapping[str, Any]) -> int:
    """For a stream nobody waited for to its end, where its server would have told."""
    return _bytes(body) // _BYTES + _extra(body)


def _bytes(body: Mapping[str, Any]) -> int:
    texts = [text_of(message) for message in body.get("messages", ())]
    texts += [body.get("prompt", ""), *body.get("input", ())]
    tools = json.dumps(body["tools"], ensure_ascii=False) if "tools" in body else ""
    return sum(len(text.encode()) for text in (*texts, tools))


def _extra(body: Mapping[str, Any]) -> int:
    messages = body.get("messages", ())
    images = sum(len(images_of(message)) for message in messages)
    return _A_PROMPT + _A_MESSAGE * len(messages) + _AN_IMAGE * images
