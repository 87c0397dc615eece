"""How sandboxed code reaches a model: a frame to the grader, which asks its lane. There is no network here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autograder import frame
from labkit.errors import LabkitError, RequestRefused, named


class LaneTransport:
    """The transport `labkit.client` uses inside a grading process."""

    def __init__(self, control: socket.socket) -> None:
        self._control, self._lock = control, threading.Lock()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            frame.send(self._control, {"op": "lane", "path": path, "body": body})
            answer = frame.receive(self._control)
        if "error" in answer:
            raise _error(answer["error"])
        result = answer.get("lane")
        return result if isinstance(result, dict) else {}

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """One piece: nobody watches words come while a submission is graded."""
        whole = self.post(path, body)
        for choice in whole.get("choices", []):
            yield {"choices": [{"index": 0, "delta": choice.get("message", {}), "finish_reason": "stop"}]}

    def get(self, path: str) -> dict[str, Any]:
        raise RequestRefused(f"{path} cannot be asked for while a submission is graded.")

    def upload(self, path: str, fields: Mapping[str, str], file: Path) -> dict[str, Any]:
        raise RequestRefused(
            f"{file.name} cannot be sent to {path} while a submission is graded.",
            instead="Keep the text it gave in your answer.",
        )

    def send(self, path: str, fields: Mapping[str, str], name: str, content: bytes) -> dict[str, Any]:
        raise RequestRefused(
            "Nothing is trained while a submission is graded.", instead="Keep what came of it in a file."
        )

    def fetch(self, path: str, target: Path) -> None:
        raise RequestRefused(f"{path} cannot be asked for while a submission is graded.")

    def delete(self, path: str) -> None:
        raise RequestRefused("Nothing is given up while a submission is graded.")


def install(control: socket.socket, program: dict[str, Any]) -> None:
    """Gives `import labkit` its transport, where the lab speaks of labkit at all (importing it costs time)."""
    if program.get("labkit") is True:
        import labkit.client

        labkit.client.use(LaneTransport(control))


def _error(told: dict[str, Any]) -> LabkitError:
    return named(str(told.get("code")))(str(told.get("message")))
