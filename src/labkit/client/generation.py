"""What a model answers in words: ask and chat. Both listen to a stream, so that a call that waits can say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from labkit.client.installed import transport
from labkit.client.last import Last, keep
from labkit.client.waiting import Waiting
from labkit.errors import RequestRefused

_PATH = "/v1/chat/completions"


class Trained(Protocol):
    """What `labkit.finetune` gives: it stands for its model."""

    @property
    def model(self) -> str: ...


def ask(
    prompt: str, *, model: str | Trained | None = None, max_tokens: int | None = None, temperature: float | None = None
) -> str:
    """The model's answer to one message."""
    if not isinstance(prompt, str):
        raise RequestRefused("labkit.ask takes a text.", instead='Put it in quotes: labkit.ask("your question").')
    if not prompt.strip():
        raise RequestRefused("Your question is empty.", instead="Write what you want to ask between the quotes.")
    return chat(
        [{"role": "user", "content": prompt}],
        stream=False,
        model=model,
        max_tokens=max_tokens,
        temperature=temperature,
    )


def chat(messages: list[dict[str, Any]], *, stream: bool = True, **options: Any) -> str:
    """The model's answer to a conversation; with `stream` it is printed as it comes.

    `options` are the OpenAI ones: model, max_tokens, temperature, top_p, seed, stop, response_format ...; one that the
    gateway does not know is refused by its name. Of several answers (`n`) the first is returned.
    """
    if not isinstance(messages, list):
        raise RequestRefused(
            "labkit.chat takes a list of messages.", instead='For one question write labkit.ask("your question").'
        )
    given = {name: value for name, value in options.items() if value is not None}
    given |= {"model": trained} if (trained := getattr(given.get("model"), "model", None)) else {}  # a training
    answer = _answer({"messages": messages, **given, "stream": True}, show=stream)
    if not stream:
        return answer
    print()
    return _Printed(answer)


class _Printed(str):
    """An answer that has been shown already: at the end of a cell a notebook would show it again."""

    __slots__ = ()

    def _ipython_display_(self) -> None:
        pass


def _answer(body: dict[str, Any], *, show: bool) -> str:
    """Kept as the last answer also where she stopped it half-way: that may be the one she reports."""
    parts: list[str] = []
    model, call = str(body.get("model", "")), ""
    try:
        with Waiting() as waiting:
            for event in transport().stream(_PATH, body):
                told = event.get("labkit", {})
                call, model = told.get("call", call), event.get("model", model)
                if "queue" in told:
                    waiting.tell(**told["queue"])
                for text in _texts(event):
                    waiting.end()
                    parts.append(text)
                    if show:
                        print(text, end="", flush=True)
    finally:
        if parts:
            keep(Last(_said(body["messages"]), "".join(parts), model, call))
    return "".join(parts)


def _texts(event: Mapping[str, Any]) -> list[str]:
    """What an event adds to the first answer."""
    first = [choice for choice in event.get("choices", []) if not choice.get("index")]
    return [(choice.get("delta") or choice.get("message") or {}).get("content") or "" for choice in first]


def _said(messages: list[Any]) -> str:
    """A conversation as a text: one question as it is, more with who says it."""
    said = [(str(one.get("role", "")), _words(one.get("content"))) for one in messages if isinstance(one, dict)]
    return said[0][1] if len(said) == 1 else "\n".join(f"{role}: {words}" for role, words in said)


def _words(content: Any) -> str:
    parts = content if isinstance(content, list) else [{"text": content or ""}]
    return " ".join(str(part.get("text", "[image]")) for part in parts if isinstance(part, dict))
