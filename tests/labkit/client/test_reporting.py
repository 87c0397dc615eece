"""A learner reports an answer without copying it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.errors import RequestRefused


@pytest.fixture(autouse=True)
def taken(platform) -> None:
    platform.answers["/reports"] = {"id": "1"}


def reported(platform) -> dict[str, Any]:
    path, body = platform.sent[-1]
    assert path == "/reports"
    return dict(body)


def test_the_last_answer_is_reported_with_its_model_and_call(platform, capsys) -> None:
    platform.says("Sydney", ".", call="c-1", model="small")
    labkit.ask("Capital of Australia?")
    assert labkit.report("It is Canberra.") is None  # type: ignore[func-returns-value]
    assert reported(platform) == {
        "reason": "It is Canberra.",
        "asked": "Capital of Australia?",
        "answered": "Sydney.",
        "model": "small",
        "call": "c-1",
    }
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "your instructor sees" in out and "'Sydney.'" in out


def test_of_a_conversation_it_says_who_said_what(platform) -> None:
    platform.says("No.")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    told = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": [{"text": "This?"}, image]}]
    labkit.chat(told)
    labkit.report("unkind")
    assert reported(platform)["asked"] == "system: Be kind.\nuser: This? [image]"


def test_an_answer_she_stopped_half_way_can_be_reported(platform) -> None:
    platform.says("Something", " awful")
    platform.events.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        labkit.chat([{"role": "user", "content": "hi"}])
    labkit.report("awful")
    assert reported(platform)["answered"] == "Something awful"


def test_a_call_that_failed_leaves_the_last_answer_as_it_was(platform) -> None:
    platform.says("first")
    labkit.ask("one")
    platform.events = [RequestRefused("no")]
    with pytest.raises(RequestRefused):
        labkit.ask("two")
    labkit.report("wrong")
    assert reported(platform)["asked"] == "one"


def test_scores_and_texts_out_of_files_are_answers_too(platform, tmp_path: Path) -> None:
    platform.answers["/v1/score"] = {"scores": [[-1.0]], "model": "small", "labkit": {"call": "c-2"}}
    labkit.score("The sky is", [" green"])
    labkit.report("too likely")
    assert reported(platform) == {
        "reason": "too likely",
        "asked": '{"prompts": ["The sky is"], "choices": [" green"]}',
        "answered": "[[-1.0]]",
        "model": "small",
        "call": "c-2",
    }
    (tmp_path / "sign.png").write_bytes(b"x")
    platform.answers["/v1/ocr"] = {"text": "Bawal", "labkit": {"call": "c-3"}}
    labkit.read(tmp_path / "sign.png")
    labkit.report("misread")
    assert reported(platform) == {
        "reason": "misread",
        "asked": "[file sign.png]",
        "answered": "Bawal",
        "call": "c-3",
    }


def test_what_is_given_is_reported_in_place_of_the_last_answer(platform) -> None:
    platform.says("later", call="c-9")
    labkit.ask("later")
    labkit.report("wrong", asked="before", answered="x" * 9_000)
    assert reported(platform) == {"reason": "wrong", "asked": "before", "answered": "x" * 8_000}


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_a_report_without_a_reason_is_refused(reason: Any, platform) -> None:
    with pytest.raises(RequestRefused, match="what is wrong with the answer"):
        labkit.report(reason, answered="x")
    assert platform.sent == []


def test_before_any_answer_there_is_nothing_to_report(platform) -> None:
    with pytest.raises(RequestRefused, match="Ask first"):
        labkit.report("wrong")
    assert platform.sent == []
