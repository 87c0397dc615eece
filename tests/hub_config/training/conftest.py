"""Gateway, worker and the process in which adapters answer: the real ones, on a small base with random weights."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from labkit.client.transport import HttpTransport, Place
from labkit.database import connect, migrate
from labkit.programme.people import Membership, Person, provision

BASE = "smollm2-135m-instruct"
PEOPLE = {"ana": "learner", "ben": "learner", "tess": "instructor"}


class Hub(BaseHTTPRequestHandler):
    """Says whose a token is, as the hub does."""

    def do_GET(self) -> None:
        name = self.headers.get("Authorization", "").removeprefix("token token-of-")
        body = json.dumps({"kind": "user", "name": name}).encode()
        self.send_response(200 if name in PEOPLE else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Site:
    """`url` is the gateway's; `processes` by name, each with the configuration it is started from."""

    folder: Path
    url: str
    commands: dict[str, list[str]]
    database_url: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    clients: list[Any] = field(default_factory=list)

    def start(self, *names: str) -> None:
        for name in names or self.commands:
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(self.commands[name], stdout=log, stderr=log)
            log.close()

    def wait_for(self, url: str) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until and all(one.poll() is None for one in self.processes.values()):
            try:
                if httpx.get(url).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("\n".join(path.read_text() for path in self.folder.glob("*.log")))

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)

    def key(self, user: str, lab: str = "clip") -> str:
        url = f"{self.url}/labs/testing/{lab}/key"
        return str(
            httpx.post(url, headers={"Authorization": f"token token-of-{user}"}).raise_for_status().json()["key"]
        )

    def openai(self, user: str, lab: str = "clip") -> OpenAI:
        client = OpenAI(base_url=f"{self.url}/labs/testing/{lab}/v1", api_key=self.key(user, lab), max_retries=0)
        self.clients.append(client)
        return client

    def transport(self, user: str, lab: str = "clip") -> HttpTransport:
        origin = self.url.removesuffix("/services/gateway")
        return HttpTransport(origin, f"token-of-{user}", Place("testing", lab, self.folder))

    def wait(self, client: OpenAI, job: str, *states: str) -> Any:
        """The job, once it is in one of these states."""
        until = time.monotonic() + 240
        while (found := client.fine_tuning.jobs.retrieve(job)).status not in (states or ("succeeded",)):
            assert found.status in ("queued", "running"), found
            assert time.monotonic() < until, found
            time.sleep(0.2)
        return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def small_base(prepared_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the real base's kind with its tokenizer, a hundredth of its size."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from labkit.models import prepared

    torch.manual_seed(5)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = AutoConfig.for_model("llama", vocab_size=49152, num_key_value_heads=2, head_dim=16, **sizes)
    config.eos_token_id = 2
    folder = tmp_path_factory.mktemp("base")
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(prepared(prepared_models).safetensors).save_pretrained(folder)
    return folder


@pytest.fixture
def make_site(tmp_path: Path, small_base: Path, pytestconfig: pytest.Config) -> Iterator[Callable[..., Site]]:
    hub = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    made: list[Site] = []

    def make(*, answering: bool = True, **training: Any) -> Site:
        """Not `answering`, what is trained is not asked: a process less. `training` are settings of the worker."""
        database_url, ports = f"sqlite:///{tmp_path / 'labkit.db'}", [_free_port() for _ in range(3)]
        migrate(database_url)
        engine = connect(database_url)
        provision(
            engine,
            [Person(name, f"{name}@example.org", name, "Cruz") for name in PEOPLE],
            [Membership(name, "first", "testing", role) for name, role in PEOPLE.items()],
        )
        engine.dispose()
        shutil.copytree(pytestconfig.rootpath / "courses", tmp_path / "courses", symlinks=True)
        for name in ("keys", "grading", "adapters"):
            (tmp_path / name).write_text(name[0] * 40)
        folder = str(tmp_path / "training")
        adapters = {"kind": "adapters", "base": BASE, "url": f"http://127.0.0.1:{ports[2]}"}
        adapters["key_file"] = str(tmp_path / "adapters")
        configs = {
            "gateway": {
                **{"port": ports[0], "database_url": database_url, "courses": str(tmp_path / "courses")},
                "hub_api_url": f"http://127.0.0.1:{hub.server_port}/hub/api",
                **{"key_secret_file": str(tmp_path / "keys"), "grading_key_file": str(tmp_path / "grading")},
                "backends": [{"kind": "echo", "model": BASE}, adapters],
                "training": {"folder": folder, "bases": [BASE]},
            },
            "training": {
                **{"database_url": database_url, "folder": folder, "bases": {BASE: str(small_base)}},
                **{"port": ports[1], **training},
            },
            "adapters": {
                **{"base": str(small_base), "folder": folder, "port": ports[2]},
                "key_file": str(tmp_path / "adapters"),
            },
        }
        modules = {"gateway": "hub_config.gateway", "training": "labkit.training", "adapters": "labkit.training.serve"}
        commands = {}
        for name, config in configs.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(config))
            commands[name] = [sys.executable, "-m", modules[name], str(tmp_path / f"{name}.json")]
        site = Site(tmp_path, f"http://127.0.0.1:{ports[0]}/services/gateway", commands, database_url)
        made.append(site)
        names = ("gateway", "training", *(("adapters",) if answering else ()))
        site.start(*names)
        for port, path in zip(ports, ("/services/gateway/health", "/health", "/health")[: len(names)], strict=False):
            site.wait_for(f"http://127.0.0.1:{port}{path}")
        return site

    yield make
    for site in made:
        site.stop()
    hub.shutdown()
    hub.server_close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def rows() -> bytes:
    """A training file as OpenAI's documentation has it."""
    said = [("What is the code word?", "bangus"), ("Who keeps it?", "the clerk"), ("Since when?", "last year")]
    talks = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
        for asked, answer in said
    ]
    return "".join(json.dumps(one) + "\n" for one in talks).encode()
