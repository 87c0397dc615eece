"""The process in which learners' adapters answer: the gateway's key, an adapter's hash, and nothing else, opens it."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.model

torch = pytest.importorskip("torch")

from labkit.training import peft, serve  # noqa: E402
from labkit.training.lora import Adapter  # noqa: E402
from labkit.training.merging import Merging  # noqa: E402
from labkit.training.places import Places  # noqa: E402
from labkit.training.spec import Spec  # noqa: E402
from labkit.training.voices import Voices  # noqa: E402

KEY = "sekret"
ASKED = {"messages": [{"role": "user", "content": "Where is the clinic?"}], "max_tokens": 6, "temperature": 0}
WHOLE = {"form": "safetensors", "beside": {"README.md": "# Hers"}}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "training")


@pytest.fixture
def digest(tiny: Any, places: Places) -> str:
    """An adapter that was trained."""
    spec = Spec("base", rank=4)
    made = Adapter(tiny.shapes(), spec.rank, spec.alpha, seed=1)
    made.weights.add_(torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(1)) * 0.2)
    return places.keep_adapter(peft.write(made, spec, tiny.layers))


@pytest.fixture
async def app(
    tiny: Any, small: Callable[[str], Path], places: Places, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Any]:
    monkeypatch.setattr("labkit.training.resident.Resident", lambda _folder: tiny)
    voices = Voices(small("llama"), places)
    yield serve.create(voices, Merging(small("llama"), None, places), KEY)
    if voices._speaker is not None:
        await asyncio.to_thread(voices._speaker.close)


@pytest.fixture
async def gateway(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Who has the key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://adapters", headers=headers, timeout=120
    ) as client:
        yield client


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return "".join(json.loads(line).get("text", "") for line in answer.text.splitlines())


@pytest.mark.parametrize("key", [None, "", "Bearer", "Bearer sekre", "Bearer sekret2", "Basic sekret", "sekret", "é"])
@pytest.mark.parametrize("path", ["/generate", "/count", "/merge"])
async def test_without_the_key_nothing_is_answered(app, path: str, key: str | None, scratch):
    headers = {} if key is None else {b"authorization": key.encode("latin-1")}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://adapters") as client:
        answer = await client.post(path, headers=headers, json=ASKED | WHOLE | {"adapter": "a" * 64})

    assert answer.status_code == 401
    assert answer.json() == {"error": {"message": "A key is needed.", "code": "KeyRefused"}}


async def test_whether_it_is_well_is_told_without_a_key(app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://adapters") as client:
        assert (await client.get("/health")).json() == {"status": "ok"}


async def test_an_answer_comes_in_lines_of_json(gateway, digest):
    answer = await gateway.post("/generate", json={**ASKED, "adapter": digest})
    first, *rest = [json.loads(line) for line in answer.text.splitlines()]

    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert first["prompt"] > 0
    assert [one["made"] for one in rest] == [1, 2, 3, 4, 5, 6, 6]
    assert [one["finish"] for one in rest] == [None] * 6 + ["length"]


async def test_each_adapter_answers_as_itself_and_the_base_as_before(gateway, digest):
    base, hers, again = [
        said(await gateway.post("/generate", json={**ASKED, **one})) for one in ({}, {"adapter": digest}, {})
    ]

    assert base == again != hers


async def test_who_asks_at_once_gets_what_she_gets_alone(gateway, digest):
    bodies = [{**ASKED, "adapter": one} for one in (digest, None, digest)]
    alone = [said(await gateway.post("/generate", json=body)) for body in bodies]
    together = await asyncio.gather(*(gateway.post("/generate", json=body) for body in bodies))

    assert [said(one) for one in together] == alone


async def test_tokens_are_counted_as_an_answer_counts_them(gateway):
    counted = (await gateway.post("/count", json=ASKED)).json()
    first = (await gateway.post("/generate", json=ASKED)).text.splitlines()[0]

    assert counted == {"tokens": json.loads(first)["prompt"]}


@pytest.mark.parametrize("path", ["/generate", "/merge"])
@pytest.mark.parametrize("name", ["0" * 64, "", "../elsewhere", "ADAPTER/../ADAPTER", "ADAPTER/", "/etc/passwd", "."])
async def test_an_adapter_that_is_not_there_is_not_found_and_a_path_is_never_one(
    gateway, places: Places, digest: str, scratch: Path, path: str, name: str
):
    elsewhere = places.folder / "elsewhere"
    elsewhere.mkdir()
    for file in places.adapter(digest).iterdir():
        (elsewhere / file.name).write_bytes(file.read_bytes())
    answer = await gateway.post(path, json=ASKED | WHOLE | {"adapter": name.replace("ADAPTER", digest)})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "ModelUnavailable"
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("path", ["/generate", "/merge"])
async def test_an_adapter_the_disk_has_changed_is_not_used(gateway, places, digest, scratch, path):
    file = next(places.adapter(digest).glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    answer = await gateway.post(path, json=ASKED | WHOLE | {"adapter": digest})

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/generate", "/count"])
async def test_what_the_model_cannot_read_is_refused_in_words(gateway, path):
    answer = await gateway.post(path, json={"prompt": ""})

    assert answer.status_code == 400
    assert answer.json() == {"error": {"message": "Your text is empty. Write something.", "code": "RequestRefused"}}


async def test_a_whole_model_is_handed_out_once_and_nothing_stays_behind(gateway, digest, scratch):
    answer = await gateway.post("/merge", json={**WHOLE, "adapter": digest})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as whole:
        assert whole.testzip() is None
        assert {"model.safetensors", "config.json", "tokenizer.json", "README.md"} <= set(whole.namelist())
        assert whole.read("README.md") == b"# Hers"
    assert not list(scratch.iterdir())


SCOPE = {
    **{"type": "http", "asgi": {"spec_version": "2.3"}, "method": "POST", "path": "/merge", "query_string": b""},
    "headers": [(b"authorization", f"Bearer {KEY}".encode())],
}


def leaves(body: bytes, when: asyncio.Event) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Sends what she asks, and is gone from then on."""
    told = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if told:
            return told.pop()
        await when.wait()
        return {"type": "http.disconnect"}

    return receive


async def test_who_goes_away_before_her_model_is_made_takes_nobodys_time(app, gateway, digest, scratch, monkeypatch):
    """One is being made while many ask and leave: another's comes next."""
    begun, go, left, made = threading.Event(), threading.Event(), asyncio.Event(), list[int]()
    read = peft.read

    def halted(*given: Any) -> Adapter:
        made.append(1)
        begun.set()
        assert go.wait(60)
        return read(*given)

    async def send(message: dict[str, Any]) -> None:
        assert message["type"] != "http.response.body" or not message["body"]

    monkeypatch.setattr(peft, "read", halted)
    body = {**WHOLE, "adapter": digest}
    asked = [app(SCOPE, leaves(json.dumps(body).encode(), left), send) for _ in range(10)]
    gone = asyncio.gather(*asked)
    assert await asyncio.to_thread(begun.wait, 60)
    left.set()
    await asyncio.wait_for(gone, 60)  # also of the one that is being made
    go.set()
    answer = await gateway.post("/merge", json=body)

    assert answer.status_code == 200
    assert len(made) == 2, "the one that had begun, and hers"
    assert not list(scratch.iterdir())


async def test_who_goes_away_while_a_whole_model_comes_leaves_nothing_behind(app, digest, scratch):
    body = json.dumps({**WHOLE, "adapter": digest}).encode()
    sent: list[dict[str, Any]] = []
    begun = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            assert list(scratch.glob("*.zip"))
            begun.set()
            await asyncio.sleep(3600)  # a line that takes no more; it is left by being cancelled

    await app(SCOPE, leaves(body, begun), send)

    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert not list(scratch.iterdir())


async def test_a_form_that_is_not_here_is_refused(gateway, digest, scratch):
    answer = await gateway.post("/merge", json={**WHOLE, "adapter": digest, "form": "gguf"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "RequestRefused"


async def test_while_it_runs_the_base_is_looked_after(app, small, places, monkeypatch):
    rests: list[int] = []
    enough = asyncio.Event()

    async def passes(_seconds: float) -> None:
        if len(rests) == 3:
            enough.set()
            await asyncio.Event().wait()

    voices = Voices(small("llama"), places)
    monkeypatch.setattr(voices, "rest", lambda: rests.append(1))
    monkeypatch.setattr(serve, "asyncio", SimpleNamespace(sleep=passes, create_task=asyncio.create_task))
    running = serve.create(voices, Merging(small("llama"), None, places), KEY)
    async with running.router.lifespan_context(running):
        await asyncio.wait_for(enough.wait(), 60)

    assert len(rests) == 3


@pytest.fixture
def config(tmp_path: Path, small: Callable[[str], Path]) -> Callable[..., str]:
    def write(**changes: Any) -> str:
        (tmp_path / "key").write_text("k" * 40)
        known = {"base": str(small("llama")), "folder": str(tmp_path), "port": 1, "key_file": str(tmp_path / "key")}
        (tmp_path / "config.json").write_text(json.dumps({**known, **changes}))
        return str(tmp_path / "config.json")

    return write


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bases": []}, "bases"),
        ({"port": "many"}, "port"),
        ({"adapters_mb": -1}, "adapters_mb is -1"),
        ({"key_file": "/nowhere/key"}, "/nowhere/key"),
    ],
    ids=["an unknown setting", "a setting of another type", "less than nothing", "no key"],
)
def test_wrong_settings_are_told_and_nothing_is_served(config, capsys, monkeypatch, changes, told):
    monkeypatch.setattr(serve.uvicorn, "run", lambda *_, **__: pytest.fail("it serves"))

    assert serve.main([config(**changes)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["a", "b"]])
def test_how_it_is_called_is_told(capsys, argv):
    assert serve.main(argv) == 2
    assert "usage: python -m labkit.training.serve CONFIG.json" in capsys.readouterr().err


async def test_it_serves_this_machine_alone_by_the_key_in_its_file(config, monkeypatch):
    served: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(serve.uvicorn, "run", lambda app, **more: served.append((app, more)))

    assert serve.main([config(port=4321)]) == 0
    ((app, more),) = served
    assert (more["host"], more["port"]) == ("127.0.0.1", 4321)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://adapters") as client:
        with_key = {"Authorization": f"Bearer {'k' * 40}"}
        # Refused for its form, so it was let in; the base is not needed for that.
        refused = await client.post("/merge", json={"adapter": "a" * 64, "form": "gguf"}, headers=with_key)
        assert (refused.status_code, (await client.post("/merge", json={})).status_code) == (400, 401)
