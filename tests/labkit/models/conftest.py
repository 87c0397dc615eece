"""A hub of a few files on this machine that speaks what Hugging Face and ModelScope speak, and can be made to fail; and
the aides, loaded once for the whole run, with what they are tried with."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from labkit.models.embeddings import Embedder
from labkit.models.fetch import fetch
from labkit.models.reading import Reader
from labkit.models.record import Model, Origin
from labkit.models.sources import ranged
from labkit.models.sources.huggingface import HuggingFace
from labkit.models.sources.modelscope import ModelScope
from labkit.models.speech import Transcriber

REPO = "Acme/Tiny"
CLASSES = {"huggingface": HuggingFace, "modelscope": ModelScope}
HUBS = list(CLASSES)


def safetensors(seed: int, size: int = 20_000) -> bytes:
    header = b"{}"
    return len(header).to_bytes(8, "little") + header + random.Random(seed).randbytes(size)


def tiny_files() -> dict[str, bytes]:
    """What the repository of a small model holds, and what hubs have lying about beside it."""
    return {
        ".gitattributes": b"*.safetensors filter=lfs\n",
        "LICENSE": b"Apache License, Version 2.0\n",
        "README.md": b"---\nlicense: apache-2.0\nlanguage: en\n---\n# Tiny\n",
        "config.json": b'{"model_type": "llama"}',
        "model-1.safetensors": safetensors(1),
        "model-2.safetensors": safetensors(2, 300),
        "onnx/model.onnx": b"onnx",
        "pytorch_model.bin": b"pickle",
        "test_prompts.py": b"print()\n",
        "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
    }


@dataclass
class Repo:
    """`commits` are files by path, the last one the branch's; `told` are hashes it tells instead of the true ones."""

    commits: dict[str, dict[str, bytes]]
    access: str = "public"  # public | gated | private
    told: dict[str, str] = field(default_factory=dict)

    def files(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        commit = list(self.commits)[-1] if revision in ("main", "master") else revision
        return (commit, self.commits[commit]) if commit in self.commits else None


class Hub:
    """`asked` are path and Range of every download; the next `cuts` downloads end after `cut_after` bytes."""

    def __init__(self) -> None:
        self.repos = {REPO: Repo({"c" * 40: tiny_files()})}
        self.asked: list[tuple[str, str]] = []
        self.authorized: list[str] = []
        self.cuts, self.cut_after = 0, 0
        self.pause = threading.Event()  # cleared: a download stops after `cut_after` bytes until it is set
        self.pause.set()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def repo(self) -> Repo:
        return self.repos[REPO]

    def change(self, path: str, content: bytes, commit: str = "d" * 40) -> None:
        """The publisher puts another file on the branch."""
        newest = list(self.repo.commits.values())[-1]
        self.repo.commits[commit] = {**newest, path: content}

    def close(self) -> None:
        self.pause.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.0"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts, query = unquote(url.path).strip("/").split("/"), {k: v[0] for k, v in parse_qs(url.query).items()}
        self.hub.authorized.append(self.headers.get("Authorization", ""))
        if parts[:2] == ["api", "models"]:
            self._hf_listing("/".join(parts[2:4]), parts[5] if parts[4:] else "main")
        elif parts[:3] == ["api", "v1", "models"] and parts[-1] == "files":
            self._ms_listing("/".join(parts[3:5]), query["Revision"])
        elif parts[:3] == ["api", "v1", "models"]:
            self._file("/".join(parts[3:5]), query["Revision"], query["FilePath"])
        elif parts[2:3] == ["resolve"]:
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._say(404, {})

    def do_HEAD(self) -> None:
        """What huggingface_hub asks before it downloads."""
        owner, name, _, revision, path = unquote(urlsplit(self.path).path).strip("/").split("/", 4)
        found = self.hub.repos[f"{owner}/{name}"].files(revision)
        assert found is not None
        self.send_response(200)
        self.send_header("X-Repo-Commit", found[0])
        self.send_header("ETag", f'"{hashlib.sha256(found[1][path]).hexdigest()}"')
        self.send_header("Content-Length", str(len(found[1][path])))
        self.end_headers()

    def _hf_listing(self, name: str, revision: str) -> None:
        repo = self.hub.repos.get(name)
        if repo is None or repo.access == "private":
            return self._say(401, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        if (found := repo.files(revision)) is None:
            return self._say(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        siblings = []
        for path, content in found[1].items():
            one = {"rfilename": path, "size": len(content), "blobId": blob(content)}
            if path.endswith((".safetensors", ".gguf", ".bin")):
                sha256 = repo.told.get(path) or hashlib.sha256(content).hexdigest()
                one |= {"lfs": {"sha256": sha256, "size": len(content), "pointerSize": 130}, "blobId": "0" * 40}
            siblings.append(one)
        return self._say(200, {"id": name, "sha": found[0], "siblings": siblings, "tags": []})

    def _ms_listing(self, name: str, revision: str) -> None:
        repo = self.hub.repos.get(name)
        if repo is None or repo.access != "public":
            status = 404 if repo is None else 403
            return self._say(status, {"Code": 10010205001, "Success": False, "Message": "no"})
        found = repo.files(revision)
        files = None
        if found is not None:
            commit, content = found
            files = [{"Path": path.split("/")[0], "Type": "tree", "Size": 0} for path in content if "/" in path]
            files += [
                {
                    "Path": path,
                    "Name": path.split("/")[-1],
                    "Type": "blob",
                    "Size": len(body),
                    "Sha256": repo.told.get(path) or hashlib.sha256(body).hexdigest(),
                    "Revision": commit if path == "config.json" else "a" * 40,
                }
                for path, body in content.items()
            ]
        latest = {"Id": "", "ShortId": found[0][:8]} if found else None
        data = {"Files": files, "IsVisual": 0, "LatestCommitter": latest}
        return self._say(200, {"Code": 200, "Success": True, "Data": data})

    def _file(self, name: str, revision: str, path: str) -> None:
        found = self.hub.repos[name].files(revision)
        if found is None or path not in found[1]:
            return self._say(404, {}, {"X-Error-Code": "EntryNotFound"})
        if self.hub.repos[name].access == "gated" and path != "README.md":  # the listing and the card are open
            return self._say(403, {"error": "gated"}, {"X-Error-Code": "GatedRepo"})
        content, wanted = found[1][path], self.headers.get("Range", "")
        self.hub.asked.append((path, wanted))
        begin = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        if begin >= len(content) and wanted:
            return self._say(416, {}, {"Content-Range": f"bytes */{len(content)}"})
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.end_headers()
        return self._send(content[begin:])

    def _send(self, content: bytes) -> None:
        most = self.hub.cut_after
        try:
            if self.hub.cuts and len(content) > most:
                self.hub.cuts -= 1
                self.wfile.write(content[:most])
                return
            if not self.hub.pause.is_set() and len(content) > most:
                self.wfile.write(content[:most])
                content = content[most:]
                self.hub.pause.wait(30)
            self.wfile.write(content)
        except OSError:  # whoever asked was killed
            pass

    def _say(self, status: int, content: dict[str, object], headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(ranged, "PAUSE", 0.0)
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def tiny() -> Model:
    """The record of the hub's model, as nobody has fetched it yet."""
    return Model(
        "tiny",
        "Tiny",
        "Apache-2.0",
        context=8,
        good_at="a",
        bad_at="b",
        parameters=1,
        languages=("en",),
        memory_mb=1,
        card="https://example.org/tiny",
        sources=(Origin("huggingface", REPO, "main"), Origin("modelscope", REPO, "master")),
    )


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The platform's folder of models, not made yet."""
    return tmp_path / "home" / "models"


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder()


@pytest.fixture(scope="session")
def transcriber() -> Transcriber:
    return Transcriber()


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def speech() -> bytes:
    """test_speech.SPOKEN by espeak-ng (-v en-us -s 140), as Opus in Ogg, 4.8 seconds."""
    return (Path(__file__).parent / "data" / "speech.ogg").read_bytes()


@pytest.fixture(scope="session")
def wav() -> Callable[..., bytes]:
    """A WAV file of so many seconds of silence."""

    def make(seconds: float = 1.0, rate: int = 8000, channels: int = 1) -> bytes:
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(bytes(2 * channels * int(seconds * rate)))
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def drawn() -> Callable[..., bytes]:
    """An image with lines of text, black on white, as the bytes of a file."""
    from PIL import Image, ImageDraw, ImageFont

    def draw(*lines: str, kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
        image = Image.new("RGB", (1400, 80 + 80 * len(lines)), "white")
        pen, font = ImageDraw.Draw(image), ImageFont.load_default(44)
        for number, line in enumerate(lines):
            pen.text((30, 40 + 80 * number), line, font=font, fill="black")
        out = io.BytesIO()
        image.convert(mode).save(out, kind, **options)
        return out.getvalue()

    return draw


def origin(model, kind):
    return next(one for one in model.sources if one.kind == kind)


def nothing_half(models: Path) -> bool:
    return not [path for path in models.iterdir() if path.name not in (".fetch.lock", "lock.json")]


def hub_weights(size: int) -> bytes:
    return (2).to_bytes(8, "little") + b"{}" + os.urandom(size)


def remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture(params=HUBS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def get(hub, tiny, models, kind):
    """Fetches the small model; what it said is in `get.said`."""

    def get(model=tiny, kind=kind, **options):
        options = {"endpoint": hub.url, "progress": get.said.append, **options}
        return fetch(model, models, origin(model, kind), **options)

    get.said = []
    return get
