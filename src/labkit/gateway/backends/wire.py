"""What an answer in OpenAI's format holds that the gateway rests on, and what is said where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

import orjson

from labkit.errors import ModelUnavailable

# The field of a transcription's form that asks for the times of segments, words or both.
GRANULARITIES = "timestamp_granularities[]"


def unavailable() -> ModelUnavailable:
    """For whatever the caller cannot mend."""
    return ModelUnavailable("The model did not answer.", instead="Try again in a minute; nothing was charged.")


def usage(prompt: int, made: int = 0) -> dict[str, int]:
    """In tokens."""
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}


def read_usage(told: Mapping[str, Any]) -> dict[str, int]:
    """Another server's usage. Raises ValueError, TypeError or KeyError for what is none."""
    prompt, made = int(told["prompt_tokens"]), int(told.get("completion_tokens") or 0)
    if prompt < 0 or made < 0:
        raise ValueError("not a number of tokens")
    return usage(prompt, made)


def check_answer(path: str, body: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Raises ValueError, TypeError or KeyError for what is no answer to this body on this path."""
    if path == "embeddings":
        whole = [len(row["embedding"]) > 0 for row in answer["data"]] == [True] * len(body["input"])
    else:
        said = [choice["text"] if path == "completions" else choice["message"]["role"] for choice in answer["choices"]]
        whole = len(said) > 0 and all(isinstance(one, str) for one in said)
    if not whole:
        raise ValueError("not an answer")


async def chunks(lines: AsyncIterable[bytes]) -> AsyncIterator[dict[str, Any]]:
    """What a stream of server-sent events holds, each with `choices`; ModelUnavailable for an error among them, and
    ValueError or TypeError for what is no chunk."""
    async for line in lines:
        text = line.strip()
        if text.startswith(b"data:") and text != b"data: [DONE]":
            chunk = orjson.loads(text[5:])
            if "error" in chunk:
                raise unavailable()
            yield {**chunk, "choices": list(chunk.get("choices", ()))}


def says(choice: Mapping[str, Any]) -> bool:
    """Whether a choice of a chunk adds anything to the answer."""
    delta = choice.get("delta") or {}
    return bool(delta.get("content") or delta.get("tool_calls") or delta.get("reasoning_content") or choice.get("text"))
