"""What a learner calls in a notebook: ask, chat, score, allowance, credentials, submit.

No set-up and no key to paste: her server knows who she is, the notebook's folder says which lab it is
(`COURSE/LAB/LAB.ipynb`), and the first call fetches a key that is good for an hour. Every model call goes through one
`Transport`; the autograder installs its own with `use`, so a lab's code is the same when it is graded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, overload

from labkit.client.balance import Allowance
from labkit.client.receipt import Receipt
from labkit.client.transport import HttpTransport, Transport
from labkit.errors import NotInALab, RequestRefused

__all__ = [
    "Allowance",
    "HttpTransport",
    "Receipt",
    "Transport",
    "allowance",
    "ask",
    "chat",
    "credentials",
    "score",
    "submit",
    "use",
]


def ask(
    prompt: str, *, model: str | None = None, max_tokens: int | None = None, temperature: float | None = None
) -> str:
    """The model's answer to one message."""
    if not isinstance(prompt, str):
        raise RequestRefused("labkit.ask takes a text.", instead='Put it in quotes: labkit.ask("your question").')
    return chat(
        [{"role": "user", "content": prompt}],
        stream=False,
        model=model,
        max_tokens=max_tokens,
        temperature=temperature,
    )


def chat(messages: list[dict[str, str]], *, stream: bool = True, **options: Any) -> str:
    """The model's answer to a conversation; with `stream` it is printed as it comes.

    `options` are the OpenAI ones: model, max_tokens, temperature, top_p, seed, stop, response_format ...
    """
    if not isinstance(messages, list):
        raise RequestRefused(
            "labkit.chat takes a list of messages.", instead='For one question write labkit.ask("your question").'
        )
    body = {"messages": messages, **{name: value for name, value in options.items() if value is not None}}
    if not stream:
        return _text(_transport().post("/v1/chat/completions", body)["choices"][0]["message"])
    parts: list[str] = []
    for chunk in _transport().stream("/v1/chat/completions", {**body, "stream": True}):
        for choice in chunk.get("choices", []):
            parts.append(_text(choice.get("delta") or choice.get("message") or {}))
            print(parts[-1], end="", flush=True)
    print()
    return "".join(parts)


@overload
def score(prompts: str, choices: list[str], *, model: str | None = None) -> list[float]: ...


@overload
def score(prompts: list[str], choices: list[str], *, model: str | None = None) -> list[list[float]]: ...


def score(prompts: str | list[str], choices: list[str], *, model: str | None = None) -> list[float] | list[list[float]]:
    """How likely each choice is as the text right after the prompt: its log-probability, so nearer 0 is likelier.

    A choice usually begins with a space: `labkit.score("The sky is", [" blue", " green"])`.
    """
    many = [prompts] if isinstance(prompts, str) else list(prompts)
    body = {"model": model, "prompts": many, "choices": list(choices)}
    rows: list[list[float]] = _transport().post("/v1/score", body)["scores"]
    return rows[0] if isinstance(prompts, str) else rows


def allowance() -> Allowance:
    """What is left of this lab's allowance."""
    told = _transport().get("/allowance")
    resets_at = datetime.fromisoformat(told["resets_at"]) if told.get("resets_at") else None
    return Allowance(told["limit"], told["used"], told["left"], resets_at)


def credentials() -> tuple[str, str]:
    """(base_url, api_key) for the openai package; the key is good for an hour, in this lab only."""
    transport = _transport()
    if not isinstance(transport, HttpTransport):
        raise NotInALab("There is no key here: this code is being graded.", instead="Use labkit.ask or labkit.score.")
    return transport.credentials()


def submit() -> Receipt:
    """Hands in this lab: the saved notebook and the files that belong to it."""
    transport = _transport()
    if not isinstance(transport, HttpTransport):
        raise NotInALab("Nothing can be submitted here: this code is being graded.")
    return transport.submit()


def use(transport: Transport | None) -> None:
    """Sends every model call through `transport`; None goes back to the gateway."""
    global _installed  # noqa: PLW0603  (one process, one notebook, one way to the model)
    _installed = transport


_installed: Transport | None = None


def _transport() -> Transport:
    if _installed is None:
        use(HttpTransport.of_this_notebook())
    assert _installed is not None
    return _installed


def _text(message: Mapping[str, Any]) -> str:
    return message.get("content") or ""
