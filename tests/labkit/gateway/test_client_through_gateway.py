"""The learner's client and the gateway agree, over real HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import client, errors
from labkit.allowance import Share
from labkit.client import uploads, waiting
from labkit.client.transport import HttpTransport, Place
from labkit.gateway.backends.echo import Echo
from labkit.gateway.uploads import LARGEST_FILE
from labkit.policy import reports


@contextmanager
def opened(gateway: Any, folder: Path, lab: str = "triage") -> Iterator[None]:
    """A notebook of ana's in a lab."""
    url = gateway.url.removesuffix("/services/gateway")
    transport = HttpTransport(url, "token-of-ana", Place("prompting", lab, folder))
    client.use(transport)
    try:
        yield
    finally:
        transport._client.close()
        client.use(None)


@pytest.fixture
def notebook(gateway, tmp_path: Path) -> Iterator[None]:
    with opened(gateway, tmp_path, "small"):
        yield


def test_a_notebook_asks_scores_chats_and_reads_its_allowance(notebook, gateway, capsys) -> None:
    assert labkit.ask("one two", max_tokens=3).split() == ["one", "two", "one"]
    assert labkit.chat([{"role": "user", "content": "three"}], max_tokens=2) == "three three "
    assert capsys.readouterr().out == "three three \n"
    assert labkit.score(["ab", "xy"], ["a", "x"]) == [[0, -1], [-1, 0]]
    gateway.settled("small")
    left = labkit.allowance()
    assert (left.limit, left.used, left.left) == (40, 5 + 3 + 6, 26)
    assert left.resets_at is not None and left.resets_at.utcoffset() == timedelta(hours=8)


def test_a_notebook_open_over_lunch_goes_on(notebook, gateway) -> None:
    labkit.ask("one", max_tokens=1)
    gateway.clock.now += timedelta(hours=2)
    assert labkit.ask("one", max_tokens=1).strip() == "one"


def test_a_spent_allowance_is_the_class_the_gateway_raised(notebook) -> None:
    with pytest.raises(errors.AllowanceSpent, match="never fit"):
        labkit.ask("one", max_tokens=900)
    labkit.ask("one", max_tokens=35)
    with pytest.raises(errors.AllowanceSpent, match="full again at 00:00") as caught:
        labkit.ask("one", max_tokens=35)
    assert caught.value.resets_at.endswith("+08:00")


def test_a_mistyped_option_is_refused_by_its_name(notebook) -> None:
    with pytest.raises(errors.RequestRefused, match="'temprature' is unknown"):
        labkit.chat([{"role": "user", "content": "hi"}], temprature=1)


def test_a_fault_of_the_model_is_the_class_the_gateway_raised_whole_or_streamed(notebook, gateway) -> None:
    for stream in (False, True):
        with pytest.raises(errors.ModelUnavailable, match="nothing was charged"):
            labkit.chat([{"role": "user", "content": "FAIL"}], stream=stream, max_tokens=5)
    assert gateway.settled("small").used == 0


class Line:
    def __init__(self) -> None:
        self.shown: list[str | None] = []

    def show(self, text: str) -> None:
        self.shown.append(text)

    def clear(self) -> None:
        self.shown.append(None)


def test_a_call_that_waits_for_another_shows_its_place(start, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, line = start(Echo(slots=1), "echo"), Line()
    monkeypatch.setattr(waiting, "_QUIET_SECONDS", 0.0)
    monkeypatch.setattr(waiting.Waiting.__init__, "__defaults__", (lambda: line, time.monotonic))
    slow = [{"role": "user", "content": "SLOW"}]
    ben = gateway.openai(user="ben").chat.completions
    other = threading.Thread(target=lambda: ben.create(model="echo", messages=slow, max_tokens=12))  # type: ignore[arg-type]
    other.start()
    until = time.monotonic() + 10
    while not gateway.backend.generated and time.monotonic() < until:
        time.sleep(0.01)
    with opened(gateway, tmp_path):
        assert labkit.ask("one", max_tokens=1).strip() == "one"
    other.join()
    told, cleared = line.shown
    assert told is not None and "you are number 1, about" in told and cleared is None


def test_the_allowance_has_a_row_for_everything_that_bounds_her(start, tmp_path: Path) -> None:
    gateway = start(Echo(), "echo", person=Share(5_000, 50))
    with opened(gateway, tmp_path):
        labkit.ask("one two", max_tokens=2)
        gateway.settled()
        left = labkit.allowance()
    assert [(one.scope, one.limit, one.used, one.most_requests, one.requests) for one in left.all] == [
        ("lab", 2_000, 4, None, 1),
        ("person", 5_000, 4, 50, 1),
    ]
    assert "49 of 50 requests left" in repr(left) and left._repr_html_().count("<time") == 2


def test_texts_recordings_and_images_are_read(notebook, tmp_path: Path) -> None:
    (tmp_path / "speech.wav").write_text("magandang umaga")
    (tmp_path / "sign.png").write_text("bawal tumawid")
    assert labkit.embed(["kumusta po", "oo"]) == [[10.0, 2.0], [2.0, 1.0]]
    assert labkit.transcribe(tmp_path / "speech.wav", "fil") == "magandang umaga"
    assert labkit.read(tmp_path / "sign.png") == "bawal tumawid"
    assert labkit.allowance().used == 3 + 2 + 2
    assert uploads.LARGEST_FILE == LARGEST_FILE


def test_a_reported_answer_reaches_the_instructor_with_the_call_it_belongs_to(notebook, gateway, capsys) -> None:
    labkit.ask("one two", max_tokens=2)
    labkit.report("It only repeats me.")
    (report,) = reports.of_cohorts(gateway.engine, "prompting", ["first"])
    assert (report.username, report.lab, report.model) == ("ana", "small", "echo")
    assert (report.reason, report.asked, report.answered.strip()) == ("It only repeats me.", "one two", "one two")
    assert report.call is not None and len(report.call) == 32
    assert "Reported" in capsys.readouterr().out


def test_the_models_of_a_lab_are_listed(notebook) -> None:
    (model,) = labkit.models()
    assert (model.id, model.calls) == ("echo", ("ask", "chat", "score", "embed", "transcribe", "read"))
