import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from labkit.database import migrate
from labkit.errors import OperatorError
from labkit.gateway import __main__ as process
from labkit.gateway.backends import open_backend


def settings(tmp_path: Path, **changes: object) -> Path:
    (tmp_path / "secret").write_text("s" * 40)
    (tmp_path / "grading").write_text("g" * 40)
    (tmp_path / "courses").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    table = {
        "port": port,
        "prefix": "/services/gateway",
        "database_url": f"sqlite:///{tmp_path / 'labkit.db'}",
        "courses": str(tmp_path / "courses"),
        "hub_api_url": "http://127.0.0.1:9/hub/api",
        "key_secret_file": str(tmp_path / "secret"),
        "grading_key_file": str(tmp_path / "grading"),
        "timezone": "Asia/Manila",
        "backends": [{"kind": "echo"}],
    }
    file = tmp_path / "gateway.json"
    file.write_text(json.dumps(table | changes))
    return file


def test_the_process_serves_what_its_file_says_and_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("m" * 40)
    file = settings(tmp_path, metrics_key_file=str(tmp_path / "metrics"))
    table = json.loads(file.read_text())
    migrate(table["database_url"])
    command = [sys.executable, "-m", "labkit.gateway", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        url = f"http://127.0.0.1:{table['port']}/services/gateway/health"
        for _ in range(200):
            try:
                assert httpx.get(url).json() == {"status": "ok"}
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        else:
            pytest.fail("the gateway never answered")
        key = httpx.post(url.replace("health", "labs/a/b/key"), headers={"Authorization": "token x"})
        assert (key.status_code, key.json()["error"]["code"]) == (503, "PlatformFault")  # no hub is there
        told = httpx.get(url.replace("health", "metrics"), headers={"Authorization": f"Bearer {'m' * 40}"})
        assert 'labkit_gateway_refusals_total{code="PlatformFault"} 1.0' in told.text
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=5) == 0
        assert run.stderr is not None
        lines = [json.loads(line) for line in run.stderr]  # every line is an object, whoever wrote it
        assert "PlatformFault" in [line.get("code") for line in lines]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"port": "80"}, "port is '80'"),
        ({"backends": [{"kind": "oracle"}]}, "Known kinds: llamacpp, adapters, aides, transformers, openai, echo"),
        ({"backends": [{"kind": "echo", "volume": 3}]}, "backend echo: unknown key 'volume'"),
        ({"backends": [{"kind": "llamacpp"}]}, "backend llamacpp: 'url' is missing"),
        ({"grading_key_file": "missing"}, "key file missing cannot be read"),
    ],
)
def test_settings_it_does_not_know_are_refused(
    changes: dict[str, object], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.main([str(settings(tmp_path, **changes))]) == 2
    assert complaint in capsys.readouterr().err


def test_a_short_key_secret_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settings(tmp_path)
    (tmp_path / "secret").write_text("short")
    assert process.main([str(file)]) == 2
    assert "at least 32 characters" in capsys.readouterr().err


def test_a_backend_without_a_kind_is_refused() -> None:
    with pytest.raises(OperatorError, match="no model backend None"):
        open_backend({})
