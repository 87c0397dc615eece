import json

import pytest

from labkit.errors import RequestRefused
from labkit.gateway.policy import LONGEST_ANSWER, answer_tokens
from labkit.gateway.requests import LARGEST_BODY, read_generation, read_scoring

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


def chat(**changes: object) -> bytes:
    return json.dumps(CHAT | changes).encode()


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "not JSON"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "whole characters"),
        (b'{"messages": "\xff"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (chat(tools=[{"type": "retrieval"}]), "tools is wrong"),
        (chat(best_of=2), "'best_of' is unknown"),
        (chat(cache_prompt=True), "'cache_prompt' is unknown"),
        (b"{}", "messages is missing"),
        (chat(messages=[]), "There are no messages"),
        (chat(messages=[{"role": "tool", "content": "x"}]), "not one a tool can send"),
        (chat(messages=[{"role": "user", "content": [{"type": "image_url"}]}]), "not one a user can send"),
        (chat(messages=[{"role": "user", "content": "x" * 32_001}]), "32,001 characters"),
        (chat(messages=[{"role": "user", "content": "x"}] * 65), "65 messages"),
        (chat(max_tokens=0), "max_tokens is wrong"),
        (
            chat(tool_choice={"type": "function", "function": {"name": "f", "guided_regex": "a"}}),
            "tool_choice is wrong",
        ),
        (chat(tool_choice={"type": "function", "function": {"name": "f" * 101}}), "tool_choice is wrong"),
        (chat(tools=[{"type": "function", "function": {"name": "f", "guided": 1}}]), "tools is wrong"),
        (b'{"messages": [], "tools": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper"),
        (chat(max_tokens=True), "max_tokens is wrong"),
        (chat(max_tokens=1.5), "max_tokens is wrong"),
        (chat(temperature=3), "temperature is wrong"),
        (b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}', "not JSON"),
        (chat(n=9), "n is wrong"),
        (chat(stop=[""]), "stop is wrong"),
        (chat(stop=["a"] * 5), "stop is wrong"),
        (chat(stream_options={"include_usage": 1}), "stream_options is wrong"),
        (chat(response_format={"type": "grammar"}), "response_format is wrong"),
        (chat(model=7), "model is wrong"),
        (b" " * (LARGEST_BODY + 1), "too large"),
    ],
)
def test_a_chat_we_do_not_understand_is_refused_by_name(raw: bytes, complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        read_generation("chat/completions", raw)


def test_what_the_gateway_answers_itself_is_not_forwarded() -> None:
    raw = chat(model="m", stream=True, stream_options={"include_usage": True}, max_tokens=9, n=1, user="u", top_p=None)
    asked = read_generation("chat/completions", raw)
    assert asked.body == CHAT
    assert (asked.model, asked.max_tokens, asked.stream, asked.include_usage) == ("m", 9, True, True)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_both_names_of_the_longest_answer_are_known(name: str) -> None:
    assert read_generation("chat/completions", chat(**{name: 7})).max_tokens == 7


@pytest.mark.parametrize(("asked", "given"), [(None, 256), (5, 5), (10**6, LONGEST_ANSWER)])
def test_an_answer_has_a_default_length_and_a_longest(asked: int | None, given: int) -> None:
    assert answer_tokens(asked) == given


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"prompt": ["a", "b"]}, "prompt is wrong"),
        ({"prompt": "a", "echo": True}, "'echo' is unknown"),
        ({"prompt": "a", "messages": []}, "'messages' is unknown"),
        ({"prompt": "a", "logprobs": True}, "logprobs is wrong"),
    ],
)
def test_a_completion_has_its_own_parameters(body: dict[str, object], complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        read_generation("completions", json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "prompts is missing"),
        ({"prompts": ["a"]}, "choices is missing"),
        ({"prompts": [], "choices": ["a"]}, "prompts is wrong"),
        ({"prompts": [" "], "choices": ["a"]}, "prompts is wrong"),
        ({"prompts": ["a"] * 257, "choices": ["a"]}, "prompts is wrong"),
        ({"prompts": ["a"], "choices": ["a"] * 33}, "choices is wrong"),
        ({"prompts": "a", "choices": ["a"]}, "prompts is wrong"),
        ({"prompts": ["a"], "choices": ["a"], "temperature": 0}, "'temperature' is unknown"),
    ],
)
def test_a_scoring_we_do_not_understand_is_refused_by_name(body: dict[str, object], complaint: str) -> None:
    with pytest.raises(RequestRefused, match=complaint):
        read_scoring(json.dumps(body).encode())
