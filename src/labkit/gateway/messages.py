"""What a chat's messages may be: texts, parts of text and image, tool calls and their results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST_TEXT = 32_000
MOST_MESSAGES = 64
_MOST_IMAGES = 4
_ROLES = ("system", "developer", "user", "assistant", "tool")
_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "refusal"}
# An address elsewhere would be fetched by the model's server, from inside the site's network.
_IMAGE = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}")


def are_messages(value: Any) -> bool:
    return not trouble(value)


def trouble(value: Any) -> str:
    """What is wrong with messages, in a sentence; an empty text where nothing is."""
    if not isinstance(value, list) or not value:
        return "There are no messages."
    if len(value) > MOST_MESSAGES:
        return f"There are {len(value)} messages; at most {MOST_MESSAGES} are read."
    for number, one in enumerate(value, 1):
        if not isinstance(one, dict) or "role" not in one or not one.keys() & {"content", "tool_calls"}:
            return f'Message {number} must have "role" and "content".'
        if one.get("role") not in _ROLES:
            return f"Message {number} has the role {str(one.get('role'))[:30]!r}; roles are {', '.join(_ROLES)}."
        if not _is_message(one):
            return f"Message {number} is not one a {one['role']} can send."
    size = sum(len(text_of(message)) for message in value)
    if size > LONGEST_TEXT:
        return f"Your text has {size:,} characters; at most {LONGEST_TEXT:,} are read."
    images = sum(len(images_of(message)) for message in value)
    return f"There are {images} images; at most {_MOST_IMAGES} are read." if images > _MOST_IMAGES else ""


def text_of(message: Mapping[str, Any]) -> str:
    """All text of a message: its content, and what its tool calls say."""
    content = message.get("content")
    texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content or ()]
    if message.get("tool_calls"):
        texts.append(json.dumps(message["tool_calls"], ensure_ascii=False))
    return "\n".join(texts)


def images_of(message: Mapping[str, Any]) -> list[str]:
    """The images of a message, as data addresses."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def plain(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages as every backend knows them: `developer` is `system`, parts of nothing but text are one text."""
    return [_plain(message) for message in messages]


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in message.items() if value is not None and name not in ("name", "refusal")}
    if kept["role"] == "developer":
        kept["role"] = "system"
    if isinstance(kept.get("content"), list) and not images_of(message):
        kept["content"] = "\n".join(part["text"] for part in kept["content"])
    if "content" not in kept:
        kept["content"] = ""
    return kept


def _is_message(message: Mapping[str, Any]) -> bool:
    role, content = message.get("role"), message.get("content")
    calls = message.get("tool_calls")
    if not message.keys() <= _KEYS or role not in _ROLES or not _is_content(content, role):
        return False
    if calls is not None and not (role == "assistant" and isinstance(calls, list) and all(map(_is_call, calls))):
        return False
    if role == "tool" and not _is_short(message.get("tool_call_id")):
        return False
    return content is not None or bool(calls)


def _is_content(content: Any, role: Any) -> bool:
    if content is None:
        return bool(role == "assistant")
    if isinstance(content, str):
        return True
    return isinstance(content, list) and len(content) > 0 and all(_is_part(part, role) for part in content)


def _is_part(part: Any, role: Any) -> bool:
    if not isinstance(part, dict):
        return False
    if part.get("type") == "text":
        return part.keys() == {"type", "text"} and isinstance(part["text"], str)
    image = part.get("image_url")
    return bool(
        role == "user"
        and part.get("type") == "image_url"
        and part.keys() == {"type", "image_url"}
        and isinstance(image, dict)
        and image.keys() <= {"url", "detail"}
        and isinstance(image.get("url"), str)
        and image.get("detail", "auto") in ("auto", "low", "high")
        and _IMAGE.fullmatch(image["url"]) is not None
    )


def _is_call(call: Any) -> bool:
    inner = call.get("function") if isinstance(call, dict) else None
    return bool(
        isinstance(inner, dict)
        and call.keys() <= {"id", "type", "function", "index"}
        and inner.keys() == {"name", "arguments"}
        and _is_short(call.get("id"))
        and _is_short(inner.get("name"))
        and isinstance(inner.get("arguments"), str)
    )


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100
