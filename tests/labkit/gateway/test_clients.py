"""Clients of other platforms, unchanged but for the address and the key: each in a program of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hub_config import bootstrap

PROGRAMS = Path(__file__).parent / "clients"
HELLO = "good morning to you good"
# Their environment takes longer to make than they take to try.
pytestmark = pytest.mark.soak


@pytest.fixture(scope="session")
def python() -> Path:
    """The Python of the clients' environment."""
    if not bootstrap.has_clients():
        bootstrap.install_clients()
    return bootstrap.clients() / "bin" / "python"


def run(python: Path, program: str, gateway: Any, home: Path) -> dict[str, Any]:
    """What the program says. It has no settings but these, and asks nobody else for anything."""
    environment = {"PATH": os.defpath, "HOME": str(home), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    url = f"{gateway.url}/labs/prompting/triage/v1"
    command = [str(python), str(PROGRAMS / program), url, gateway.key()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.mark.parametrize("client", ["litellm", "langchain", "llama_index"])
def test_a_client_of_another_platform_works_unchanged(client: str, python: Path, gateway, tmp_path: Path) -> None:
    said = run(python, f"through_{client}.py", gateway, tmp_path)
    assert [said["whole"], said["streamed"], said["later"]] == [HELLO] * 3
    assert said["vectors"][:2] == [[3.0, 2.0], [1.0, 1.0]]
    assert "does not allow the model 'gpt-9'" in said["refused"]
    assert said["tokens"] == gateway.settled().used
    assert said.get("completed", "one two one").startswith("one two one")
    assert said.get("many", ["one two one two one", "three three three three three"])[1].startswith("three")


def test_curl_needs_nothing_but_an_address_and_a_key(gateway) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.fail("curl is not installed: apt install curl")
    body = json.dumps(
        {"model": "echo", "messages": [{"role": "user", "content": "good morning to you"}], "max_tokens": 5}
    )
    url = f"{gateway.url}/labs/prompting/triage/v1/chat/completions"
    command = [curl, "-sS", "--fail-with-body", "-N", url, "-H", f"Authorization: Bearer {gateway.key()}"]
    command += ["-H", "Content-Type: application/json", "-d"]
    done = subprocess.run([*command, body], capture_output=True, text=True, timeout=30, check=True)
    assert json.loads(done.stdout)["choices"][0]["message"]["content"] == HELLO
    streamed = json.dumps({**json.loads(body), "stream": True})
    done = subprocess.run([*command, streamed], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.rstrip().endswith("data: [DONE]") and done.stdout.count("data: {") == 5
    assert gateway.settled().used == 2 * 9
