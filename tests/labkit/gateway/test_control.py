"""What instructors and the site decide is enforced here: pauses, exams, limits, prefaces, lengths, moderation."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openai
import pytest
from sqlalchemy import select

from labkit.allowance import limits
from labkit.allowance.limits import Limit
from labkit.database.tables import calls, prompts
from labkit.gateway.backends.echo import Echo
from labkit.gateway.moderation import Words
from labkit.policy import exams, pauses, reports
from labkit.policy.exams import Exam
from labkit.policy.pauses import Pause

HELLO = [{"role": "user", "content": "good morning to you"}]
SLOW = [{"role": "user", "content": "SLOW as can be"}]


def soon(holds: Callable[[], bool], seconds: float = 5) -> None:
    """It becomes so within so many seconds: what is promised of a pause."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not become so in time"
        time.sleep(0.05)


def ask(gateway, lab: str = "triage", user: str = "ana", messages=HELLO, **more):
    client = gateway.openai(lab, user).with_options(max_retries=0)
    return client.chat.completions.create(model="echo", messages=messages, **{"max_tokens": 4, **more})


def refused(gateway, code: str, **how) -> bool:
    try:
        ask(gateway, **how)
    except openai.APIStatusError as error:
        return error.code == code
    return False


@pytest.mark.parametrize("pause", [Pause("prompting"), Pause("prompting", "first", "triage", "echo")])
def test_a_paused_model_answers_no_learner_of_the_class_and_its_instructor(gateway, pause: Pause) -> None:
    ask(gateway)
    pauses.pause(gateway.engine, pause, "tess")
    soon(lambda: refused(gateway, "ModelPaused"))
    assert ask(gateway, user="tess").choices
    pauses.resume(gateway.engine, pause)
    soon(lambda: not refused(gateway, "ModelPaused"))


def test_a_pause_of_another_class_is_none_of_hers(gateway) -> None:
    pauses.pause(gateway.engine, Pause("prompting", "second"), "tess")
    pauses.pause(gateway.engine, Pause("prompting", "first", "small"), "tess")
    soon(lambda: refused(gateway, "ModelPaused", lab="small"))
    ask(gateway)


def test_a_running_stream_ends_when_its_model_is_paused_and_what_was_made_is_paid(gateway) -> None:
    stream = ask(gateway, messages=SLOW, max_tokens=900, stream=True)
    next(iter(stream))
    pauses.pause(gateway.engine, Pause("prompting"), "tess")
    began = time.monotonic()
    with pytest.raises(openai.APIError, match="paused this model"):
        for _ in stream:
            assert time.monotonic() - began < 5
    used = gateway.settled().used
    assert 4 < used < 400
    with gateway.engine.connect() as connection:
        row = connection.execute(select(calls)).one()
    assert (row.outcome, row.charged) == ("paused", used)


def test_an_answer_that_is_being_made_ends_when_its_model_is_paused_and_costs_nothing(gateway) -> None:
    found: list[str | None] = []

    def wait() -> None:
        try:
            ask(gateway, messages=SLOW, max_tokens=900)
        except openai.APIStatusError as error:
            found.append(error.code)

    thread = threading.Thread(target=wait)
    thread.start()
    soon(lambda: gateway.balance().reserved > 0)
    pauses.pause(gateway.engine, Pause("prompting"), "tess")
    thread.join(5)
    assert found == ["ModelPaused"]
    assert gateway.settled().used == 0


def test_an_open_exam_closes_every_other_lab_for_its_cohort(gateway) -> None:
    now = datetime.now(UTC)
    ask(gateway, "small")
    exams.plan(gateway.engine, Exam("first", "prompting", "triage", now, now + timedelta(hours=1)), "tess")
    soon(lambda: _key_refused(gateway, "small") == "ExamOpen")
    ask(gateway, "triage")
    told = httpx.post(f"{gateway.url}/labs/prompting/small/key", headers={"Authorization": "token token-of-ana"}).text
    assert "Your exam 'triage' is open until" in told
    assert "(Asia/Manila)" in told
    assert ask(gateway, "small", user="tess").choices
    exams.cancel(gateway.engine, "first", "prompting", "triage")
    soon(lambda: _key_refused(gateway, "small") is None)


def test_a_key_from_before_the_exam_opens_nothing_while_it_is_open(gateway) -> None:
    key = gateway.key("small")
    now = datetime.now(UTC)
    exams.plan(gateway.engine, Exam("first", "prompting", "triage", now, now + timedelta(hours=1)), "tess")

    def answer() -> str | None:
        url = f"{gateway.url}/labs/prompting/small/v1/chat/completions"
        body = {"messages": HELLO, "max_tokens": 1}
        told = httpx.post(url, json=body, headers={"Authorization": f"Bearer {key}"}).json()
        return told.get("error", {}).get("code")

    soon(lambda: answer() == "ExamOpen")


def test_an_exam_that_is_still_to_come_keeps_its_own_lab_closed(gateway) -> None:
    opens = datetime.now(UTC) + timedelta(hours=1)
    exams.plan(gateway.engine, Exam("first", "prompting", "triage", opens, opens + timedelta(hours=1)), "tess")
    soon(lambda: _key_refused(gateway, "triage") == "ExamOpen")
    ask(gateway, "small")


def _key_refused(gateway, lab: str, user: str = "ana") -> str | None:
    headers = {"Authorization": f"token token-of-{user}"}
    told = httpx.post(f"{gateway.url}/labs/prompting/{lab}/key", headers=headers).json()
    return told.get("error", {}).get("code")


def test_more_allowance_for_one_learner_reaches_the_gateway_and_nobody_else(gateway) -> None:
    limits.set_limit(gateway.engine, Limit("lab", "ana", "", "prompting", "small", tokens=4), "tess")
    soon(lambda: refused(gateway, "AllowanceSpent", lab="small"))
    ask(gateway, "small", user="ben")


def test_a_cohorts_budget_is_shared_by_its_learners(gateway) -> None:
    limits.set_limit(gateway.engine, Limit("cohort", cohort="first", tokens=12), "maria")
    soon(lambda: "cohort" in str(_left(gateway)))
    ask(gateway, "small", user="ben")
    with pytest.raises(openai.RateLimitError, match="your cohort may use together"):
        ask(gateway, "small")
    ask(gateway, "small", user="tess")  # who teaches is no part of it


def _left(gateway) -> list[str]:
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    told = httpx.get(f"{gateway.url}/labs/prompting/triage/allowance", headers=headers).json()
    return [one["scope"] for one in told["all"]]


def test_the_instructors_preface_comes_before_what_the_learner_says(gateway, monkeypatch) -> None:
    seen: list[object] = []
    complete = gateway.backend.complete

    async def look(path: str, body: dict[str, object]) -> dict[str, object]:
        seen.append(body["messages"])
        return await complete(path, body)

    monkeypatch.setattr(gateway.backend, "complete", look)
    ask(gateway, "led", messages=[{"role": "system", "content": "Be a poet."}, *HELLO])
    assert [one["content"] for one in seen[0]] == ["Answer as a pirate would.", "Be a poet.", "good morning to you"]
    client = gateway.openai("led").with_options(max_retries=0)
    with pytest.raises(openai.PermissionDeniedError, match="by chat only"):
        client.completions.create(model="echo", prompt="good morning")


def test_a_lab_bounds_prompts_and_answers(gateway) -> None:
    assert ask(gateway, "short", max_tokens=99).usage.completion_tokens == 3
    with pytest.raises(openai.BadRequestError, match="Your prompt has 7 tokens; this lab allows 6"):
        ask(gateway, "short", messages=[{"role": "user", "content": "a b c d e f g"}])


@pytest.mark.parametrize("stream", [False, True])
def test_a_moderated_word_is_let_through_in_neither_direction(start, stream: bool) -> None:
    gateway = start(Echo(), "echo", moderator=Words(["to  you", "bad"]))
    with pytest.raises(openai.PermissionDeniedError, match="it holds “Bad”"):
        ask(gateway, messages=[{"role": "user", "content": "so Bad"}], stream=stream)
    ask(gateway, messages=[{"role": "user", "content": "so badly"}])
    used = gateway.settled().used
    with pytest.raises(openai.APIError, match="not let through"):
        # The echo says "to" and "you" one after the other only in its answer.
        list(ask(gateway, messages=[{"role": "user", "content": "you say to"}], max_tokens=6, stream=stream))
    assert (gateway.settled().used > used) is stream  # what streamed before it was hers to read


def test_a_learner_reports_an_answer(gateway) -> None:
    url, headers = f"{gateway.url}/labs/prompting/triage/reports", {"Authorization": f"Bearer {gateway.key()}"}
    said = {"reason": "it is rude", "asked": "hello", "answered": "go away", "model": "echo"}
    assert httpx.post(url, json=said, headers=headers).status_code == 201
    [found] = reports.of_cohorts(gateway.engine, "prompting", {"first"})
    assert (found.username, found.lab, found.reason, found.answered) == ("ana", "triage", "it is rude", "go away")
    for wrong in ({**said, "reason": " "}, {"reason": 7}, {**said, "grade": "A"}, [], {"reason": "\ud800"}):
        assert httpx.post(url, content=json.dumps(wrong), headers=headers).status_code == 400
    long = httpx.post(url, json={**said, "reason": "x" * 2001}, headers=headers)
    assert (long.status_code, "2,001 characters. Say it in at most 2,000" in long.text) == (400, True)
    assert len(reports.of_cohorts(gateway.engine, "prompting", {"first"})) == 1


def test_whoever_wants_to_know_is_told_her_place_in_the_queue(start) -> None:
    gateway = start(Echo(slots=1), "echo")
    blocker = ask(gateway, user="ben", messages=SLOW, max_tokens=60, stream=True)
    next(iter(blocker))
    body = {"messages": HELLO, "max_tokens": 2, "stream": True}
    headers = {"Authorization": f"Bearer {gateway.key()}", "X-Labkit-Queue": "1"}
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    with httpx.stream("POST", url, json=body, headers=headers, timeout=30) as answer:
        lines = list(answer.iter_lines())
    assert json.loads(lines[0].removeprefix(": labkit-queue "))["place"] == 1
    assert lines[-2] == "data: [DONE]"
    blocker.close()


def test_two_answers_to_one_prompt_pay_for_it_once(gateway) -> None:
    answer = ask(gateway, n=2, max_tokens=3)
    assert [one.index for one in answer.choices] == [0, 1]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (4, 6, 10)
    assert gateway.settled().used == 10
    stream = ask(gateway, n=2, max_tokens=3, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [10]
    assert gateway.settled().used == 20


@pytest.mark.parametrize("keeps", [False, True])
def test_what_is_asked_is_kept_only_where_the_site_keeps_it(start, keeps: bool) -> None:
    gateway = start(Echo(), "echo", keeps_prompts=keeps)
    ask(gateway)
    list(ask(gateway, stream=True))
    with gateway.engine.connect() as connection:
        kept = connection.execute(select(prompts)).all()
        digests = set(connection.execute(select(calls.c.digest)).scalars())
    assert [("good morning" in row.asked, row.answered.split()) for row in kept] == [
        (True, ["good", "morning", "to", "you"])
    ] * (2 * keeps)
    assert len(digests) == 1
    assert not any("good" in one for one in digests)


def test_what_she_may_still_use_is_in_the_headers(gateway) -> None:
    raw = gateway.openai("small").chat.completions.with_raw_response
    told = raw.create(model="echo", messages=HELLO, max_tokens=6).headers
    assert (told["x-ratelimit-limit-tokens"], told["x-ratelimit-remaining-tokens"]) == ("40", "30")
    assert told["x-ratelimit-reset-tokens"].endswith("T00:00:00+08:00")
    assert told["x-labkit-call"] == told["x-labkit-charge"]


def test_words_that_cannot_be_read_stop_the_start(tmp_path: Path) -> None:
    from labkit.errors import OperatorError
    from labkit.gateway.moderation import open_moderator

    (tmp_path / "words").write_text("# a remark\nbad  word\n\n")
    assert isinstance(open_moderator({"kind": "words", "file": str(tmp_path / "words")}), Words)
    assert open_moderator({}) is None
    for settings in ({"kind": "oracle"}, {"kind": "words", "file": str(tmp_path)}, {"kind": "words", "files": ""}):
        with pytest.raises(OperatorError):
            open_moderator(settings)


def test_what_was_read_before_a_refusal_is_paid(start) -> None:
    gateway = start(Echo(), "echo", moderator=Words(["to you"]))
    long = [{"role": "user", "content": "you say nothing at all for a good while and then go to"}]
    stream = ask(gateway, messages=long, max_tokens=200, stream=True)
    heard = 0
    with pytest.raises(openai.APIError, match="not let through"):
        for _ in stream:
            heard += 1
    assert heard > 5
    assert gateway.settled().used >= heard


def test_a_word_broken_over_two_lines_is_moderated_too(start) -> None:
    gateway = start(Echo(), "echo", moderator=Words(["bomb", "make it"]))
    for said in ("a\nbomb", "make\n it", "\tbomb"):
        with pytest.raises(openai.PermissionDeniedError, match="not let through"):
            ask(gateway, messages=[{"role": "user", "content": said}])


class Held(Echo):
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__(slots=1)
        self.let_go = threading.Event()

    async def complete(self, path, body):
        while not self.let_go.is_set():
            await asyncio.sleep(0.01)
        return await super().complete(path, body)


def test_a_call_beyond_the_line_costs_nobody_work(start) -> None:
    backend = Held()
    gateway = start(backend, "echo")
    with gateway.engine.connect() as connection:
        before = connection.execute(select(calls)).all()
    threads = [
        threading.Thread(target=lambda: ask(gateway, messages=SLOW, max_tokens=2, stream=False)) for _ in range(9)
    ]
    for thread in threads:
        thread.start()
    soon(lambda: gateway.balance().requests == 9)
    refusals = [refused(gateway, "TooManyAtOnce") for _ in range(5)]
    with gateway.engine.connect() as connection:
        rows = connection.execute(select(calls)).all()
    backend.let_go.set()
    for thread in threads:
        thread.join()
    assert refusals == [True] * 5
    assert all(row.outcome == "complete" for row in rows)
    assert before == []


def test_a_report_too_many_is_refused(gateway) -> None:
    url, headers = f"{gateway.url}/labs/prompting/triage/reports", {"Authorization": f"Bearer {gateway.key()}"}
    said = {"reason": "it is rude\0", "model": "e\0cho", "call": "\0"}
    codes = [httpx.post(url, json=said, headers=headers).status_code for _ in range(31)]
    assert codes == [201] * 30 + [429]


def test_an_exam_binds_whoever_assists_elsewhere(gateway) -> None:
    now = datetime.now(UTC)
    gateway.roll.learns_too = {"tess": {"exam-cohort"}}
    exams.plan(gateway.engine, Exam("exam-cohort", "tuning", "finals", now, now + timedelta(hours=1)), "jose")
    soon(lambda: _key_refused(gateway, "small", "tess") == "ExamOpen")
    assert _key_refused(gateway, "small", "ana") is None
