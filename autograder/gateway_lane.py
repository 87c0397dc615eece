"""The grading lane of the gateway: serial, reproducible, charged to nobody."""

from __future__ import annotations

from typing import Any

import httpx

from labkit.errors import ModelUnavailable, named
from labkit.gateway.policy import ADAPTER


class GatewayLane:
    """Implements `autograder.lane.Lane` over HTTP. `url` is the gateway's grading address, `key` the grader's."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=300)
        self._url = url.rstrip("/")

    def score(self, prompts: list[str], choices: list[str], model: str | None = None) -> list[list[float]]:
        body = {"prompts": prompts, "choices": choices} | ({"model": model} if model else {})
        return list(self._post("/v1/score", body)["scores"])

    def chat(self, messages: list[dict[str, Any]], *, adapter: str = "", **options: Any) -> str:
        """`adapter` is the hash of the files of a model that a learner has trained."""
        headers = {ADAPTER: adapter} if adapter else {}
        answer = self._post("/v1/chat/completions", {"messages": messages, **options}, headers)
        return str(answer["choices"][0]["message"]["content"])

    def identity(self) -> dict[str, Any]:
        """What answers: hashes of weights, tokenizer and template, and the engine's build."""
        return self._ask("GET", "/v1/identity")

    def close(self) -> None:
        self._client.close()

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
        return self._ask("POST", path, json=body, headers=headers)

    def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """Raises the gateway's own error, or ModelUnavailable when there is no answer."""
        try:
            answer = self._client.request(method, self._url + path, **content)
            given = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ModelUnavailable("The model did not answer while grading.", instead="It is tried again.") from error
        if answer.is_error:
            told = given.get("error", {})
            raise named(told.get("code", ""))(told.get("message", f"The gateway answered {answer.status_code}."))
        return dict(given)
