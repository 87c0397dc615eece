"""One conversation with every backend, by the official client: what each promises, each is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest

from labkit.gateway.backends import Backend, Served, open_backend
from labkit.gateway.backends.echo import Echo

SMALL = "smollm2-135m-instruct"
FRANCE: Any = [{"role": "user", "content": "What is the capital of France?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
Ask = Callable[[str], Any]


def echo(_ask: Ask) -> tuple[Backend, str]:
    return Echo(), "echo"


def llamacpp(ask: Ask) -> tuple[Backend, str]:
    return open_backend({"kind": "llamacpp", **vars(ask("model_process"))}), SMALL


def transformers(ask: Ask) -> tuple[Backend, str]:
    folder = ask("prepared_models") / SMALL / "torch"
    return open_backend({"kind": "transformers", "folder": str(folder), "name": SMALL}), SMALL


def openai_to_llama(ask: Ask) -> tuple[Backend, str]:
    process = ask("model_process")
    models = {"small": {"upstream": SMALL, "context": 2048}}
    return open_backend({"kind": "openai", "url": process.url, "key_file": process.key_file, "models": models}), "small"


def openai_to_another_gateway(ask: Ask) -> tuple[Backend, str]:
    other = ask("gateways")(Echo(), "echo")
    key = ask("tmp_path_factory").mktemp("other") / "key"
    key.write_text(other.key("large"))
    models = {"far": {"upstream": "echo", "takes": ["logprobs", "tools", "images"]}}
    url = f"{other.url}/labs/prompting/large"
    return open_backend({"kind": "openai", "url": url, "key_file": str(key), "models": models}), "far"


REAL = (llamacpp, transformers, openai_to_llama)
OPENERS = [
    pytest.param(one, id=one.__name__, marks=[pytest.mark.model] if one in REAL else [])
    for one in (echo, llamacpp, transformers, openai_to_llama, openai_to_another_gateway)
]


@pytest.fixture(scope="session")
def gateways(tmp_path_factory: pytest.TempPathFactory, starting) -> Iterator[Callable[[Backend, str], Any]]:
    """Starts gateways that stay, each on a database of its own."""
    with ExitStack() as stack:

        def start(backend: Backend, model: str) -> Any:
            return stack.enter_context(starting(tmp_path_factory.mktemp("gateway")))(backend, model)

        yield start


@pytest.fixture(scope="session", params=OPENERS)
def behind(request: pytest.FixtureRequest, gateways) -> SimpleNamespace:
    """A running gateway before one backend, its model's name, and what it takes."""
    backend, name = request.param(request.getfixturevalue)
    gateway = gateways(backend, name)
    told = {one["id"]: one for one in _get(gateway, "v1/models")["data"]}[name]
    model = Served(name, frozenset(told["paths"]), frozenset(told["takes"]), told["context_length"] or 0)
    client = gateway.openai("large").with_options(max_retries=0)
    return SimpleNamespace(gateway=gateway, client=client, name=name, model=model, real=request.param in REAL)


def _get(gateway: Any, path: str) -> Any:
    headers = {"Authorization": f"Bearer {gateway.key('large')}"}
    return httpx.get(f"{gateway.url}/labs/prompting/large/{path}", headers=headers).json()


class Talk:
    """A client of a gateway, and what its lab has been charged since it was made."""

    def __init__(self, behind: SimpleNamespace) -> None:
        self.gateway, self.name = behind.gateway, behind.name
        self.client = behind.client
        self._before = self.gateway.settled("large").used

    @property
    def charged(self) -> int:
        return int(self.gateway.settled("large").used - self._before)

    def chat(self, **options: Any) -> Any:
        given = {"model": self.name, "messages": FRANCE, "max_tokens": 5, "temperature": 0, **options}
        return self.client.chat.completions.create(**given)

    def complete(self, **options: Any) -> Any:
        given = {"model": self.name, "prompt": "The capital of France is", "max_tokens": 4, "temperature": 0, **options}
        return self.client.completions.create(**given)


@pytest.fixture
def talk(behind: SimpleNamespace) -> Talk:
    return Talk(behind)


def test_the_model_is_listed_and_found_by_its_name(behind, talk: Talk) -> None:
    assert [one.id for one in talk.client.models.list()] == [behind.name]
    assert talk.client.models.retrieve(behind.name).object == "model"
    with pytest.raises(openai.NotFoundError):
        talk.client.models.retrieve("gpt-9")


def test_a_chat_is_answered_and_charged_as_its_usage_says(behind, talk: Talk) -> None:
    answer = talk.chat()
    assert answer.object == "chat.completion" and answer.model == behind.name
    (choice,) = answer.choices
    assert choice.index == 0 and choice.message.role == "assistant" and choice.finish_reason in ("stop", "length")
    assert choice.message.content.strip() and (behind.real or "capital of" in choice.message.content)
    assert 0 < answer.usage.completion_tokens <= 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == talk.charged


def test_a_stream_says_the_same_as_a_whole_answer_and_ends_as_clients_expect(talk: Talk) -> None:
    whole = talk.chat()
    chunks = list(talk.chat(stream=True, stream_options={"include_usage": True}))
    choices = [one.choices[0] for one in chunks if one.choices]
    assert choices[0].delta.role == "assistant" and all(one.delta.role is None for one in choices[1:])
    assert "".join(one.delta.content or "" for one in choices).strip() == whole.choices[0].message.content.strip()
    ends = [one.finish_reason for one in choices]
    assert ends[-1] == whole.choices[0].finish_reason and not any(ends[:-1])
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    assert all(one.object == "chat.completion.chunk" and one.model == talk.name for one in chunks)
    assert talk.charged == 2 * whole.usage.total_tokens


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_a_streams_last_line_is_done_and_its_usage_is_told_only_where_it_is_asked_for(path: str, talk: Talk) -> None:
    asked: dict[str, Any] = {"messages": FRANCE} if path.startswith("chat") else {"prompt": "The sky is"}
    url, headers = f"{talk.client.base_url}{path}", {"Authorization": f"Bearer {talk.client.api_key}"}
    body = {"model": talk.name, **asked, "max_tokens": 3, "stream": True}
    lines = [line for line in httpx.post(url, json=body, headers=headers, timeout=60).text.splitlines() if line]
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1] if not line.startswith(":")]
    assert all(one["choices"] and not one.get("usage") for one in events)
    assert talk.charged > 3


def test_a_completion_is_the_text_after_the_prompt(behind, talk: Talk) -> None:
    answer = talk.complete()
    assert answer.object == "text_completion" and answer.choices[0].finish_reason == "length"
    assert not behind.real or answer.choices[0].text.startswith(" Paris")
    streamed = talk.complete(stream=True, stream_options={"include_usage": True})
    text = "".join(one.choices[0].text for one in streamed if one.choices)
    assert text.strip() == answer.choices[0].text.strip() and answer.usage.completion_tokens == 4
    assert talk.charged == 2 * answer.usage.total_tokens


def test_log_probabilities_have_openais_two_shapes(behind, talk: Talk) -> None:
    if "logprobs" not in behind.model.takes:
        pytest.fail("a backend without log-probabilities has no test here that it refuses them")
    told = talk.chat(logprobs=True, top_logprobs=1).choices[0].logprobs.content
    assert all(one.logprob <= 0 and bytes(one.bytes).decode(errors="replace") == one.token for one in told)
    assert all(one.top_logprobs[0].token == one.token for one in told)  # at temperature 0 the likeliest is drawn
    choice = talk.complete(logprobs=1).choices[0]
    assert "".join(choice.logprobs.tokens) == choice.text and len(choice.logprobs.tokens) == 4
    assert choice.logprobs.text_offset[:2] == [0, len(choice.logprobs.tokens[0])]
    pairs = zip(choice.logprobs.tokens, choice.logprobs.token_logprobs, choice.logprobs.top_logprobs, strict=True)
    assert all(top[token] == pytest.approx(logprob) for token, logprob, top in pairs)
    assert talk.chat().choices[0].logprobs is None


@pytest.mark.parametrize("stream", [False, True])
def test_two_answers_are_numbered_and_their_prompt_is_paid_for_once(stream: bool, talk: Talk) -> None:
    one = talk.chat(max_tokens=3)
    before = talk.charged
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer = talk.chat(n=2, max_tokens=3, **options)
    if stream:
        chunks = list(answer)
        assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}
        usage = chunks[-1].usage
    else:
        assert [choice.index for choice in answer.choices] == [0, 1]
        usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (one.usage.prompt_tokens, 6)
    assert talk.charged - before == usage.total_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_ends_before_a_stop_text(stream: bool, talk: Talk) -> None:
    free = talk.chat().choices[0].message.content
    stop = free.split()[-1]
    answer = talk.chat(stop=[stop, "\x00"], stream=stream)
    if stream:
        choices = [one.choices[0] for one in answer if one.choices]
        text, end = "".join(one.delta.content or "" for one in choices), choices[-1].finish_reason
    else:
        text, end = answer.choices[0].message.content, answer.choices[0].finish_reason
    assert text.strip() == free[: free.index(stop)].strip() and end == "stop"


def test_a_seed_repeats_a_warm_answer(talk: Talk) -> None:
    first, second = (talk.complete(temperature=1, top_p=0.9, seed=7) for _ in range(2))
    assert first.choices[0].text == second.choices[0].text != ""


def test_a_schema_is_kept_or_refused_by_name(behind, talk: Talk) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    if "json_schema" in behind.model.takes:
        answer = talk.chat(response_format=wanted, max_tokens=40)
        assert json.loads(answer.choices[0].message.content).keys() == {"city"}
        return
    for given in (wanted, {"type": "json_object"}):
        with pytest.raises(openai.BadRequestError, match="keeps to no format") as caught:
            talk.chat(response_format=given)
        assert caught.value.param == "response_format"
    assert talk.chat(response_format={"type": "text"}).choices and talk.charged > 0


@pytest.mark.parametrize(
    ("ability", "param", "options"),
    [
        ("tools", "tools", {"tools": [TOOL]}),
        (
            "images",
            "messages",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}]},
        ),
    ],
    ids=["tools", "images"],
)
def test_what_a_model_does_not_take_is_refused_by_name_and_costs_nothing(
    ability: str, param: str, options: dict[str, Any], behind, talk: Talk
) -> None:
    if ability in behind.model.takes:
        assert talk.chat(**options).choices and talk.charged > 0
        return
    with pytest.raises(openai.BadRequestError, match=r"uses no tools|sees no images") as caught:
        talk.chat(**options)
    assert caught.value.param == param and talk.charged == 0


def test_a_parameter_nobody_knows_is_named_in_a_warning_and_refused_where_the_caller_is_strict(talk: Talk) -> None:
    given: dict[str, Any] = {"model": talk.name, "messages": FRANCE, "max_tokens": 2, "extra_body": {"top_k": 5}}
    raw = talk.client.chat.completions.with_raw_response.create(**given)
    assert raw.headers["X-Labkit-Ignored"] == "top_k" and raw.parse().usage.total_tokens == talk.charged
    before = talk.charged
    with pytest.raises(openai.BadRequestError, match="'top_k' is unknown") as caught:
        talk.client.chat.completions.create(**given, extra_headers={"X-Labkit-Strict": "1"})
    assert caught.value.param == "top_k" and talk.charged == before


def test_messages_may_be_as_newer_clients_write_them(talk: Talk) -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What is the capital"}, {"type": "text", "text": "of France?"}],
        },
        {"role": "assistant", "content": "Paris.", "refusal": None},
        {"role": "user", "content": "And of Italy?", "name": "ana"},
    ]
    answer = talk.chat(messages=messages, max_tokens=None, max_completion_tokens=3, user="ana")
    assert answer.usage.completion_tokens <= 3 and answer.usage.total_tokens == talk.charged


def test_whoever_leaves_a_stream_pays_for_what_was_made(behind, talk: Talk) -> None:
    text = "Count from one to one thousand, slowly." if behind.real else "SLOW words"
    with talk.chat(messages=[{"role": "user", "content": text}], max_tokens=900, stream=True) as stream:
        for _ in range(4):
            next(stream)
    assert 3 < talk.charged < 500
    assert talk.chat(max_tokens=1).usage.completion_tokens == 1


def test_choices_are_scored_where_the_backend_does(behind, talk: Talk) -> None:
    body = {"prompts": ["The capital of France is", "The capital of Italy is"], "choices": [" Paris", " Rome"]}
    if "score" not in behind.model.paths:
        with pytest.raises(openai.PermissionDeniedError):
            talk.client.post("/score", body=body, cast_to=httpx.Response)
        assert talk.charged == 0
        return
    told = talk.client.post("/score", body=body, cast_to=httpx.Response).json()
    assert told["usage"]["total_tokens"] == talk.charged
    assert all(len(row) == 2 for row in told["scores"])
    if behind.real:
        assert told["scores"][0][0] > told["scores"][0][1] and told["scores"][1][1] > told["scores"][1][0]


def test_a_prompt_beyond_the_context_is_refused_in_words_a_learner_can_use(behind, talk: Talk) -> None:
    if not behind.real:
        assert behind.model.context == 0
        return
    with pytest.raises(openai.BadRequestError, match=r"too long: \d+ tokens, at most \d+|model refused"):
        talk.chat(messages=[{"role": "user", "content": "one two three " * 2_200}])
    assert talk.charged == 0
