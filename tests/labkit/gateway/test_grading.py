from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from labkit.gateway.backends import Scored

HEADERS = {"Authorization": "Bearer the-autograders-key"}
SCORE = {"prompts": ["abc"], "choices": ["a", "x"]}
CHAT = {"messages": [{"role": "user", "content": "one two"}], "max_tokens": 3}


@pytest.mark.parametrize(("path", "body"), [("score", SCORE), ("chat/completions", CHAT)])
def test_the_lane_is_closed_to_a_learners_key(path: str, body: dict[str, Any], gateway) -> None:
    for headers in ({}, {"Authorization": f"Bearer {gateway.key()}"}, {"Authorization": "Bearer the-autograder"}):
        answer = httpx.post(f"{gateway.url}/grading/v1/{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "KeyRefused")


def test_who_answers_is_told_with_what_the_lane_adds_and_to_the_autograder_alone(gateway) -> None:
    url = f"{gateway.url}/grading/v1/identity"
    told = httpx.get(url, headers=HEADERS).json()
    assert told["backend"] == {"engine": "echo", "model": "echo"}
    assert (told["fixed"]["temperature"], told["fixed"]["seed"]) == (0, 0)
    for headers in ({}, {"Authorization": f"Bearer {gateway.key()}"}):
        assert httpx.get(url, headers=headers).status_code == 401


def test_a_grading_call_is_charged_to_nobody(gateway) -> None:
    answer = httpx.post(f"{gateway.url}/grading/v1/score", json=SCORE, headers=HEADERS).json()
    assert answer["scores"] == [[0, -1]]
    for user in ("ana", "ben", "tess"):
        assert gateway.balance(user=user).used == 0


def test_a_graded_chat_has_temperature_zero_whatever_it_asked(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    complete = gateway.backend.complete

    async def recorded(path: str, body: dict[str, Any]) -> dict[str, Any]:
        seen.append(body)
        return await complete(path, body)

    monkeypatch.setattr(gateway.backend, "complete", recorded)
    body = {**CHAT, "temperature": 1.5, "seed": 9}
    answer = httpx.post(f"{gateway.url}/grading/v1/chat/completions", json=body, headers=HEADERS).json()
    assert answer["choices"][0]["message"]["content"] == "one two one"
    assert (seen[0]["temperature"], seen[0]["seed"], seen[0]["model"]) == (0, 0, "echo")


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("chat/completions", {**CHAT, "stream": True}, "not streamed"),
        ("chat/completions", {**CHAT, "model": "gpt-9"}, "not served here"),
        ("score", {**SCORE, "model": "gpt-9"}, "not served here"),
        ("score", {"prompts": ["a"]}, "choices is missing"),
    ],
)
def test_a_lane_call_that_is_wrong_says_so(path: str, body: dict[str, Any], complaint: str, gateway) -> None:
    answer = httpx.post(f"{gateway.url}/grading/v1/{path}", json=body, headers=HEADERS)
    assert answer.status_code == 400 and complaint in answer.json()["error"]["message"]


def test_grading_calls_run_one_after_another(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    running, most = 0, 0

    async def slow(prompts: list[str], choices: list[str]) -> Scored:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return Scored([[0.0]], 1)

    monkeypatch.setattr(gateway.backend, "score", slow)
    with ThreadPoolExecutor(5) as pool:
        url = f"{gateway.url}/grading/v1/score"
        answers = list(pool.map(lambda _: httpx.post(url, json=SCORE, headers=HEADERS), range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert most == 1
