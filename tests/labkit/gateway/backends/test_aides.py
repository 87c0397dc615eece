"""Embeddings, speech and text in images: as models of the gateway, first before doubles, then before real engines."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.gateway.backends import open_backend
from labkit.gateway.backends.aides import AidesOfTheModelProcess
from labkit.gateway.backends.echo import Echo

SPEECH = Path(__file__).parents[2] / "models" / "data" / "speech.ogg"
SPOKEN = "The library opens in the morning, and the books are free for everyone."
INSTALLED = {"embeddings": {"model": "a"}, "speech": {"model": "b"}, "reading": {"model": "c"}}


def backend(respond: Callable[[httpx.Request], httpx.Response]) -> AidesOfTheModelProcess:
    return AidesOfTheModelProcess("http://aides", httpx.AsyncClient(transport=httpx.MockTransport(respond)))


async def test_only_what_is_installed_is_a_model() -> None:
    aides = backend(lambda _: httpx.Response(200, json={**INSTALLED, "speech": {"missing": "Install it."}}))
    assert {one.id: set(one.paths) for one in await aides.models()} == {
        "all-minilm-l6-v2": {"embeddings"},
        "tesseract": {"ocr"},
    }
    assert set(aides.lanes) == {"embeddings", "audio/transcriptions", "ocr"}


@pytest.mark.parametrize(
    ("path", "told", "tokens"),
    [
        ("embeddings", {"tokens": 7}, 7),
        ("audio/transcriptions", {"seconds": 0.001}, 1),
        ("audio/transcriptions", {"seconds": 4.8}, 240),
        ("audio/transcriptions", {"seconds": 4.801}, 241),
        ("ocr", {"pixels": 1}, 1),
        ("ocr", {"pixels": 336_000}, 336),
        ("ocr", {"pixels": 336_001}, 337),
    ],
)
async def test_a_call_is_counted_before_anything_is_computed(path: str, told: dict[str, Any], tokens: int) -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json=told)

    body = {"input": ["a"]} if path == "embeddings" else {"file": b"x", "language": "en"}
    assert await backend(respond).count(path, body) == tokens
    assert len(asked) == 1 and asked[0].endswith("/cost")


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (httpx.Response(400, json={"error": {"message": "Text 1 is empty. Write it."}}), RequestRefused, "Text 1 is"),
        (httpx.Response(400, text="no json"), ModelUnavailable, "did not answer"),
        (httpx.Response(401, json={"error": {"message": "A key is needed."}}), ModelUnavailable, "did not answer"),
        (httpx.Response(501, json={"error": {"message": "Not installed."}}), ModelUnavailable, "did not answer"),
        (httpx.Response(502, json={"error": {"message": "Too many."}}), ModelUnavailable, "did not answer"),
        (httpx.ReadTimeout("slow"), ModelUnavailable, "did not answer"),
        (httpx.ConnectError("gone"), ModelUnavailable, "did not answer"),
    ],
)
async def test_only_a_400_is_the_callers_to_mend(answer: Any, kind: type[Exception], said: str) -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    aides = backend(respond)
    for work in (aides.count, aides.complete):
        with pytest.raises(kind, match=said):
            await work("embeddings", {"model": "m", "input": [""]})
    assert await aides.health() is False


async def test_an_aide_neither_scores_nor_streams() -> None:
    aides = backend(lambda _: httpx.Response(200, json={}))
    for asked in (aides.score(["a"], ["b"]), aides.cost(["a"], ["b"]), anext(aides.stream("embeddings", {}))):  # type: ignore[call-overload]
        with pytest.raises(RequestRefused):
            await asked


def test_what_the_model_process_says_of_a_form_reaches_the_model_and_nothing_else(start) -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path == "/identity/aides":
            return httpx.Response(200, json=INSTALLED)
        if request.url.path.endswith("/cost"):
            return httpx.Response(200, json={"seconds": 1})
        return httpx.Response(200, json={"text": "ok", "segments": [], "duration": 1.0, "language": "en"})

    gateway = start([Echo(model="chat"), backend(respond)], "chat")
    answer = gateway.openai().audio.transcriptions.create(
        model="whisper-tiny-en",
        file=("a.ogg", b"x"),
        prompt="Names",
        temperature=0.5,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        extra_body={"speed": "2"},
    )
    assert answer.language == "english" and answer.words == []
    heard = next(one for one in asked if one.url.path == "/transcribe")
    assert dict(heard.url.params) == {"prompt": "Names", "temperature": "0.5", "timestamps": "word"}


@pytest.mark.parametrize("lab", ["triage", "free"])
def test_aides_are_there_in_every_lab_that_has_models_and_the_labs_own_model_comes_first(lab: str, start) -> None:
    gateway = start([Echo(model="chat"), backend(lambda _: httpx.Response(200, json=INSTALLED))], "chat")
    aides = ["all-minilm-l6-v2", "whisper-tiny-en", "tesseract"]
    assert [one.id for one in gateway.openai(lab).models.list()] == ["chat", *aides]
    assert [one.id for one in gateway.openai("exam").models.list()] == []


def test_a_model_the_lab_did_not_assign_is_refused_on_every_path_it_has(start) -> None:
    gateway = start([Echo(model="chat"), Echo(model="other")], "chat")
    with pytest.raises(openai.PermissionDeniedError, match=r"does not allow the model 'other'.*Use chat"):
        gateway.openai().embeddings.create(model="other", input="a")


def test_an_aide_is_refused_where_it_does_not_answer_and_in_a_closed_lab(start) -> None:
    gateway = start([Echo(model="chat"), backend(lambda _: httpx.Response(200, json=INSTALLED))], "chat")
    with pytest.raises(openai.BadRequestError, match=r"'tesseract' is for ocr\. For completions: chat"):
        gateway.openai().completions.create(model="tesseract", prompt="a")
    with pytest.raises(openai.PermissionDeniedError, match="without a model"):
        gateway.openai("exam").embeddings.create(model="all-minilm-l6-v2", input="a")


@pytest.mark.parametrize(("name", "value"), [("response_format", "srt"), ("timestamp_granularities[]", "letter")])
def test_a_form_the_gateway_does_not_know_is_refused_by_name(name: str, value: str, gateway) -> None:
    url = f"{gateway.url}/labs/prompting/triage/v1/audio/transcriptions"
    headers = {"Authorization": f"Bearer {gateway.key()}"}
    answer = httpx.post(url, headers=headers, data={name: value}, files={"file": b"x"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)
    assert gateway.settled().used == 0


def image(*lines: str) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    drawn = Image.new("L", (901, 80 * len(lines)), 255)
    for number, line in enumerate(lines):
        ImageDraw.Draw(drawn).text((20, 20 + 80 * number), line, 0, ImageFont.load_default(36))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def real(start, model_process):
    """A gateway with the real model process behind it, as `make up` has it."""
    table = vars(model_process)
    aides = {"kind": "aides", "url": table["scoring_url"], "key_file": table["key_file"]}
    return start([open_backend({"kind": "llamacpp", **table}), open_backend(aides)], "smollm2-135m-instruct")


@pytest.mark.model
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_real_embeddings_cost_what_they_were_counted(encoding: str, real) -> None:
    texts = ["A cat sleeps.", "A kitten naps.", "The budget was refused."]
    answer = real.openai().embeddings.create(model="all-minilm-l6-v2", input=texts, encoding_format=encoding)
    rows = [one.embedding for one in answer.data]
    if encoding == "base64":
        import base64
        import struct

        rows = [struct.unpack("<384f", base64.b64decode(row)) for row in rows]  # type: ignore[arg-type]
    near, far = (sum(a * b for a, b in zip(rows[0], rows[one], strict=True)) for one in (1, 2))
    assert [len(row) for row in rows] == [384] * 3 and near > far + 0.3
    assert answer.usage.total_tokens == answer.usage.prompt_tokens == real.settled().used > 12


@pytest.mark.model
def test_real_speech_is_written_down_in_every_format_openais_client_asks_for(real) -> None:
    speech, cost = real.openai().audio.transcriptions, 50 * 4.8
    with SPEECH.open("rb") as file:
        plain = speech.create(model="whisper-tiny-en", file=file)
    assert plain.text == SPOKEN and plain.usage is not None and plain.usage.type == "tokens"
    used = real.settled().used
    assert used == plain.usage.total_tokens == pytest.approx(cost, abs=5)
    told = speech.create(
        model="whisper-tiny-en",
        file=SPEECH,
        response_format="verbose_json",
        language="en",
        timestamp_granularities=["word", "segment"],
    )
    assert told.text == SPOKEN and told.language == "english" and math.ceil(50 * told.duration) == used
    assert told.segments is not None and " ".join(one.text for one in told.segments) == SPOKEN
    assert all(one.tokens and one.compression_ratio > 0 and one.seek == 0 for one in told.segments)
    assert told.words is not None and [one.word for one in told.words] == SPOKEN.split()
    assert speech.create(file=SPEECH, model="whisper-tiny-en", response_format="text") == SPOKEN + "\n"
    assert real.settled().used == 3 * used


@pytest.mark.model
def test_real_text_in_an_image_costs_by_its_pixels_and_no_model_need_be_named(real) -> None:
    url = f"{real.url}/labs/prompting/triage/v1/ocr"
    headers = {"Authorization": f"Bearer {real.key()}"}
    drawn = image("Magandang umaga po", "Good morning")
    answer = httpx.post(url, headers=headers, files={"file": ("a.png", drawn)}, timeout=60)
    told = answer.json()
    assert told["text"].split("\n\n") == ["Magandang umaga po", "Good morning"] and told["width"] == 901
    assert told["words"][0]["text"] == "Magandang"
    assert told["usage"]["total_tokens"] == real.settled().used == math.ceil(901 * 160 / 1000)


@pytest.mark.model
@pytest.mark.parametrize(("path", "name"), [("ocr", "an image"), ("audio/transcriptions", "audio")])
def test_what_is_no_file_of_its_kind_is_the_learners_to_mend_and_costs_nothing(path: str, name: str, real) -> None:
    url = f"{real.url}/labs/prompting/triage/v1/{path}"
    headers = {"Authorization": f"Bearer {real.key()}"}
    answer = httpx.post(url, headers=headers, files={"file": ("a.txt", b"A text.")}, timeout=60)
    assert answer.status_code == 400 and f"not {name}" in json.dumps(answer.json())
    assert real.settled().used == 0
