"""The grader's side: asks each child in turn, and meanwhile answers both when they ask for the model.

What the learner's process sends is never believed: it can only change a note to herself. Time spent in the model's
lane is ours and not counted against her.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from typing import Any

from autograder import frame
from autograder.children import Child
from autograder.lane import Lane
from autograder.lane_service import LaneService
from autograder.program import Program

GRACE = 20.0  # what the tests may take on top, once the learner's time is over
STARTING = 60.0
_FLOOD = 512 << 20
_NOTICING = 2.0


class Fault(Exception):
    """Grading could not be finished for a reason that is not the learner's."""


class Spent(Exception):
    """The tests took more than there is for them; `reason` is "time" or "memory"."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Conversation:
    """One grading's two lines. `learner_ended` says why her process is gone: "", "exit", "time" or "memory"."""

    def __init__(
        self, learner: Child, tests: Child, lane: Lane | None, models: tuple[str, ...], seconds: float
    ) -> None:
        self.learner, self.tests = learner, tests
        self.learner_ended = ""
        self._lanes = {
            "learner": LaneService(lane, models, most=50, characters=300_000),
            "tests": LaneService(lane, models, most=1000, characters=10_000_000),
        }
        self._seconds = seconds
        self._deadline = time.monotonic() + STARTING
        self._begun = False
        self._spent, self._noticing = "", _NOTICING

    def begin(self, program: Program) -> None:
        """Tells both what to prepare, waits until they have, and starts the learner's clock."""
        self._send(self.learner, program.settings)
        self._send(self.tests, {**program.settings, "allowed": program.allowed, "draw": program.key})
        for child in (self.learner, self.tests):
            answer = self._wait(child)
            if answer is None or answer.get("ready") is not True:
                raise Fault(f"the {child.role} process did not start: {child.said()}")
        self._deadline, self._begun = time.monotonic() + self._seconds, True

    def ask_learner(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """None where her process is gone; `learner_ended` says why."""
        if not self.learner.open or not self._send(self.learner, message):
            return None
        return self._wait(self.learner)

    def ask_tests(self, message: dict[str, Any]) -> dict[str, Any]:
        """Raises Spent where that is too much for the test process, and from then on: nothing is left to ask."""
        if self._spent:
            raise Spent(self._spent)
        sent = self._send(self.tests, message)
        answer = self._wait(self.tests) if sent else None
        if answer is None:
            if self.tests.running.ended_for in ("time", "memory"):
                self._spent = self.tests.running.ended_for
                raise Spent(self._spent)
            raise Fault(f"the test process ended ({self.tests.running.ended_for or 'exit'}): {self.tests.said()}")
        return answer

    def notice_end(self) -> None:
        """The tests saw her process go: waits a little for its line to say so too, so that she is told why. Once: code
        can shut one line and keep the other."""
        until = time.monotonic() + self._noticing
        self._noticing = 0.0
        while self.learner.open and time.monotonic() < until:
            if select.select([self.learner.line], [], [], 0.1)[0]:
                self._receive(self.learner)
                for _ in self._messages(self.learner):
                    pass

    def _wait(self, child: Child) -> dict[str, Any] | None:
        """The next message of `child` that is not about the model; meanwhile the model is served to both."""
        while True:
            for message in self._messages(child):
                return message
            if not child.open:
                return None
            if child is self.tests:
                for _ in self._messages(self.learner):
                    pass  # nobody asked it: what it says now is not believed
            self._pump(child)

    def _messages(self, child: Child) -> Iterator[dict[str, Any]]:
        while child.open:
            try:
                message = child.inbox.next()
            except frame.FrameError:
                self._hang_up(child, "exit")
                return
            if message is None:
                return
            if message.get("op") == "lane":
                self._serve(child, message)
            else:
                yield message

    def _pump(self, waiting_for: Child) -> None:
        """Reads what has come; ends the learner's process when her time is over."""
        lines = {child.line: child for child in (self.learner, self.tests) if child.open}
        now = time.monotonic()
        until = self._deadline if self.learner.open else self._deadline + GRACE
        if now > until:
            if not self._begun:
                raise Fault(f"the {waiting_for.role} process did not start: {waiting_for.said()}")
            self._hang_up(self.learner if self.learner.open else self.tests, "time")
            return
        for line in select.select(list(lines), [], [], min(until - now, 1.0) + 0.001)[0]:
            self._receive(lines[line])

    def _receive(self, child: Child) -> None:
        try:
            data = child.line.recv(1 << 20)
        except OSError:
            data = b""
        child.read += len(data)
        if not data or (child is self.learner and child.read > _FLOOD):
            self._hang_up(child, "exit")
        child.inbox.feed(data)

    def _send(self, child: Child, message: dict[str, Any]) -> bool:
        child.line.settimeout(max(1.0, self._deadline + GRACE - time.monotonic()))
        try:
            frame.send(child.line, message)
        except (OSError, frame.FrameError):
            self._hang_up(child, "exit")
            return False
        return True

    def _serve(self, child: Child, message: dict[str, Any]) -> None:
        begun = time.monotonic()
        answer = self._lanes[child.role].answer(message)
        self._deadline += time.monotonic() - begun
        self._send(child, answer)

    def _hang_up(self, child: Child, reason: str) -> None:
        child.open = False
        child.running.end(reason if reason == "time" else "asked")
        if child is self.learner and not self.learner_ended:
            ended_for = child.running.ended_for
            self.learner_ended = ended_for if ended_for in ("memory", "time") else reason

    @property
    def lane_fault(self) -> str:
        """What went wrong with the model, if anything did: ours, whoever asked."""
        return next((service.fault for service in self._lanes.values() if service.fault), "")
