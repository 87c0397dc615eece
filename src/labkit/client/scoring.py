"""How likely a model finds given texts."""

from __future__ import annotations

import json
from typing import overload

from labkit.client.installed import transport
from labkit.client.last import Last, keep
from labkit.errors import RequestRefused


@overload
def score(prompts: str, choices: list[str], *, model: str | None = None) -> list[float]: ...


@overload
def score(prompts: list[str], choices: list[str], *, model: str | None = None) -> list[list[float]]: ...


def score(prompts: str | list[str], choices: list[str], *, model: str | None = None) -> list[float] | list[list[float]]:
    """How likely each choice is as the text right after the prompt: its log-probability, so nearer 0 is likelier.

    A choice usually begins with a space: `labkit.score("The sky is", [" blue", " green"])`.
    """
    if isinstance(choices, str):  # a text is a list of its letters, and each would be scored and paid for
        raise RequestRefused("labkit.score takes a list of choices.", instead=f"Write [{choices[:50]!r}, ...].")
    many = [prompts] if isinstance(prompts, str) else list(prompts)
    answer = transport().post("/v1/score", {"model": model, "prompts": many, "choices": list(choices)})
    rows: list[list[float]] = answer["scores"]
    asked = json.dumps({"prompts": many, "choices": list(choices)}, ensure_ascii=False)
    keep(Last(asked, json.dumps(rows), answer.get("model", ""), answer.get("labkit", {}).get("call", "")))
    return rows[0] if isinstance(prompts, str) else rows
