"""A simulated learner: submits and asks without rest, and remembers word for word what was acknowledged."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from labkit.courses import Attempt


@dataclass(frozen=True)
class Work:
    """One state of a notebook: its bytes, and what its score must be."""

    content: bytes
    attempt: Attempt

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Diary:
    """What one learner did. `receipts` has every acknowledgement, as it arrived, with the work it is for; `charges`
    has every acknowledged call: its ledger line and the tokens it was told; `asked` counts calls begun."""

    receipts: list[tuple[Work, dict[str, Any]]] = field(default_factory=list)
    charges: list[tuple[str, int]] = field(default_factory=list)
    asked: int = 0
    sent: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


class Learner(threading.Thread):
    """`notebook` is the released one; `rest` is the mean of the seconds between two submissions."""

    def __init__(
        self, name: str, token: str, urls: Mapping[str, str], notebook: bytes, attempts: Sequence[Attempt], rest: float
    ) -> None:
        super().__init__(name=name)
        self._hub = {"Authorization": f"token {token}"}
        self._urls, self._notebook, self._attempts, self._rest = urls, json.loads(notebook), attempts, rest
        self._stop_soon = threading.Event()
        self._random = random.Random(name)
        self._key = ""
        self.diary = Diary()

    def finish(self) -> None:
        self._stop_soon.set()

    def run(self) -> None:
        with httpx.Client(timeout=20) as client:
            self._client = client
            unanswered: Work | None = None
            due = time.monotonic() + self._random.uniform(0, min(2, self._rest))
            while not self._stop_soon.wait(self._random.uniform(0.02, 0.25)):
                if time.monotonic() > due:
                    due = time.monotonic() + self._rest * self._random.uniform(0.5, 1.5)
                    work = unanswered or self._another()
                    unanswered = self._hand_in(work)
                    if unanswered is None and self._random.random() < 0.3:
                        unanswered = self._hand_in(work)  # the same bytes again
                    if self._random.random() < 0.1:
                        unanswered = None  # without an answer, and she does not try again
                    if unanswered is not None:
                        due = time.monotonic() + self._random.uniform(0.2, 1.5)
                else:
                    self._ask(stream=self._random.random() < 0.5)

    def _another(self) -> Work:
        """New bytes: an answer as a learner might give it, in a notebook that never was before."""
        attempt = self._random.choice(self._attempts)
        notebook = json.loads(json.dumps(self._notebook))
        notebook["metadata"]["moment"] = uuid.uuid4().hex
        for cell in notebook["cells"]:
            name = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if name in attempt.answers:
                cell["source"] = attempt.answers[name]
        return Work(json.dumps(notebook).encode(), attempt)

    def _hand_in(self, work: Work) -> Work | None:
        """The work itself if nobody acknowledged it."""
        files = {"clip.ipynb": base64.b64encode(work.content).decode()}
        self.diary.sent.add(work.sha256)
        url = f"{self._urls['submissions']}/courses/testing/labs/clip/submissions"
        try:
            answer = self._client.post(url, json={"files": files}, headers=self._hub)
        except httpx.HTTPError:
            return work
        if answer.status_code not in (200, 201):
            self._wonder(answer)
            return work
        self.diary.receipts.append((work, answer.json()))
        return None

    def _ask(self, *, stream: bool) -> None:
        lab = f"{self._urls['gateway']}/labs/testing/clip"
        text = " ".join(["word"] * self._random.randint(1, 12))
        body: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "max_tokens": 6}
        try:
            if not self._key:
                given = self._client.post(f"{lab}/key", headers=self._hub)
                if given.status_code != 200:
                    return self._wonder(given)
                self._key = given.json()["key"]
            headers = {"Authorization": f"Bearer {self._key}"}
            self.diary.asked += 1
            if stream:
                self._listen(f"{lab}/v1/chat/completions", body, headers)
            else:
                answer = self._client.post(f"{lab}/v1/chat/completions", json=body, headers=headers)
                if answer.status_code == 200:
                    usage = answer.json()["usage"]["total_tokens"]
                    self.diary.charges.append((answer.headers.get("X-Labkit-Charge", ""), usage))
                else:
                    self._wonder(answer)
        except httpx.HTTPError:
            return None
        return None

    def _listen(self, url: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        """A stream is acknowledged by its [DONE] and by nothing before it."""
        more = {"stream": True, "stream_options": {"include_usage": True}}
        charge, usage = "", 0
        with self._client.stream("POST", url, json={**body, **more}, headers=headers) as answer:
            if answer.status_code != 200:
                answer.read()
                return self._wonder(answer)
            for line in answer.iter_lines():
                if line.startswith(": labkit-charge "):
                    charge = line.split()[-1]
                elif line == "data: [DONE]":
                    self.diary.charges.append((charge, usage))
                elif line.startswith("data: "):
                    usage = (json.loads(line.removeprefix("data: ")).get("usage") or {}).get("total_tokens", usage)
        return None

    def _wonder(self, answer: httpx.Response) -> None:
        """A platform's fault is to be expected here; anything else is kept for the report."""
        if answer.status_code == 401:
            self._key = ""
        if answer.status_code < 500:
            self.diary.faults.append(f"{answer.status_code} {answer.text[:200]}")
