"""What a learner took home, and a hub that takes it: Hugging Face's protocol for writing, as far as its client asks."""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy
import pytest
from safetensors.numpy import save

CARD = "---\nlicense: apache-2.0\n---\n# mine\n\n| Base | smollm2-135m-instruct (card) |\n"
CONFIG = {"peft_type": "LORA", "base_model_name_or_path": "smollm2-135m-instruct", "r": 2}
NAME = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"


@pytest.fixture
def taken_home(tmp_path: Path) -> Callable[..., Path]:
    """A zip file as job.download() writes it; files may be changed, added, or with None left out."""

    def make(**changed: bytes | None) -> Path:
        tensors = {NAME.format(one): numpy.ones((2, 2), dtype=numpy.float32) for one in "AB"}
        files: dict[str, bytes | None] = {
            "adapter_config.json": json.dumps(CONFIG).encode(),
            **{"adapter_model.safetensors": save(tensors), "README.md": CARD.encode()},
            **changed,
        }
        target, whole = tmp_path / "mine.zip", io.BytesIO()
        with zipfile.ZipFile(whole, "w") as zipped:
            for name, content in files.items():
                if content is not None:
                    zipped.writestr(name, content)
        target.write_bytes(whole.getvalue())
        return target

    return make


@dataclass
class Hub:
    url: str = ""
    token: str = "hf_" + "a" * 20
    private: dict[str, bool] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    broken: bool = False


@pytest.fixture
def writable_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {hub.token}":
                self._say(401, {"error": "no"})
            elif hub.broken and "/commit/" in self.path:
                self._say(500, {"error": "broken"})
            elif self.path == "/api/repos/create":
                asked = json.loads(raw)
                name = f"{asked.get('organization') or 'ana'}/{asked['name']}"
                hub.private[name] = asked.get("private") or asked.get("visibility") == "private"
                self._say(200, {"url": f"{hub.url}/{name}", "id": name, "name": name})
            elif self.path == "/api/validate-yaml":
                self._say(200, {"errors": [], "warnings": []})
            elif "/preupload/" in self.path:
                asked = json.loads(raw)["files"]
                told = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in asked]
                self._say(200, {"files": told})
            elif "/commit/" in self.path:
                self._commit([json.loads(line) for line in raw.splitlines() if line])
            else:
                self._say(404, {"error": self.path})

        def do_GET(self) -> None:
            there = any(self.path.endswith(f"/{name}") for name in hub.private)
            self._say(200 if there else 404, {"id": "ana/mine", "sha": "0" * 40, "siblings": []})

        def _commit(self, lines: list[dict[str, Any]]) -> None:
            files = [one["value"] for one in lines if one["key"] == "file"]
            hub.files |= {one["path"]: base64.b64decode(one["content"]) for one in files}
            hub.commits += 1
            self._say(200, {"commitUrl": f"{hub.url}/ana/mine/commit/{'0' * 40}", "commitOid": "0" * 40})

        def _say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_TOKEN", hub.token)
    yield hub
    server.shutdown()
    server.server_close()
