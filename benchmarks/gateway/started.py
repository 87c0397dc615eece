"""The processes of one run: the stub, our gateway before it, LiteLLM's proxy before it, the real model."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.gateway.load import Target
from labkit.database import connect, migrate
from labkit.gateway.keys import Caller, Keys
from labkit.programme.people import Membership, Person, provision

LITELLM = "1.106.12"
_HOME = Path(__file__).resolve().parents[2] / ".benchmarks" / "litellm"
_COURSE, _LAB = "testing", "clip"
_COURSES = Path(__file__).resolve().parents[2] / "courses"


@dataclass(frozen=True)
class Started:
    """A running process and what is asked of it."""

    target: Target
    pid: int

    def cpu_seconds(self) -> float:
        """What it and its threads have used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stub(stack: ExitStack, folder: Path) -> Started:
    port = free_port()
    process = start(stack, folder, "stub", [sys.executable, "-m", "benchmarks.gateway.stub", str(port)])
    wait_for(f"http://127.0.0.1:{port}/v1/models", process)
    return Started(Target("direct", f"http://127.0.0.1:{port}/v1/chat/completions", "none", "stub"), process.pid)


@dataclass(frozen=True)
class Gateway:
    """A running gateway: where its chat completions are, its database, and the keys of its learners."""

    url: str
    database: str
    keys: Keys
    pid: int

    def key(self, name: str) -> str:
        return self.keys.issue(Caller(name, _COURSE, _LAB)).key


def gateway(
    stack: ExitStack,
    folder: Path,
    backends: Sequence[Mapping[str, Any]],
    model: str,
    names: Sequence[str],
    *,
    at_once: int,
    in_line: int,
    training: Mapping[str, Any] | None = None,
) -> Gateway:
    """Our gateway, whose learners may use and train as much as they like: the allowance is counted, not spent."""
    home = folder / f"gateway-{secrets.token_hex(4)}"
    home.mkdir()
    url, secret, port = f"sqlite:///{home / 'labkit.sqlite'}", secrets.token_hex(32), free_port()
    migrate(url)
    engine = connect(url)
    people = [Person(name, f"{name}@example.org", name, "Cruz") for name in names]
    provision(engine, people, [Membership(name, "first", _COURSE, "learner") for name in names])
    engine.dispose()
    for name, text in (("keys", secret), ("grading", secrets.token_hex(16))):
        (home / name).write_text(text)
    settings = {
        "port": port,
        "database_url": url,
        "courses": str(_courses(home, model)),
        "hub_api_url": "http://127.0.0.1:9/hub/api",
        "key_secret_file": str(home / "keys"),
        "grading_key_file": str(home / "grading"),
        "backends": [dict(one) for one in backends],
        "at_once": at_once,
        "in_line": in_line,
    }
    module = "labkit.gateway" if training is None else "hub_config.gateway"
    settings |= {} if training is None else {"training": dict(training)}
    (home / "gateway.json").write_text(json.dumps(settings))
    process = start(stack, home, "gateway", [sys.executable, "-m", module, str(home / "gateway.json")])
    base = f"http://127.0.0.1:{port}/services/gateway"
    wait_for(f"{base}/health", process)
    return Gateway(f"{base}/labs/{_COURSE}/{_LAB}/v1/chat/completions", url, Keys(secret), process.pid)


def ours(stack: ExitStack, folder: Path, backend: Mapping[str, Any], model: str) -> Started:
    """Our gateway with one learner, as a target."""
    running = gateway(stack, folder, [backend], model, ["ana"], at_once=64, in_line=64)
    return Started(Target("labkit", running.url, running.key("ana"), model), running.pid)


def litellm(stack: ExitStack, folder: Path, upstream: str, *, may_install: bool) -> Started | None:
    """LiteLLM's proxy in its own environment; None where it is not there and may not be installed."""
    python = _HOME / "bin" / "python"
    if not (_HOME / f"installed-{LITELLM}").exists():
        if not may_install:
            return None
        shutil.rmtree(_HOME, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(_HOME)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", f"litellm[proxy]=={LITELLM}"]
        subprocess.run(install, check=True, capture_output=True)
        (_HOME / f"installed-{LITELLM}").touch()
    port = free_port()
    parameters = {"model": "openai/stub", "api_base": upstream.removesuffix("/chat/completions"), "api_key": "none"}
    config = {
        "model_list": [{"model_name": "stub", "litellm_params": parameters}],
        "general_settings": {"master_key": "sk-bench"},
    }
    (folder / "litellm.json").write_text(json.dumps(config))  # YAML reads JSON
    shutil.copy(folder / "litellm.json", folder / "litellm.yaml")
    argv = [str(_HOME / "bin" / "litellm"), "--config", str(folder / "litellm.yaml"), "--port", str(port)]
    process = start(stack, folder, "litellm", [*argv, "--host", "127.0.0.1", "--telemetry", "False"])
    wait_for(f"http://127.0.0.1:{port}/health/liveliness", process)
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    return Started(Target("litellm", url, "sk-bench", "stub"), process.pid)


def model(stack: ExitStack, folder: Path, home: Path, slots: int) -> tuple[Started, dict[str, Any]]:
    """The real model process, and the settings of a backend for it."""
    ports = [free_port(), free_port()]
    (folder / "model-key").write_text("model-key")
    settings = {"home": str(home), "port": ports[0], "scoring_port": ports[1], "key_file": str(folder / "model-key")}
    (folder / "model.json").write_text(json.dumps({**settings, "slots": slots, "threads": 1}))
    argv = [sys.executable, "-m", "labkit.models.serve", str(folder / "model.json")]
    process = start(stack, folder, "model", argv)
    wait_for(f"http://127.0.0.1:{ports[1]}/health", process, {"Authorization": "Bearer model-key"})
    urls = {"url": f"http://127.0.0.1:{ports[0]}", "scoring_url": f"http://127.0.0.1:{ports[1]}"}
    backend = {"kind": "llamacpp", **urls, "key_file": settings["key_file"], "slots": slots}
    target = Target("llama.cpp", f"{urls['url']}/v1/chat/completions", "model-key", "smollm2-135m-instruct")
    return Started(target, process.pid), backend


def _courses(home: Path, model: str) -> Path:
    """The testing course with one lab that may use the model without end."""
    folder = home / "courses"
    shutil.copytree(_COURSES / _COURSE / _LAB, folder / _COURSE / _LAB)
    (folder / _COURSE / "course.toml").write_text(
        f'title = "T"\n\n[[labs]]\nid = "{_LAB}"\ntitle = "L"\nmodels = ["{model}"]\n'
        'allowance = {tokens = 2000000000, per = "total"}\ntraining = {steps = 1000000, per = "total"}\n'
    )
    return folder


def start(stack: ExitStack, folder: Path, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / f"{name}.log").open("wb"))
    process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], headers: Mapping[str, str] | None = None) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            if httpx.get(url, headers=headers, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
