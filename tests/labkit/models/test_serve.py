import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from labkit.models import serve


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(tmp_path: Path, home: Path, **changes: object) -> Path:
    key = tmp_path / "key"
    key.write_text("sekret\n")
    table = {"home": str(home), "port": free_port(), "scoring_port": free_port(), "key_file": str(key)} | changes
    file = tmp_path / "model.json"
    file.write_text(json.dumps(table))
    return file


@pytest.fixture(scope="module")
def process(
    prepared_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    file = settings(tmp_path_factory.mktemp("model"), prepared_models, slots=2, threads=1)
    running = subprocess.Popen(
        [sys.executable, "-m", "labkit.models.serve", str(file)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None and "ready" in running.stdout.readline()
    yield running, json.loads(file.read_text())
    if running.poll() is None:
        running.kill()
    running.wait()
    running.stdout.close()


@pytest.mark.model
@pytest.mark.parametrize("key", [None, "wrong", "sekret2", "sekre"])
@pytest.mark.parametrize(
    ("port", "path"),
    [
        ("port", "/v1/models"),
        ("port", "/v1/chat/completions"),
        ("port", "/completions"),
        ("port", "/tokenize"),
        ("port", "/props"),
        ("scoring_port", "/score"),
        ("scoring_port", "/health"),
        ("scoring_port", "/identity"),
        ("scoring_port", "/identity/aides"),
        ("scoring_port", "/embed"),
        ("scoring_port", "/embed/cost"),
        ("scoring_port", "/transcribe"),
        ("scoring_port", "/transcribe/cost"),
        ("scoring_port", "/read"),
        ("scoring_port", "/no/such/path"),
    ],
)
def test_nothing_is_answered_without_the_key(
    port: str, path: str, key: str | None, process: tuple[subprocess.Popen[str], dict[str, int]]
) -> None:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    method = "GET" if path in ("/health", "/identity", "/identity/aides", "/v1/models", "/props") else "POST"
    answer = httpx.request(method, f"http://127.0.0.1:{process[1][port]}{path}", headers=headers, json={})
    assert answer.status_code == 401


@pytest.mark.model
def test_it_says_which_weights_tokenizer_template_and_engines_answer(
    process: tuple[subprocess.Popen[str], dict[str, int]], prepared_models: Path
) -> None:
    url = f"http://127.0.0.1:{process[1]['scoring_port']}/identity"
    told = httpx.get(url, headers={"Authorization": "Bearer sekret"}).json()
    gguf = prepared_models / "smollm2-135m-instruct" / "model.gguf"
    assert told["files"]["model.gguf"] == hashlib.sha256(gguf.read_bytes()).hexdigest()
    assert {"torch/model.safetensors", "torch/tokenizer.json", "torch/chat_template.jinja"} <= told["files"].keys()
    assert told["build"].keys() >= {"xllamacpp", "torch", "transformers"}


@pytest.mark.model
def test_the_same_process_embeds_and_says_which_engines_it_has(
    process: tuple[subprocess.Popen[str], dict[str, int]],
) -> None:
    url, headers = f"http://127.0.0.1:{process[1]['scoring_port']}", {"Authorization": "Bearer sekret"}
    found = httpx.post(f"{url}/embed", headers=headers, json={"texts": ["A tree."]}, timeout=60).json()
    assert len(found["embeddings"][0]) == 384 and found["tokens"] == 5
    health = httpx.get(f"{url}/health", headers=headers).json()
    assert health == {"status": "ok", "engines": {"embeddings": True, "speech": True, "reading": True}}
    assert httpx.get(f"{url}/identity/aides", headers=headers).json().keys() == health["engines"].keys()
    # What grades are recorded under does not change with an engine that no grade rests on.
    assert "tesseract" not in httpx.get(f"{url}/identity", headers=headers).text


@pytest.mark.model
def test_one_process_chats_and_scores_and_ends_within_five_seconds(
    process: tuple[subprocess.Popen[str], dict[str, int]],
) -> None:
    running, table = process
    headers = {"Authorization": "Bearer sekret"}
    chat = httpx.post(
        f"http://127.0.0.1:{table['port']}/v1/chat/completions",
        headers=headers,
        json={"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4},
        timeout=60,
    ).json()
    assert chat["usage"]["completion_tokens"] == 4
    score = f"http://127.0.0.1:{table['scoring_port']}/score"
    body = {"prompts": ["The capital of France is"], "choices": [" Paris", " London"]}
    answer = httpx.post(score, headers=headers, json=body, timeout=60).json()
    assert answer["scores"][0][0] > answer["scores"][0][1] and answer["tokens"] == 7
    assert httpx.post(score.replace("/score", "/cost"), headers=headers, json=body).json() == {"tokens": 7}
    for wrong in ({"prompts": ["x"]}, {"prompts": "x", "choices": ["y"]}, {"prompts": [""], "choices": ["y"]}):
        assert httpx.post(score, headers=headers, json=wrong, timeout=60).status_code == 400
    with pytest.raises(httpx.TimeoutException):  # still computing when the signal arrives
        httpx.post(score, headers=headers, json={"prompts": ["a b c " * 500] * 50, "choices": ["y"]}, timeout=1)
    began = time.monotonic()
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=5) == 0
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": 1}, "unknown key 'colour'"),
        ({"port": "8"}, "port is '8'"),
        ({"scorers": "2"}, "scorers is '2'"),
        ({"key_file": "/does/not/exist"}, "cannot be read"),
        ({}, "not prepared"),
    ],
)
def test_wrong_settings_are_refused_before_anything_starts(
    changes: dict[str, object], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "key_file" in changes:
        (tmp_path / "x").mkdir()
        with pytest.raises(Exception, match=complaint):
            serve.read_secret(Path(str(changes["key_file"])))
        return
    assert serve.main([str(settings(tmp_path, tmp_path, **changes))]) == 2
    assert complaint in capsys.readouterr().err


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(serve.OperatorError, match=f"Port {port} is in use"):
            serve._refuse_a_taken_port(port)
