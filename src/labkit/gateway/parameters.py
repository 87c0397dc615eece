"""Every parameter of the wire the gateway knows: what it must be, and in which words that is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from labkit.gateway.messages import LONGEST_TEXT, MOST_MESSAGES, are_messages

LARGEST_BODY = 1_000_000
MOST_ANSWERS = 8
_MOST_PROMPTS = 256
_MOST_CHOICES = 32
_MOST_EMBEDDED = 256

Check = Callable[[Any], bool]
# name -> (is it right?, what it must be)
Known = dict[str, tuple[Check, str]]


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
        and (value["type"] != "json_schema" or isinstance(value.get("json_schema"), dict))
        and len(json.dumps(value)) <= 8_000
    )


def _stream_options(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= {"include_usage"} and all(map(_yes_or_no, value.values()))


def _tools(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 32
        and all(
            isinstance(tool, dict)
            and tool.keys() <= {"type", "function"}
            and tool.get("type") == "function"
            and isinstance(tool.get("function"), dict)
            and tool["function"].keys() <= {"name", "description", "parameters", "strict"}
            and _text(100)(tool["function"].get("name"))
            for tool in value
        )
        and len(json.dumps(value)) <= 16_000
    )


def _tool_choice(value: Any) -> bool:
    if not isinstance(value, dict):
        return value in ("none", "auto", "required")
    inner = value.get("function")
    if value.keys() != {"type", "function"} or not isinstance(inner, dict) or inner.keys() != {"name"}:
        return False
    return value["type"] == "function" and _text(100)(inner["name"])


def _texts(most: int) -> Check:
    return lambda value: (
        isinstance(value, list)
        and 1 <= len(value) <= most
        and all(isinstance(text, str) and text.strip() for text in value)
        and sum(map(len, value)) <= LARGEST_BODY
    )


def _prompt(value: Any) -> bool:
    texts = value if isinstance(value, list) and len(value) == 1 else [value]
    return all(_text(LONGEST_TEXT)(text) for text in texts)


def _input(value: Any) -> bool:
    return _texts(_MOST_EMBEDDED)([value] if isinstance(value, str) else value)


_MODEL: Known = {"model": (_text(100), "a model's name")}
_GENERATION: Known = {
    "max_tokens": (_whole(1, 1_000_000), "a whole number from 1 to 1,000,000"),
    "temperature": (_number(0, 2), "a number from 0 to 2"),
    "top_p": (_number(0, 1), "a number from 0 to 1"),
    "presence_penalty": (_number(-2, 2), "a number from -2 to 2"),
    "frequency_penalty": (_number(-2, 2), "a number from -2 to 2"),
    "seed": (_whole(0, 2**31 - 1), "a whole number of at least 0"),
    "stop": (_stop, "a text or up to four"),
    "stream": (_yes_or_no, "true or false"),
    "stream_options": (_stream_options, '{"include_usage": true}'),
    "n": (_whole(1, MOST_ANSWERS), f"a whole number from 1 to {MOST_ANSWERS}"),
    "user": (_text(100), "a text"),
}
CHAT: Known = {
    **_MODEL,
    **_GENERATION,
    "messages": (
        are_messages,
        f'1 to {MOST_MESSAGES} of {{"role", "content"}} with at most {LONGEST_TEXT} characters; '
        "images as data:image/...;base64 addresses",
    ),
    "max_completion_tokens": _GENERATION["max_tokens"],
    "logprobs": (_yes_or_no, "true or false"),
    "top_logprobs": (_whole(0, 20), "a whole number from 0 to 20"),
    "response_format": (_response_format, 'an object with "type"'),
    "tools": (_tools, 'a list of {"type": "function", "function": {"name", ...}}'),
    "tool_choice": (_tool_choice, '"none", "auto", "required" or a function of `tools`'),
    "parallel_tool_calls": (_yes_or_no, "true or false"),
}
COMPLETION: Known = {
    **_MODEL,
    **_GENERATION,
    "prompt": (_prompt, f"one text of at most {LONGEST_TEXT} characters"),
    "logprobs": (_whole(0, 20), "a whole number from 0 to 20"),
}
SCORE: Known = {
    **_MODEL,
    "prompts": (_texts(_MOST_PROMPTS), f"1 to {_MOST_PROMPTS} texts, none of them empty"),
    "choices": (_texts(_MOST_CHOICES), f"1 to {_MOST_CHOICES} texts, none of them empty"),
}
EMBEDDING: Known = {
    **_MODEL,
    "input": (_input, f"a text or a list of 1 to {_MOST_EMBEDDED} texts (not of token numbers)"),
    "encoding_format": (lambda value: value in ("float", "base64"), '"float" or "base64"'),
    "user": (_text(100), "a text"),
}
