from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import httpx
import openai
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from labkit.allowance import Settlement
from labkit.database.tables import calls, charges, reservations
from labkit.gateway import writer
from labkit.gateway.app import create
from labkit.gateway.backends.echo import Echo
from labkit.programme.cohorts import Cohort

HELLO = [{"role": "user", "content": "good morning to you"}]


def test_health_says_whether_a_model_is_there(gateway) -> None:
    assert httpx.get(f"{gateway.url}/health").json() == {"status": "ok"}


@pytest.mark.parametrize(("name", "word"), [("starts_at", "begins on"), ("ends_at", "ended on")])
def test_a_learner_is_refused_before_her_cohort_begins_and_after_its_end_and_her_instructor_is_not(
    gateway, name: str, word: str
) -> None:
    client, teacher = gateway.openai(), gateway.openai(user="tess")
    at = datetime.now(UTC) + timedelta(days=1 if name == "starts_at" else -1)
    gateway.roll.cohort = Cohort("first", "prompting", **{name: at})

    with pytest.raises(openai.PermissionDeniedError, match=word):
        client.models.list()
    assert teacher.models.list().data


def test_a_cohort_has_its_own_share_of_a_labs_allowance(gateway) -> None:
    address = f"{gateway.url}/labs/prompting/triage/allowance"
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    assert httpx.get(address, headers=headers).json()["limit"] == 2000
    gateway.roll.cohort = Cohort("first", "prompting", allowance_percent=150)
    assert httpx.get(address, headers=headers).json()["limit"] == 3000


def test_who_is_no_longer_enrolled_is_refused_at_once(gateway) -> None:
    client = gateway.openai()
    del gateway.roll.people["ana"]
    with pytest.raises(openai.PermissionDeniedError, match="not enrolled"):
        client.models.list()


def test_an_instructor_may_call_too(gateway) -> None:
    assert gateway.openai(user="tess").chat.completions.create(model="echo", messages=HELLO, max_tokens=1).usage


def test_a_model_the_lab_does_not_allow_is_403_and_names_those_it_does(gateway) -> None:
    with pytest.raises(openai.PermissionDeniedError, match=r"'gpt-9'.*Use echo") as caught:
        gateway.openai().chat.completions.create(model="gpt-9", messages=HELLO)
    assert caught.value.code == "ModelNotAllowed"


def test_a_closed_lab_has_no_model(gateway) -> None:
    client = gateway.openai("exam")
    with pytest.raises(openai.PermissionDeniedError, match="without a model"):
        client.chat.completions.create(model="echo", messages=HELLO)
    with pytest.raises(openai.PermissionDeniedError):
        client.post("/score", body={"prompts": ["a"], "choices": ["b"]}, cast_to=httpx.Response)


def test_the_usage_of_a_chat_is_charged_to_the_token(gateway) -> None:
    answer = gateway.openai().chat.completions.create(model="echo", messages=HELLO, max_tokens=6)
    assert answer.choices[0].message.content == "good morning to you good morning"
    assert answer.usage is not None and answer.usage.total_tokens == 10
    assert (gateway.balance().used, gateway.balance().reserved) == (10, 0)


def test_a_stream_is_charged_to_the_token_and_tells_usage_when_asked(gateway) -> None:
    stream = gateway.openai().chat.completions.create(
        model="echo", messages=HELLO, max_tokens=5, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "good morning to you good "
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == 9
    assert gateway.settled().used == 9


def test_a_stream_that_did_not_ask_for_usage_carries_none(gateway) -> None:
    stream = gateway.openai().chat.completions.create(model="echo", messages=HELLO, max_tokens=2, stream=True)
    chunks = list(stream)
    assert len(chunks) == 2 and all(chunk.usage is None for chunk in chunks)
    assert gateway.settled().used == 6


def test_a_completion_has_logprobs_in_openais_shape(gateway) -> None:
    answer = gateway.openai().completions.create(model="echo", prompt="one two", max_tokens=3, logprobs=1)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert (logprobs.tokens, logprobs.text_offset) == (["one", " two", " one"], [0, 3, 7])
    assert gateway.balance().used == 5


def test_scores_come_in_rows_and_are_charged(gateway) -> None:
    body = {"model": None, "prompts": ["abc", "xyz"], "choices": ["ab", "xy", "q"]}
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    answer = httpx.post(f"{gateway.url}/labs/prompting/triage/v1/score", json=body, headers=headers).json()
    assert answer == {"model": "echo", "scores": [[0, -2, -1], [-2, 0, -1]], "usage": {"total_tokens": 8}}
    assert gateway.balance().used == 8


def test_one_call_cannot_keep_the_scorer_for_minutes(gateway) -> None:
    body = {"prompts": ["word " * 150] * 200, "choices": [" a"]}
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    answer = httpx.post(f"{gateway.url}/labs/prompting/triage/v1/score", json=body, headers=headers)
    assert answer.status_code == 400 and "Send fewer prompts" in answer.json()["error"]["message"]


def test_over_the_allowance_is_429_with_the_reset_named_and_is_not_retried(gateway) -> None:
    client = gateway.openai("small")
    client.chat.completions.create(model="echo", messages=HELLO, max_tokens=30)
    generated = gateway.backend.generated
    with pytest.raises(openai.RateLimitError, match=r"6 of this lab's 40 are left.*full again at 00:00") as caught:
        client.chat.completions.create(model="echo", messages=HELLO, max_tokens=3)
    assert caught.value.code == "AllowanceSpent"
    assert caught.value.body["resets_at"].endswith("T00:00:00+08:00")
    assert 0 < int(caught.value.response.headers["Retry-After"]) <= 86_400
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert gateway.backend.generated == generated
    assert gateway.balance("small").used == 34


def test_a_stream_cannot_overshoot(gateway) -> None:
    with pytest.raises(openai.RateLimitError):
        gateway.openai("small").chat.completions.create(model="echo", messages=HELLO, max_tokens=37, stream=True)
    assert gateway.backend.generated == 0


def test_a_disconnect_stops_the_generation_and_charges_what_was_made(gateway) -> None:
    messages = [{"role": "user", "content": "SLOW words"}]
    with gateway.openai().chat.completions.create(
        model="echo", messages=messages, max_tokens=200, stream=True
    ) as stream:
        for _ in range(3):
            next(stream)
    balance = gateway.settled()
    made = gateway.backend.generated
    assert 3 <= made < 20
    assert 2 + 3 <= balance.used <= 2 + made


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_costs_nothing(stream: bool, gateway) -> None:
    messages = [{"role": "user", "content": "please FAIL now"}]
    client = gateway.openai().with_options(max_retries=0)
    with pytest.raises(openai.APIError, match="did not answer") as caught:
        for _ in client.chat.completions.create(model="echo", messages=messages, stream=stream):
            pass
    assert caught.value.code == "ModelUnavailable"
    if isinstance(caught.value, openai.APIStatusError):
        assert caught.value.status_code == 502
    assert gateway.settled().used == 0


@pytest.mark.parametrize("queue", ["0", "1"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_model_refuses_costs_nothing_and_is_told_as_refused(stream: bool, queue: str, gateway) -> None:
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    body = {"messages": [{"role": "user", "content": "please REFUSE this now"}], "stream": stream}
    headers = {"Authorization": f"Bearer {gateway.key()}", "X-Labkit-Queue": queue}
    assert "Shorten it." in httpx.post(url, json=body, headers=headers).text
    assert gateway.settled().used == 0
    with gateway.engine.connect() as connection:
        [row] = connection.execute(select(calls)).mappings().all()
    assert (row["outcome"], row["prompt_tokens"], row["answer_tokens"], row["charged"]) == ("refused", 0, 0, 0)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "There are no messages."),
        ([{"content": "hi"}], 'Message 1 must have "role" and "content".'),
        ([{"role": "user", "content": "hi"}, {"role": "usr", "content": "x"}], "Message 2 has the role 'usr'; roles"),
        ([{"role": "user", "content": 3}], "Message 1 is not one a user can send."),
        ([{"role": "user", "content": "x" * 32_001}], "Your text has 32,001 characters; at most 32,000 are read."),
        ([{"role": "user", "content": "x"}] * 65, "There are 65 messages; at most 64 are read."),
    ],
)
def test_what_is_wrong_with_messages_is_said(messages: list[dict[str, object]], said: str, gateway) -> None:
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    answer = httpx.post(url, json={"messages": messages}, headers={"Authorization": f"Bearer {gateway.key()}"})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def lines(gateway) -> dict[str, int]:
    with gateway.engine.connect() as connection:
        return {row.id: row.amount for row in connection.execute(select(charges))}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"messages": HELLO, "max_tokens": 3}),
        ("completions", {"prompt": "a b", "max_tokens": 3}),
        ("score", {"prompts": ["a b"], "choices": [" c"]}),
    ],
)
def test_an_answer_names_its_line_in_the_ledger(path: str, body: dict[str, object], gateway) -> None:
    url = f"{gateway.url}/labs/prompting/triage/v1/{path}"
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {gateway.key()}"})
    spent = answer.json()["usage"]["total_tokens"]
    assert lines(gateway) == {answer.headers["X-Labkit-Charge"]: spent}
    assert gateway.balance().used == spent


def test_a_stream_names_its_line_once_it_is_written_and_before_it_says_done(gateway) -> None:
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    body = {"messages": HELLO, "max_tokens": 4, "stream": True}
    with httpx.stream("POST", url, json=body, headers={"Authorization": f"Bearer {gateway.key()}"}) as answer:
        for line in answer.iter_lines():
            if line.startswith(": labkit-charge "):
                written = lines(gateway)
                assert list(written) == [line.split()[-1]]
            else:
                assert line != "data: [DONE]" or written


def test_an_answer_whose_cost_cannot_be_written_down_is_not_given_and_costs_nothing(
    gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = gateway.ledger.write

    def away(entries: list[object], *held: object) -> list[object]:
        # While this call is there to be settled; giving back is asked for again and again, and works in the end.
        if any(isinstance(one, Settlement) and one.used is not None for one in entries):
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))
        return write(entries, *held)

    monkeypatch.setattr(writer, "_PAUSES", (0.01,))
    monkeypatch.setattr(gateway.ledger, "write", away)
    client = gateway.openai().with_options(max_retries=0)
    with pytest.raises(openai.InternalServerError, match="nothing was charged"):
        client.chat.completions.create(model="echo", messages=HELLO, max_tokens=4)
    with pytest.raises(openai.APIError, match="nothing was charged"):
        list(client.chat.completions.create(model="echo", messages=HELLO, max_tokens=4, stream=True))
    assert gateway.settled().used == 0
    assert lines(gateway) == {}


def test_a_database_that_is_away_for_a_moment_is_waited_for(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    write, asked = gateway.ledger.write, []

    def away_once_written(entries: list[object], *held: object) -> list[object]:
        written = write(entries, *held)
        if isinstance(entries[0], Settlement):
            asked.extend(written)
            if len(asked) == 1:
                raise OperationalError("COMMIT", {}, Exception("server closed the connection"))
        return written

    monkeypatch.setattr(gateway.ledger, "write", away_once_written)
    answer = gateway.openai().chat.completions.create(model="echo", messages=HELLO, max_tokens=4)
    assert asked == [answer.usage.total_tokens] * 2
    assert list(lines(gateway).values()) == [answer.usage.total_tokens]


def test_what_nobody_answers_for_is_given_back_while_the_gateway_runs(gateway) -> None:
    gateway.ledger.reserve("ana", "prompting", "triage", gateway.labs["triage"].allowance, 500, "gateway")
    assert gateway.settled().used == 0


def test_a_score_that_fails_costs_nothing(gateway) -> None:
    answer = httpx.post(
        f"{gateway.url}/labs/prompting/triage/v1/score",
        json={"prompts": ["FAIL"], "choices": ["a"]},
        headers={"Authorization": f"Bearer {gateway.key()}"},
    )
    assert answer.status_code == 502
    assert gateway.settled().used == 0


def test_a_restart_gives_back_what_the_last_run_left_reserved(gateway, start) -> None:
    gateway.ledger.reserve("ana", "prompting", "triage", gateway.labs["triage"].allowance, 500, "gateway")
    gateway.ledger.reserve("ana", "prompting", "triage", gateway.labs["triage"].allowance, 5, "another")
    again = start(Echo(), "echo")
    assert again.balance().reserved == 5
    with again.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(reservations)).scalar_one() == 1


def test_an_unforeseen_fault_is_a_503_without_a_traceback(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> int:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(gateway.backend, "count", broken)
    client = gateway.openai().with_options(max_retries=0)
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="echo", messages=HELLO)
    assert caught.value.code == "PlatformFault"
    assert "secret detail" not in caught.value.response.text


def test_the_prefix_can_be_chosen() -> None:
    app = create(
        identity=SimpleNamespace(),
        enrolment=SimpleNamespace(),
        courses=[],
        engine=SimpleNamespace(),
        ledger=SimpleNamespace(hold_impatiently=lambda: None, zone=ZoneInfo("Asia/Manila")),
        backends=[Echo()],
        keys=SimpleNamespace(),
        grading_key="k",
        prefix="/elsewhere",
    )
    assert str(app.url_path_for("health")) == "/elsewhere/health"
