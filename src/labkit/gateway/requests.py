"""What a body may say. Everything else is refused by name, so no unknown parameter reaches a model or a bill."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.errors import RequestRefused

LARGEST_BODY = 1_000_000
_LONGEST_TEXT = 32_000
_MOST_MESSAGES = 64
_MOST_PROMPTS = 256
_MOST_CHOICES = 32

Check = Callable[[Any], bool]


def _number(low: float, high: float) -> Check:
    return lambda value: type(value) in (int, float) and low <= value <= high


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _text(longest: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= longest


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


def _stop(value: Any) -> bool:
    stops = [value] if isinstance(value, str) else value
    return isinstance(stops, list) and len(stops) <= 4 and all(isinstance(s, str) and 0 < len(s) <= 100 for s in stops)


def _response_format(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in ("text", "json_object", "json_schema")
        and value.keys() <= {"type", "json_schema"}
        and len(json.dumps(value)) <= 8_000
    )


def _stream_options(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= {"include_usage"} and all(map(_yes_or_no, value.values()))


def _messages(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= _MOST_MESSAGES
        and all(
            isinstance(message, dict)
            and message.keys() == {"role", "content"}
            and message["role"] in ("system", "user", "assistant")
            and isinstance(message["content"], str)
            for message in value
        )
        and sum(len(message["content"]) for message in value) <= _LONGEST_TEXT
    )


def _texts(most: int) -> Check:
    return lambda value: (
        isinstance(value, list)
        and 1 <= len(value) <= most
        and all(isinstance(text, str) and text.strip() for text in value)
        and sum(map(len, value)) <= LARGEST_BODY
    )


# name -> (is it right?, what it must be)
Known = dict[str, tuple[Check, str]]
_MODEL: Known = {"model": (_text(100), "a model's name")}
_GENERATION: Known = {
    "max_tokens": (_whole(1, 1_000_000), "a whole number of at least 1"),
    "temperature": (_number(0, 2), "a number from 0 to 2"),
    "top_p": (_number(0, 1), "a number from 0 to 1"),
    "presence_penalty": (_number(-2, 2), "a number from -2 to 2"),
    "frequency_penalty": (_number(-2, 2), "a number from -2 to 2"),
    "seed": (_whole(0, 2**31 - 1), "a whole number of at least 0"),
    "stop": (_stop, "a text or up to four"),
    "stream": (_yes_or_no, "true or false"),
    "stream_options": (_stream_options, '{"include_usage": true}'),
    "n": (_whole(1, 1), "1"),
    "user": (_text(100), "a text"),
}
_CHAT: Known = {
    **_MODEL,
    **_GENERATION,
    "messages": (_messages, f'1 to {_MOST_MESSAGES} of {{"role", "content"}} with at most {_LONGEST_TEXT} characters'),
    "max_completion_tokens": _GENERATION["max_tokens"],
    "logprobs": (_yes_or_no, "true or false"),
    "top_logprobs": (_whole(0, 20), "a whole number from 0 to 20"),
    "response_format": (_response_format, 'an object with "type"'),
}
_COMPLETION: Known = {
    **_MODEL,
    **_GENERATION,
    "prompt": (_text(_LONGEST_TEXT), f"a text of at most {_LONGEST_TEXT} characters"),
    "logprobs": (_whole(0, 20), "a whole number from 0 to 20"),
}
_SCORE: Known = {
    **_MODEL,
    "prompts": (_texts(_MOST_PROMPTS), f"a list of 1 to {_MOST_PROMPTS} texts"),
    "choices": (_texts(_MOST_CHOICES), f"a list of 1 to {_MOST_CHOICES} texts"),
}


@dataclass(frozen=True)
class Generation:
    """A checked body for a model: without the fields the gateway answers itself."""

    path: str
    model: str | None
    body: Mapping[str, Any]
    max_tokens: int | None
    stream: bool
    include_usage: bool


@dataclass(frozen=True)
class Scoring:
    model: str | None
    prompts: list[str]
    choices: list[str]


def read_generation(path: str, raw: bytes) -> Generation:
    """The body of `chat/completions` or `completions`."""
    chat = path == "chat/completions"
    given = _checked(raw, _CHAT if chat else _COMPLETION, needed="messages" if chat else "prompt")
    most = given.pop("max_completion_tokens", None) or given.pop("max_tokens", None)
    given.pop("max_tokens", None)
    options = given.pop("stream_options", {})
    for name in ("user", "n"):
        given.pop(name, None)
    model, stream = given.pop("model", None), given.pop("stream", False)
    return Generation(path, model, given, most, stream, bool(options.get("include_usage")))


def read_scoring(raw: bytes) -> Scoring:
    """The body of `score`."""
    given = _checked(raw, _SCORE, needed="prompts")
    if "choices" not in given:
        raise RequestRefused("choices is missing.", instead=f"It must be {_SCORE['choices'][1]}.")
    return Scoring(given.get("model"), given["prompts"], given["choices"])


def _checked(raw: bytes, known: Known, *, needed: str) -> dict[str, Any]:
    if len(raw) > LARGEST_BODY:
        raise RequestRefused("This request is too large.", instead=f"Keep it under {LARGEST_BODY} bytes.")
    try:
        body = json.loads(raw)
        # JSON can spell half of a character (a lone surrogate), which no tokenizer can read.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise RequestRefused("The body is not JSON of whole characters.", instead="Send a JSON object.") from error
    if not isinstance(body, dict):
        raise RequestRefused("The body is not a JSON object.", instead=f'Send {{"{needed}": ...}}.')
    for name in body:
        if name not in known:
            raise RequestRefused(f"The parameter {name[:50]!r} is unknown.", instead=f"Known: {', '.join(known)}.")
    given = {name: value for name, value in body.items() if value is not None}
    for name, value in given.items():
        is_right, must_be = known[name]
        if not is_right(value):
            raise RequestRefused(f"{name} is wrong.", instead=f"It must be {must_be}.")
    if needed not in given:
        raise RequestRefused(f"{needed} is missing.", instead=f"It must be {known[needed][1]}.")
    return given
