"""A platform in memory that trains as fast as a test looks away, and keeps what it was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from labkit import client
from labkit.finetune import training
from labkit.finetune.standing import Standing

_JOBS = "/v1/fine_tuning/jobs"
_MOST_EVENTS = 1000  # of one answer, as the platform's route has it


class Platform:
    """`later` is what happens whenever a second passes, one after the other; an error in `breaks` is met once, by
    whoever looks next."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.sent: list[tuple[str, Any]] = []
        self.bases = ["smollm2-135m-instruct", "qwen3-0.6b"]
        self.breaks: list[BaseException] = []
        self.zip: bytes | BaseException = b"PK"
        self.later: list[Callable[[], object]] = []
        self.clock = 0.0

    def job(self, id: str = "ftjob-1", **own: Any) -> dict[str, Any]:
        """A job of four steps, as the wire has it; `own` are its settings below "labkit"."""
        told = {"step": 0, "steps": 4, "place": 0, "seconds_left": 0.0, "tokens": 0}
        about = {"model": self.bases[0], "created_at": 1_796_000_000, "user_provided_suffix": None}
        now = {"status": "queued", "fine_tuned_model": None, "error": None}
        self.jobs[id] = {"id": id, **about, **now, "labkit": told | own}
        return self.jobs[id]

    def put(self, id: str = "ftjob-1", **now: Any) -> None:
        """Changes a job: what the wire has at its top, and else below "labkit"."""
        for name, value in now.items():
            (self.jobs[id] if name in self.jobs[id] else self.jobs[id]["labkit"])[name] = value

    def says(self, text: str) -> None:
        self._happens("message", text, {})

    def measures(self, step: int, loss: float, **more: float) -> None:
        self._happens("metrics", f"Step {step}", {"step": step, "train_loss": loss, **more})
        self.put(status="running", step=step)

    def succeeds(self) -> None:
        self.put(status="succeeded", fine_tuned_model="ft:smollm2-135m-instruct:labkit::1", step=4)

    def fails(self, code: str, message: str) -> None:
        self.put(status="failed", error={"code": code, "message": message, "param": ""})

    def passes(self, seconds: float) -> None:
        """Time, in which the next thing happens."""
        self.clock += seconds
        if not self.later:
            raise AssertionError("it waits for something that never happens")
        self.later.pop(0)()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.sent.append((path, body))
        if path.endswith("/cancel"):
            self.put(path.split("/")[-2], status="cancelled")
            return self.jobs[path.split("/")[-2]]
        return self.job(**{"steps": 4, **{name: body["labkit"][name] for name in ("steps",) if name in body["labkit"]}})

    def get(self, path: str) -> dict[str, Any]:
        if self.breaks:
            raise self.breaks.pop(0)
        self.sent.append((path, None))
        parts = urlsplit(path)
        if parts.path == "/v1/fine_tuning/bases":
            return {"data": [{"id": one, "object": "model"} for one in self.bases]}
        if parts.path == _JOBS:
            return {"data": list(self.jobs.values())}
        id, after = parts.path.split("/")[-2], int(parse_qs(parts.query)["after"][0])
        news = [one for one in self.events if one["number"] > after]
        return {"job": json.loads(json.dumps(self.jobs[id])), "events": news[:_MOST_EVENTS]}

    def send(self, path: str, fields: Mapping[str, str], name: str, content: bytes) -> dict[str, Any]:
        self.sent.append((path, (dict(fields), name, [json.loads(line) for line in content.splitlines()])))
        return {"id": f"file-{len(self.files)}"}

    def fetch(self, path: str, target: Path) -> None:
        self.sent.append((path, target))
        if isinstance(self.zip, BaseException):
            raise self.zip
        target.write_bytes(self.zip)

    def delete(self, path: str) -> None:
        self.sent.append((path, None))
        for job in self.jobs.values():
            if path == f"/v1/models/{job['fine_tuned_model']}":
                job["fine_tuned_model"] = None

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        raise AssertionError("a training is not streamed")

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> dict[str, Any]:
        raise AssertionError("no file of hers is uploaded")

    @property
    def files(self) -> list[list[dict[str, Any]]]:
        """The rows of every file that was sent."""
        return [sent[2] for path, sent in self.sent if path == "/v1/files"]

    @property
    def began(self) -> list[dict[str, Any]]:
        """The bodies that began a training."""
        return [body for path, body in self.sent if path == _JOBS and body is not None]

    @property
    def cancelled(self) -> list[str]:
        return [path for path, _ in self.sent if path.endswith("/cancel")]

    def _happens(self, kind: str, text: str, data: dict[str, Any]) -> None:
        self.events.append({"number": len(self.events) + 1, "type": kind, "message": text, "data": data})


class Watched:
    """A screen that keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[Standing] = []

    @property
    def lines(self) -> list[str]:
        return [one.line for one in self.seen]

    def show(self, now: Standing) -> None:
        self.seen.append(now)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    double = Platform()
    monkeypatch.setattr(training, "time", SimpleNamespace(sleep=double.passes, monotonic=lambda: double.clock))
    client.use(double)
    yield double
    client.use(None)


@pytest.fixture
def screen() -> Watched:
    return Watched()


@pytest.fixture
def job(platform: Platform, screen: Watched) -> training.Training:
    """One that waits, and is watched."""
    return training.Training(platform.job(), lambda: screen)
