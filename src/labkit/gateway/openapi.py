"""The gateway's own description, OpenAPI 3.1: what may be sent where, and how it is answered.

Written by hand beside `parameters`, whose checks are the law; a test holds the two together by name. It describes what
a learner's key opens; the grading lane is the autograder's alone.
"""

from __future__ import annotations

from typing import Any

from labkit.gateway.messages import MOST_MESSAGES
from labkit.gateway.parameters import MOST_ANSWERS

_Schema = dict[str, Any]


def _list(of: _Schema, most: int) -> _Schema:
    return {"type": "array", "items": of, "minItems": 1, "maxItems": most}


_TEXT: _Schema = {"type": "string"}
_SHORT: _Schema = {"type": "string", "maxLength": 100}
_SAID: _Schema = {"type": "string", "minLength": 1, "maxLength": 4000}
_TRUTH: _Schema = {"type": "boolean"}
_TOKENS: _Schema = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
_PENALTY: _Schema = {"type": "number", "minimum": -2, "maximum": 2}
_MESSAGE: _Schema = {
    "type": "object",
    "properties": {"role": {"enum": ["system", "developer", "user", "assistant"]}, "content": _TEXT},
    "required": ["role", "content"],
}
_FUNCTION: _Schema = {"type": "object", "properties": {"name": _SHORT, "parameters": {"type": "object"}}}
_TOOL: _Schema = {"type": "object", "properties": {"type": {"const": "function"}, "function": _FUNCTION}}
_FORMAT: _Schema = {
    "type": "object",
    "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}, "json_schema": {"type": "object"}},
    "required": ["type"],
}
_GENERATION: dict[str, _Schema] = {
    "model": _SHORT,
    "max_tokens": _TOKENS,
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "top_p": {"type": "number", "minimum": 0, "maximum": 1},
    "presence_penalty": _PENALTY,
    "frequency_penalty": _PENALTY,
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "stop": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 100}, _list(_SHORT, 4)]},
    "stream": _TRUTH,
    "stream_options": {"type": "object", "properties": {"include_usage": _TRUTH}, "additionalProperties": False},
    "n": {"type": "integer", "minimum": 1, "maximum": MOST_ANSWERS},
    "user": _SHORT,
}
_TOP: _Schema = {"type": "integer", "minimum": 0, "maximum": 20}
BODIES: dict[str, tuple[dict[str, _Schema], tuple[str, ...]]] = {
    "chat/completions": (
        {
            **_GENERATION,
            "messages": _list(_MESSAGE, MOST_MESSAGES),
            "max_completion_tokens": _TOKENS,
            "logprobs": _TRUTH,
            "top_logprobs": _TOP,
            "response_format": _FORMAT,
            "tools": {"type": "array", "items": _TOOL, "maxItems": 32},
            "tool_choice": {"enum": ["none", "auto", "required"]},
            "parallel_tool_calls": _TRUTH,
        },
        ("messages",),
    ),
    "completions": ({**_GENERATION, "prompt": _SAID, "logprobs": _TOP}, ("prompt",)),
    "score": ({"model": _SHORT, "prompts": _list(_SAID, 256), "choices": _list(_SAID, 32)}, ("prompts", "choices")),
    "embeddings": (
        {
            "model": _SHORT,
            "input": {"anyOf": [_SAID, _list(_SAID, 256)]},
            "encoding_format": {"enum": ["float", "base64"]},
            "user": _SHORT,
        },
        ("input",),
    ),
}
_FILE: _Schema = {"type": "string", "format": "binary"}
FORMS: dict[str, dict[str, _Schema]] = {
    "audio/transcriptions": {
        "file": _FILE,
        "model": _SHORT,
        "language": _SHORT,
        "prompt": _TEXT,
        "response_format": {"enum": ["json", "text", "verbose_json"]},
        "temperature": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "ocr": {"file": _FILE, "model": _SHORT, "languages": _SHORT},
}
_ERROR: _Schema = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": _TEXT,
                "type": _TEXT,
                "code": _TEXT,
                "param": {"type": ["string", "null"]},
            },
            "required": ["message", "type", "code"],
        }
    },
    "required": ["error"],
}
_REFUSALS = {
    "400": "The request is wrong.",
    "401": "The key is missing, forged, old or for another lab.",
    "403": "Not enrolled, not running, not allowed, paused, or kept out by an exam.",
    "413": "The body is too large.",
    "429": "The allowance is spent, or too many calls wait.",
    "499": "The caller has gone.",
    "502": "No model answered; nothing was charged.",
    "503": "The platform's own fault; nothing was charged.",
}


def describe(prefix: str) -> dict[str, Any]:
    """The document, for a gateway mounted at `prefix`."""
    lab = f"{prefix}/labs/{{course}}/{{lab}}"
    paths: dict[str, Any] = {f"{prefix}/health": {"get": _operation("health", "Whether a model answers", open_to=True)}}
    for name, title in (("allowance", "What is left"), ("v1/models", "Which models she may use")):
        paths[f"{lab}/{name}"] = {"get": _operation(name, title, _lab())}
    paths[f"{lab}/v1/models/{{model}}"] = {"get": _operation("model", "One of them", [*_lab(), _parameter("model")])}
    body: _Schema
    for name, (properties, required) in BODIES.items():
        body = {"type": "object", "properties": properties, "required": list(required)}
        paths[f"{lab}/v1/{name}"] = {"post": _operation(name, name, _lab(), {"application/json": {"schema": body}})}
    for name, fields in FORMS.items():
        body = {"type": "object", "properties": fields, "required": ["file"]}
        paths[f"{lab}/v1/{name}"] = {"post": _operation(name, name, _lab(), {"multipart/form-data": {"schema": body}})}
    report = dict.fromkeys(("reason", "asked", "answered", "model", "call"), _TEXT)
    body = {"type": "object", "properties": report, "required": ["reason"], "additionalProperties": False}
    paths[f"{lab}/reports"] = {
        "post": _operation("report", "Report an answer", _lab(), {"application/json": {"schema": body}}, created=True)
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "labkit's model gateway", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(
    name: str,
    title: str,
    parameters: list[_Schema] | None = None,
    content: _Schema | None = None,
    *,
    open_to: bool = False,
    created: bool = False,
) -> dict[str, Any]:
    error = {"content": {"application/json": {"schema": _ERROR}}}
    answers: dict[str, Any] = {"201" if created else "200": {"description": "The answer."}}
    if open_to:
        answers["503"] = {"description": "No model answers."}
    else:
        answers |= {status: {"description": said, **error} for status, said in _REFUSALS.items()}
        answers["404"] = {"description": "There is no such model here.", **error}
    found: dict[str, Any] = {"operationId": name.replace("/", "_"), "summary": title, "responses": answers}
    found |= {"parameters": parameters} if parameters else {}
    found |= {"requestBody": {"required": True, "content": content}} if content else {}
    return found if open_to else found | {"security": [{"key": []}]}


def _lab() -> list[_Schema]:
    return [_parameter("course"), _parameter("lab")]


def _parameter(name: str) -> _Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
