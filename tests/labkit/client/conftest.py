"""A transport that answers what a test gives it, and keeps what it was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from labkit import client
from labkit.client import last


class Double:
    """`answers` by path, `events` for every stream; an exception among them is raised where it stands."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any] | BaseException] = []
        self.sent: list[tuple[str, Any]] = []

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((path, body))
        return self.answers[path]

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.sent.append((path, body))
        for event in self.events:
            if isinstance(event, BaseException):
                raise event
            yield event

    def get(self, path: str) -> dict[str, Any]:
        self.sent.append((path, None))
        return self.answers[path]

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> dict[str, Any]:
        self.sent.append((path, (dict(fields), file.read_bytes())))
        return self.answers[path]

    def says(self, *words: str, call: str = "", **more: Any) -> None:
        told: list[dict[str, Any] | BaseException] = [{"labkit": {"call": call}}] if call else []
        self.events = told + [{"choices": [{"index": 0, "delta": {"content": word}}], **more} for word in words]


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    double = Double()
    monkeypatch.setattr(last, "_last", None)
    client.use(double)
    yield double
    client.use(None)
