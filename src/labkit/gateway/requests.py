"""What a body may say. A wrong value is refused by name; an unknown parameter is refused where the caller is strict.

Otherwise it is left out and named in a warning, since clients of the wire send parameters of other platforms. Either
way no unknown parameter reaches a model or a bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from labkit.errors import RequestRefused
from labkit.gateway.messages import trouble
from labkit.gateway.parameters import CHAT, COMPLETION, EMBEDDING, LARGEST_BODY, SCORE, Known

_DEEPEST = 64


@dataclass(frozen=True)
class Generation:
    """A checked body for a model: without the fields the gateway answers itself."""

    path: str
    model: str | None
    body: Mapping[str, Any]
    max_tokens: int | None
    stream: bool
    include_usage: bool
    n: int = 1
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scoring:
    model: str | None
    prompts: list[str]
    choices: list[str]


@dataclass(frozen=True)
class Embedding:
    """`base64` says how the numbers are written: as little-endian 32-bit floats, or as JSON."""

    model: str | None
    texts: list[str]
    base64: bool
    unknown: tuple[str, ...] = ()


def read_generation(path: str, raw: bytes, *, strict: bool = True) -> Generation:
    """The body of `chat/completions` or `completions`."""
    chat = path == "chat/completions"
    given, unknown = _checked(raw, CHAT if chat else COMPLETION, needed="messages" if chat else "prompt", strict=strict)
    most = given.pop("max_completion_tokens", None) or given.pop("max_tokens", None)
    given.pop("max_tokens", None)
    options = given.pop("stream_options", {})
    given.pop("user", None)
    model, stream, n = given.pop("model", None), given.pop("stream", False), given.pop("n", 1)
    if not chat and isinstance(given["prompt"], list):
        given["prompt"] = given["prompt"][0]
    return Generation(path, model, given, most, stream, bool(options.get("include_usage")), n, unknown)


def read_scoring(raw: bytes, *, strict: bool = True) -> Scoring:
    """The body of `score`."""
    given, _ = _checked(raw, SCORE, needed="prompts", strict=strict)
    if "choices" not in given:
        raise _missing("choices", SCORE)
    return Scoring(given.get("model"), given["prompts"], given["choices"])


def read_embedding(raw: bytes, *, strict: bool = True) -> Embedding:
    """The body of `embeddings`."""
    given, unknown = _checked(raw, EMBEDDING, needed="input", strict=strict)
    texts = [given["input"]] if isinstance(given["input"], str) else given["input"]
    return Embedding(given.get("model"), texts, given.get("encoding_format") == "base64", unknown)


def _checked(raw: bytes, known: Known, *, needed: str, strict: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    body = _object(raw, needed)
    unknown = tuple(name for name in body if name not in known)
    if unknown and strict:
        raise RequestRefused(
            f"The parameter {unknown[0][:50]!r} is unknown.",
            instead=f"Known: {', '.join(known)}.",
            param=unknown[0][:50],
        )
    given = {name: value for name, value in body.items() if name in known and value is not None}
    for name, value in given.items():
        is_right, must_be = known[name]
        if not is_right(value):
            found = trouble(value) if name == "messages" else f"{name} is wrong."
            raise RequestRefused(found, instead=f"It must be {must_be}.", param=name)
    if needed not in given:
        raise _missing(needed, known)
    return given, unknown


def _object(raw: bytes, needed: str) -> dict[str, Any]:
    if len(raw) > LARGEST_BODY:
        raise RequestRefused("This request is too large.", instead=f"Keep it under {LARGEST_BODY} bytes.")
    try:
        body = orjson.loads(raw)  # refuses half characters (lone surrogates), which no tokenizer can read
    except ValueError as error:
        raise RequestRefused("The body is not JSON of whole characters.", instead="Send a JSON object.") from error
    if not _is_shallow(body):
        raise RequestRefused(f"The body is nested deeper than {_DEEPEST}.", instead="Send something flatter.")
    if not isinstance(body, dict):
        raise RequestRefused("The body is not a JSON object.", instead=f'Send {{"{needed}": ...}}.')
    return body


def _is_shallow(body: Any) -> bool:
    """Whether it is nested no deeper than a request has reason to be: what comes after reads it by recursion."""
    level = [body]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def _missing(name: str, known: Known) -> RequestRefused:
    return RequestRefused(f"{name} is missing.", instead=f"It must be {known[name][1]}.", param=name)
