"""A real holder in a process of its own, started as root and as an ordinary account, and what it guards the way to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from labkit.sandbox import Limits

ROOT, ORDINARY = "started as root", "started as an ordinary account"
ACCOUNT = 12345


@dataclass
class Upstream:
    """Where doors lead: remembers what it was asked."""

    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    while (size := int(self.rfile.readline(), 16)) or self.rfile.readline() not in (b"\r\n", b""):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                headers = {name.lower(): value for name, value in self.headers.items()}
                upstream.seen.append((self.command, self.path, headers, body))
                answer = f"{self.command} {self.path}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("Set-Cookie", "stolen=1")
                self.end_headers()
                self.wfile.write(answer)
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = _any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.server.shutdown()
    made.server.server_close()


@dataclass
class Holding:
    """A holder, what it was told, and a way to have code run in a learner's server."""

    root: Path
    words: list[str]
    upstream: Upstream
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for name in ("servers", "sockets", "homes", "logs"):
            (self.root / name).mkdir(exist_ok=True, mode=0o711 if name == "homes" else 0o700)
        config = {
            "socket": str(self.root / "sockets" / "holder"),
            "folder": str(self.root / "servers"),
            "sockets": str(self.root / "sockets"),
            "targets": {
                "/hub/api/": self.upstream.url,
                "/hub/api/authorizations/": "",
                "/services/gateway/labs/": self.upstream.url,
                "/services/submissions/": self.upstream.url,
            },
            "unsandboxed": True,
        }
        (self.root / "config.json").write_text(json.dumps(config))
        if self.words:
            for path in (self.root, *self.root.rglob("*")):
                if not path.is_relative_to(self.root / "homes"):
                    os.chown(path, ACCOUNT, ACCOUNT)
            os.chown(self.root / "homes", ACCOUNT, ACCOUNT)
        # A killed holder leaves its socket; asked there, httpcore leaves one of its own open.
        (self.root / "sockets" / "holder").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [*self.words, sys.executable, "-m", "hub_config.holder", str(self.root / "config.json")],
            cwd="/",
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOLDERS_SECRET": "hush"},
        )
        self.until(lambda: (self.root / "sockets" / "holder").exists() and self._answers())

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/health").status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        transport = httpx.HTTPTransport(uds=str(self.root / "sockets" / "holder"))
        with httpx.Client(transport=transport, base_url="http://holder", timeout=30) as client:
            return client.request(method, path, **content)

    def serve(self, name: str, code: str, *, uid: int = 1_850_001, home_mb: int = 0, **limits: Any) -> Path:
        """Starts a server that runs `code`; gives its home, where the code may write."""
        home = self.root / "homes" / name
        home.mkdir(mode=0o700, exist_ok=True)
        owner = ACCOUNT if self.words else uid
        os.chown(home, owner, owner)
        spec = {
            "command": [sys.executable, "-c", code],
            "log": str(self.root / "logs" / f"{name}.log"),
            "home": str(home),
            "home_mb": home_mb,
            "unsandboxed": False,
            "sandbox": {
                "binds": [{"source": str(home), "target": "/home/learner", "writable": True}],
                "env": {"TOKEN": f"token-of-{name}"},
                "limits": asdict(Limits(**{"processes": 64, "nice": 10, "yields_memory": True, **limits})),
                "uid": owner,
                "door": [8000, "/run/labkit/door"],
            },
        }
        answer = self.ask("PUT", f"/servers/{name}", json=spec)
        assert answer.status_code == 200, answer.text
        return home

    def told(self, home: Path, name: str = "told") -> str:
        """What the code wrote, once it has."""
        self.until((home / name).exists)
        time.sleep(0.1)
        return (home / name).read_text()

    def running(self, name: str) -> bool:
        return bool(self.ask("GET", f"/servers/{name}").json()["running"])

    def until(self, condition: Any, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            logs = "".join(path.read_text()[-2000:] for path in (self.root / "logs").glob("*.log"))
            assert time.monotonic() < end, f"never happened; the logs say {logs}"
            time.sleep(0.05)

    def end(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(20)


@pytest.fixture(params=[ROOT, ORDINARY] if os.geteuid() == 0 else [ORDINARY])
def holding(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Holding]:
    drop = request.param == ORDINARY and os.geteuid() == 0
    words = ["setpriv", "--reuid", str(ACCOUNT), "--regid", str(ACCOUNT), "--clear-groups", "--"] if drop else []
    # Not below pytest's own folder: that is closed to other accounts, and a socket's path must be short.
    root = Path(tempfile.mkdtemp(prefix="labkit-holder-"))
    root.chmod(0o755)
    made = Holding(root, words, upstream)
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end()
    shutil.rmtree(root)
