"""What only the transformers backend promises; what every backend does is in test_every_backend.py."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from labkit.errors import OperatorError, RequestRefused
from labkit.gateway.backends import open_backend
from labkit.gateway.backends.transformers import Transformers
from labkit.models import prepared
from labkit.models.sampling import Draw, Text, sample
from labkit.models.scoring import ChoiceScorer

MODEL = "smollm2-135m-instruct"
CHAT = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "max_tokens": 8}


@pytest.fixture(scope="module")
def folder(prepared_models: Path) -> Path:
    return prepared(prepared_models).safetensors


@pytest.fixture(scope="module")
def torch_backend(folder: Path) -> Transformers:
    backend = open_backend({"kind": "transformers", "folder": str(folder), "name": MODEL})
    assert isinstance(backend, Transformers)
    return backend


@pytest.mark.parametrize(
    ("stops", "told"),
    [
        ([], ["The", " quick", " fox", " jumps"]),
        ([" fox"], ["The", " quick", ""]),
        (["x j"], ["The", " quick", " fo", ""]),
        (["quick fox!"], ["The", " ", "", "quick fox jumps"]),
        (["zebra", "ck"], ["The", " qui"]),
    ],
)
def test_text_is_told_only_as_far_as_no_stop_text_can_begin_in_it(stops: list[str], told: list[str]) -> None:
    words = ["The", " quick", " fox", " jumps"]
    text = Text(lambda ids: "".join(words[one] for one in ids), stops)
    said = []
    for token in range(4):
        said.append(text.add(token))
        if text.stopped:
            break
    assert said == told and text.end() == ""


def test_what_was_held_back_is_told_at_the_end() -> None:
    text = Text(lambda ids: "a sto"[: len(ids)], ["stop"])
    assert "".join(text.add(token) for token in range(5)) == "a "
    assert text.end() == "sto"


def test_half_a_character_waits_for_its_other_half() -> None:
    halves = "🙂".encode()
    text = Text(lambda ids: halves[: len(ids)].decode(errors="replace"), [])
    assert [text.add(token) for token in range(4)] == ["", "", "", "🙂"]


@pytest.mark.model
async def test_a_warm_draw_repeats_with_its_seed_and_differs_with_another(torch_backend: Transformers) -> None:
    async def answer(**options: object) -> str:
        told = await torch_backend.complete("completions", {"prompt": "Paris is", "max_tokens": 5, **options})
        return str(told["choices"][0]["text"])

    assert await answer(temperature=1.5, seed=1) == await answer(temperature=1.5, seed=1)
    assert len({await answer(temperature=1.5, seed=seed) for seed in (1, 2, 3)}) > 1
    # Of the smallest nucleus only the likeliest is left.
    assert await answer(temperature=2, top_p=0, seed=5) == await answer(temperature=0)


@pytest.mark.model
def test_penalties_keep_tokens_from_coming_again(folder: Path) -> None:
    scorer = ChoiceScorer(folder)
    prompt = scorer.tokenizer("One, two, one, two, one, two, one,")["input_ids"]

    def drawn(**options: float) -> list[int]:
        return [one.id for one in itertools.islice(sample(scorer.model, prompt, Draw(0, **options)), 9)]

    assert len(set(drawn())) < 5 < len(set(drawn(frequency_penalty=2, presence_penalty=2)))


@pytest.mark.model
def test_a_drawn_tokens_log_probability_is_the_scorers(folder: Path) -> None:
    scorer = ChoiceScorer(folder)
    prompt = "The capital of France is"
    token = next(sample(scorer.model, scorer.tokenizer(prompt)["input_ids"], Draw(temperature=0, likeliest=3)))
    text = scorer.tokenizer.decode([token.id])
    assert token.logprob == pytest.approx(scorer.score([prompt], [text])[0][0], abs=1e-4)
    assert token.likeliest[0] == (token.id, token.logprob) and len(token.likeliest) == 3


@pytest.mark.model
async def test_a_stopped_stream_leaves_the_thread_to_the_next_call(torch_backend: Transformers) -> None:
    pieces = torch_backend.stream("chat/completions", {**CHAT, "max_tokens": 900, "temperature": 0})
    seen = [await anext(pieces) for _ in range(3)]
    assert [piece.answer for piece in seen] == [0, 1, 2]
    await pieces.aclose()  # type: ignore[attr-defined]
    asked = torch_backend.complete("chat/completions", {**CHAT, "max_tokens": 1})
    assert (await asyncio.wait_for(asked, 20))["usage"]["completion_tokens"] == 1


@pytest.mark.model
async def test_a_whole_answer_nobody_waits_for_is_stopped_too(torch_backend: Transformers) -> None:
    task = asyncio.create_task(torch_backend.complete("chat/completions", {**CHAT, "max_tokens": 900}))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    asked = torch_backend.complete("chat/completions", {**CHAT, "max_tokens": 1})
    assert (await asyncio.wait_for(asked, 20))["usage"]["completion_tokens"] == 1


@pytest.mark.model
async def test_prompt_and_answer_stay_within_the_context(torch_backend: Transformers) -> None:
    with pytest.raises(RequestRefused, match=r"too long: \d+ tokens, at most \d+"):
        await torch_backend.count("completions", {"prompt": "word " * 9_000})
    with pytest.raises(RequestRefused, match="empty"):
        await torch_backend.count("completions", {"prompt": ""})


@pytest.mark.model
async def test_it_says_by_hash_which_weights_tokenizer_and_engine_answer(torch_backend: Transformers) -> None:
    told = await torch_backend.identity()
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= told["files"].keys()
    assert all(len(one) == 64 for one in told["files"].values()) and told["build"].keys() >= {"torch", "transformers"}
    assert await torch_backend.score(["The sky is"], [" blue"]) == await torch_backend.score(["The sky is"], [" blue"])


@pytest.mark.parametrize("files", [[], ["config.json"], ["model.safetensors"], ["config.json", "pytorch_model.bin"]])
def test_a_folder_without_config_and_safetensors_is_refused(files: list[str], tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(OperatorError, match="holds no model"):
        open_backend({"kind": "transformers", "folder": str(tmp_path), "name": "m"})
