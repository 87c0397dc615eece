"""What ask and chat make of an answer, and which questions are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import labkit
from labkit.errors import RequestRefused


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: labkit.ask(["hi"]), "Put it in quotes"),  # type: ignore[arg-type]
        (lambda: labkit.chat("hi"), "labkit.ask"),  # type: ignore[arg-type]
        (lambda: labkit.score("The sky is", " blue"), r"Write \[' blue', ...\]"),  # type: ignore[call-overload]
    ],
)
def test_what_is_no_question_is_refused_with_what_to_write(call: Callable[[], object], says: str, platform) -> None:
    with pytest.raises(RequestRefused, match=says):
        call()
    assert platform.sent == []


@pytest.mark.parametrize("stream", [True, False])
def test_of_several_answers_the_first_is_returned(stream: bool, platform) -> None:
    platform.events = [
        {"choices": [{"index": 0, "delta": {"content": "one"}}]},
        {"choices": [{"index": 1, "delta": {"content": "two"}}]},
        {"choices": [], "usage": {}},
    ]
    assert labkit.chat([{"role": "user", "content": "hi"}], stream=stream, n=2) == "one"


def test_a_piece_without_words_is_no_words(platform) -> None:
    platform.events = [
        {"choices": [{"index": 0, "delta": delta}]} for delta in ({}, {"content": None}, {"content": "a"})
    ]
    assert labkit.ask("hi") == "a"


def test_whole_answers_are_not_printed(platform, capsys) -> None:
    platform.says("a", "b")
    assert labkit.chat([], stream=False) == labkit.ask("hi") == "ab"
    assert capsys.readouterr().out == ""


def test_options_left_at_none_are_not_sent(platform) -> None:
    platform.says("a")
    labkit.ask("hi", temperature=0, max_tokens=None)
    _, body = platform.sent[-1]
    assert body == {"messages": [{"role": "user", "content": "hi"}], "temperature": 0, "stream": True}


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_refused_before_it_costs_anything(question: str, platform) -> None:
    with pytest.raises(RequestRefused, match="Your question is empty"):
        labkit.ask(question)
    assert platform.sent == []


def test_an_answer_that_was_printed_is_not_shown_a_second_time_by_the_notebook(platform) -> None:
    from IPython.core.formatters import DisplayFormatter

    platform.says("Kumusta", "!")
    printed = labkit.chat([{"role": "user", "content": "hi"}])
    assert printed == "Kumusta!"
    assert DisplayFormatter().format(printed) == ({}, {})


def test_a_training_stands_for_its_model(platform) -> None:
    class Training:
        model = "ft:base:labkit::1"

    platform.events = [{"choices": [{"index": 0, "delta": {"content": "one"}}]}]
    labkit.ask("Who?", model=Training())

    assert platform.sent[-1][1]["model"] == "ft:base:labkit::1"
