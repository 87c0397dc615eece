"""What a lab's code may ask for while it is graded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import labkit
from autograder import frame
from autograder.transport import install
from labkit import client
from labkit.errors import LearnerError, RequestRefused


@pytest.fixture
def grader() -> Iterator[socket.socket]:
    """The grader's end of a graded process's line."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        install(theirs, {"labkit": True})
        yield ours
        client.use(None)


def answering(grader: socket.socket, answer: dict[str, object]) -> tuple[threading.Thread, list[dict[str, object]]]:
    asked: list[dict[str, object]] = []

    def serve() -> None:
        asked.append(frame.receive(grader))
        frame.send(grader, answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread, asked


@pytest.mark.parametrize(
    "call",
    [
        lambda: labkit.ask("hi"),
        lambda: labkit.chat([{"role": "user", "content": "hi"}]),
        lambda: labkit.chat([{"role": "user", "content": "hi"}], stream=False),
    ],
)
def test_an_answer_comes_whole_over_the_line(grader: socket.socket, call: Callable[[], str]) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Oo po"}, "finish_reason": "stop"}
    thread, asked = answering(grader, {"lane": {"choices": [choice]}})
    assert call() == "Oo po"
    thread.join()
    assert [one["path"] for one in asked] == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    "call", [lambda: labkit.embed("a"), lambda: labkit.report("x", asked="y"), lambda: labkit.score("a", [" b"])]
)
def test_what_the_grader_refuses_is_the_learners_to_mend(grader: socket.socket, call: Callable[[], object]) -> None:
    thread, _ = answering(grader, {"error": {"code": "RequestRefused", "message": "It is not answered now."}})
    with pytest.raises(RequestRefused, match="not answered now"):
        call()
    thread.join()


@pytest.mark.parametrize("call", [labkit.allowance, labkit.models])
def test_what_is_only_looked_at_is_refused_without_asking(grader: socket.socket, call: Callable[[], object]) -> None:
    with pytest.raises(LearnerError, match="while a submission is graded"):
        call()


@pytest.mark.parametrize("call", [labkit.transcribe, labkit.read])
def test_a_file_is_refused_by_its_name(grader: socket.socket, call: Callable[[Path], str], tmp_path: Path) -> None:
    file = tmp_path / "unnamed"
    file.write_bytes(b"x")
    with pytest.raises(LearnerError, match=r"unnamed cannot be sent .* Keep the text it gave in your answer"):
        call(file)
