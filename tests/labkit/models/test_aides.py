"""The aides over HTTP: what crosses, what is refused, who waits for whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest

from labkit.errors import ModelUnavailable, RequestRefused
from labkit.models.aides import Aides
from labkit.models.embeddings import Embedder, Embeddings
from labkit.models.reading import Page, Reader, Word
from labkit.models.scoring import Scores
from labkit.models.serve import scoring_app
from labkit.models.speech import Segment, Transcriber, Transcript
from labkit.models.wheel import NotInstalled

KEY = {"Authorization": "Bearer sekret"}
NOT_HERE = NotInstalled("Speech is not installed.", instead="Install it.")


class Counting(Embedder):
    """A text's vector is its length."""

    def about(self) -> dict[str, Any]:
        return {"model": "counting"}

    def embed(self, texts: Sequence[str]) -> Embeddings:
        return Embeddings([[float(len(text))] for text in texts], self.cost(texts))

    def cost(self, texts: Sequence[str]) -> int:
        if "" in texts:
            raise RequestRefused("Text 1 is empty.", instead="Write it.")
        return sum(map(len, texts))


class Slow(Transcriber):
    """Hears "ok" once it is let go; remembers the options of its last call."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()
        self.calls, self.at_once, self.most_at_once = 0, 0, 0
        self.options: dict[str, Any] = {}

    def about(self) -> dict[str, Any]:
        raise NOT_HERE

    def seconds(self, data: bytes) -> float:
        raise NOT_HERE

    def transcribe(self, data: bytes, *_: Any, **options: Any) -> Transcript:
        self.options, self.calls, self.at_once = options, self.calls + 1, self.at_once + 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.set()
        self.go.wait(30)
        self.at_once -= 1
        return Transcript("ok", (Segment("ok", 0, 1, 0.1, -0.2),), float(len(data)))


class Blank(Reader):
    """Reads the languages it was asked for."""

    def about(self) -> dict[str, Any]:
        return {"model": "blank"}

    def read(self, data: bytes, languages: str = "eng+fil") -> Page:
        if data == b"break":
            raise ModelUnavailable("The image was not read.", instead="Try again.")
        return Page(languages, [Word("a", 1, 2, 3, 4, 0.5)], 10, len(data))

    def pixels(self, data: bytes) -> int:
        return 10 * len(data)


class One:
    """A scorer to whom everything is worth 1."""

    def measure(self, prompts: Sequence[str], choices: Sequence[str]) -> Scores:
        return Scores([[1.0 for _ in choices] for _ in prompts], 3)

    def cost(self, prompts: Sequence[str], choices: Sequence[str]) -> int:
        return 3


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def client(slow: Slow) -> AsyncIterator[httpx.AsyncClient]:
    app = scoring_app(One(), "sekret", {"model": "one"}, Aides(Counting(), slow, Blank()))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://model", headers=KEY, timeout=30) as client:
        yield client


async def test_texts_become_vectors_and_their_cost_is_told_before(client: httpx.AsyncClient) -> None:
    body = {"texts": ["ab", "abc"]}
    assert (await client.post("/embed", json=body)).json() == {"embeddings": [[2.0], [3.0]], "tokens": 5}
    assert (await client.post("/embed/cost", json=body)).json() == {"tokens": 5}


async def test_a_recording_becomes_text(client: httpx.AsyncClient, slow: Slow) -> None:
    slow.go.set()
    options = {"language": "en", "prompt": "Names: Ana & José", "temperature": "0.5", "timestamps": "word"}
    answer = await client.post("/transcribe", params=options, content=b"12345")
    segment = {"text": "ok", "start": 0, "end": 1, "no_speech_prob": 0.1, "avg_logprob": -0.2, "words": []}
    segment |= {"tokens": [], "compression_ratio": 1.0, "temperature": 0.0, "seek": 0}
    assert answer.json() == {"text": "ok", "segments": [segment], "duration": 5.0, "language": "en"}
    assert slow.options == {**options, "temperature": 0.5}


@pytest.mark.parametrize(
    ("query", "languages"), [("", "eng+fil"), ("?languages=eng", "eng"), ("?languages=fil+eng", "fil+eng")]
)
async def test_an_image_becomes_text(query: str, languages: str, client: httpx.AsyncClient) -> None:
    word = {"text": "a", "left": 1, "top": 2, "width": 3, "height": 4, "confidence": 0.5}
    answer = await client.post(f"/read{query}", content=b"1234")
    assert answer.json() == {"text": languages, "words": [word], "width": 10, "height": 4}
    assert (await client.post("/read/cost", content=b"1234")).json() == {"pixels": 40}


async def test_what_is_installed_and_what_is_missing_is_told(client: httpx.AsyncClient) -> None:
    engines = (await client.get("/health")).json()["engines"]
    assert engines == {"embeddings": True, "speech": False, "reading": True}
    told = (await client.get("/identity/aides")).json()
    assert told["embeddings"] == {"model": "counting"}
    assert told["speech"] == {"missing": "Speech is not installed. Install it."}
    assert (await client.get("/identity")).json() == {"model": "one"}


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/embed", b"not JSON", r'The body is not {"texts": [...]}'),
        ("/embed", b"\xff\xfe", "The body is not"),
        ("/embed", b"[" * 100_000, "The body is not"),
        ("/embed", b'["a"]', "The body is not"),
        ("/embed", b'{"texts": "a"}', "The body is not"),
        ("/embed", b'{"texts": ["a"], "model": "x"}', "The body is not"),
        ("/embed", b'{"texts": ["a", 1]}', "holds something that is no text"),
        ("/embed/cost", b'{"texts": [null]}', "holds something that is no text"),
        ("/embed/cost", b'{"texts": [""]}', "Text 1 is empty. Write it."),
        ("/embed", b" " * 4_000_001, "at most 4 MB"),
        ("/transcribe?temperature=warm", b"x", "temperature is 'warm'. Give a number from 0 to 1."),
        ("/transcribe?speed=2", b"x", "Unknown option 'speed'. Known: language, prompt, temperature, timestamps."),
        ("/transcribe?language=en&language=fil", b"x", "given twice"),
        ("/transcribe", bytes(25_000_001), "at most 25 MB"),
        ("/transcribe/cost", bytes(25_000_001), "at most 25 MB"),
        ("/read?dpi=300", b"x", "Unknown option 'dpi'. Known: languages."),
        ("/read", bytes(10_000_001), "at most 10 MB"),
        ("/read/cost", bytes(10_000_001), "at most 10 MB"),
    ],
    ids=lambda value: repr(value[:24]),
)
async def test_what_is_not_understood_is_refused(
    path: str, body: bytes, complaint: str, client: httpx.AsyncClient
) -> None:
    answer = await client.post(path, content=body)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "RequestRefused"
    assert complaint in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/transcribe/cost", b"x", 501, "Speech is not installed. Install it."),
        ("/read", b"break", 502, "The image was not read. Try again."),
    ],
)
async def test_what_is_missing_or_fails_is_the_platforms_fault(
    path: str, body: bytes, status: int, message: str, client: httpx.AsyncClient
) -> None:
    answer = await client.post(path, content=body)
    assert answer.status_code == status
    assert answer.json() == {"error": {"message": message, "code": "ModelUnavailable"}}


@pytest.mark.parametrize("key", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "sekret"}])
@pytest.mark.parametrize("path", ["/embed", "/embed/cost", "/transcribe", "/transcribe/cost", "/read", "/read/cost"])
async def test_nothing_is_computed_without_the_key(
    path: str, key: dict[str, str], client: httpx.AsyncClient, slow: Slow
) -> None:
    slow.go.set()
    client.headers.pop("Authorization")
    answer = await client.post(path, content=b'{"texts": ["a"]}', headers=key)
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "KeyRefused" and slow.calls == 0


async def test_long_recordings_hold_up_neither_scoring_nor_the_other_engines(
    client: httpx.AsyncClient, slow: Slow
) -> None:
    waiting = [asyncio.create_task(client.post("/transcribe", content=b"x")) for _ in range(17)]
    await asyncio.to_thread(slow.begun.wait, 30)
    body = {"prompts": ["a"], "choices": ["b"]}
    assert (await client.post("/score", json=body)).json()["scores"] == [[1.0]]
    assert (await client.post("/embed", json={"texts": ["ab"]})).status_code == 200
    assert (await client.post("/read", content=b"x")).status_code == 200
    assert not any(one.done() for one in waiting)
    turned_away = await client.post("/transcribe", content=b"x")
    assert turned_away.status_code == 502 and "Too many are waiting" in turned_away.json()["error"]["message"]
    slow.go.set()
    assert all(answer.status_code == 200 for answer in await asyncio.gather(*waiting))
    assert slow.calls == 17 and slow.most_at_once == 1


@pytest.mark.model
async def test_the_real_engines_answer(
    embedder: Embedder,
    transcriber: Transcriber,
    reader: Reader,
    speech: bytes,
    drawn: Callable[..., bytes],
) -> None:
    app = scoring_app(One(), "sekret", {}, Aides(embedder, transcriber, reader))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://model", headers=KEY, timeout=60
    ) as client:
        assert len((await client.post("/embed", json={"texts": ["A tree."]})).json()["embeddings"][0]) == 384
        cost = (await client.post("/transcribe/cost", content=speech)).json()
        heard = (await client.post("/transcribe", content=speech)).json()
        assert heard["duration"] == cost["seconds"] and heard["text"].startswith("The library")
        page = (await client.post("/read?languages=eng", content=drawn("Hello there"))).json()
        assert page["text"] == "Hello there" and page["words"][1]["left"] > page["words"][0]["left"]
        assert all((await client.get("/health")).json()["engines"].values())
