"""The same promises, kept before the real model process."""

import time

import httpx
import openai
import pytest

pytestmark = pytest.mark.model
MODEL = "smollm2-135m-instruct"
HELLO = [{"role": "user", "content": "What is the capital of France?"}]


def test_a_chat_answers_and_its_usage_is_charged_to_the_token(real_gateway) -> None:
    answer = real_gateway.openai().chat.completions.create(model=MODEL, messages=HELLO, max_tokens=12, temperature=0)
    assert answer.choices[0].message.content
    assert answer.usage is not None and answer.usage.completion_tokens == 12
    assert answer.usage.total_tokens == real_gateway.balance().used > 12


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_the_prompt_is_counted_exactly_before_the_call(path: str, real_gateway) -> None:
    # Reserved is prompt + max_tokens; a call of exactly that size must fit, one token less must not.
    text = "Ilang araw po bago makuha ang permit? 🙂"
    body = {"messages": [{"role": "user", "content": text}]} if path.startswith("chat") else {"prompt": text}
    client = real_gateway.openai()
    answer = client.post(f"/{path}", body={**body, "max_tokens": 1}, cast_to=httpx.Response).json()
    prompt = answer["usage"]["prompt_tokens"]
    left = real_gateway.balance("small").left
    fits = left - prompt
    small = real_gateway.openai("small")
    if fits < 1:
        with pytest.raises(openai.RateLimitError, match=f"may cost {prompt + 1} tokens"):
            small.post(f"/{path}", body={**body, "max_tokens": 1}, cast_to=httpx.Response)
    else:
        with pytest.raises(openai.RateLimitError, match=f"may cost {left + 1} tokens"):
            small.post(f"/{path}", body={**body, "max_tokens": fits + 1}, cast_to=httpx.Response)
        small.post(f"/{path}", body={**body, "max_tokens": fits}, cast_to=httpx.Response)


def test_a_stream_is_charged_to_the_token(real_gateway) -> None:
    stream = real_gateway.openai().chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=8, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "timings" not in chunks[-1].model_dump()
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens == real_gateway.settled().used


def test_a_disconnect_stops_the_generation_and_charges_what_was_made(real_gateway) -> None:
    messages = [{"role": "user", "content": "Count from one to one thousand, slowly."}]
    client, began = real_gateway.openai(), time.monotonic()
    with client.chat.completions.create(model=MODEL, messages=messages, max_tokens=1000, stream=True) as stream:
        for _ in range(5):
            next(stream)
    used = real_gateway.settled().used
    assert 30 < used < 300
    # The slot is free again: the next answer does not wait for a thousand tokens.
    client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    assert time.monotonic() - began < 60


def test_a_completion_has_logprobs_in_openais_shape(real_gateway) -> None:
    answer = real_gateway.openai().completions.create(
        model=MODEL, prompt="The capital of France is", max_tokens=2, logprobs=3, temperature=0
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None and logprobs.tokens is not None and logprobs.top_logprobs is not None
    assert logprobs.tokens[0] == " Paris" and logprobs.text_offset == [0, 6]
    assert logprobs.top_logprobs[0][" Paris"] == max(logprobs.top_logprobs[0].values())


def test_a_schema_is_kept(real_gateway) -> None:
    import json

    schema = {"type": "object", "properties": {"office": {"enum": ["health", "roads"]}}, "required": ["office"]}
    answer = real_gateway.openai().chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Which office repairs a street? Answer in JSON."}],
        max_tokens=30,
        response_format={"type": "json_schema", "json_schema": {"name": "route", "schema": schema}},
    )
    assert json.loads(answer.choices[0].message.content or "")["office"] in ("health", "roads")


def test_scores_are_the_same_for_a_learner_and_for_the_autograder(real_gateway) -> None:
    body = {"prompts": ["The sky is", "Grass is"], "choices": [" blue", " green"]}
    headers = {"Authorization": f"Bearer {real_gateway.key()}"}
    url = f"{real_gateway.url}/labs/prompting/triage/v1/score"
    mine = httpx.post(url, json=body, headers=headers, timeout=60).json()
    lane = httpx.post(
        f"{real_gateway.url}/grading/v1/score",
        json=body,
        headers={"Authorization": "Bearer the-autograders-key"},
        timeout=60,
    ).json()
    assert {name: mine[name] for name in lane} == lane
    assert mine["usage"]["total_tokens"] == real_gateway.balance().used
    assert mine["scores"][0][0] > mine["scores"][0][1]


def test_a_prompt_the_model_cannot_hold_is_the_learners_to_shorten(real_gateway) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        real_gateway.openai().completions.create(model=MODEL, prompt="word " * 3000, max_tokens=1)
    assert caught.value.status_code == 429  # it would cost more than the whole allowance of this lab


def test_a_model_process_that_is_gone_is_a_502_and_costs_nothing(start, tmp_path) -> None:
    from labkit.gateway.backends import open_backend

    (tmp_path / "key").write_text("k")
    dead = {"url": "http://127.0.0.1:9", "scoring_url": "http://127.0.0.1:9", "key_file": str(tmp_path / "key")}
    gateway = start(open_backend({"kind": "llamacpp", **dead}), MODEL)
    assert httpx.get(f"{gateway.url}/health").status_code == 503
    with pytest.raises(openai.InternalServerError, match="did not answer"):
        gateway.openai().with_options(max_retries=0).chat.completions.create(model=MODEL, messages=HELLO)
    assert gateway.settled().used == 0
