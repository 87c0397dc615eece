"""A worker that hangs is not said to be well."""

from __future__ import annotations

import httpx
import pytest

from labkit.training import health
from labkit.training.health import Stop


@pytest.fixture
def stop():
    return Stop()


@pytest.fixture
def url(stop):
    server = health.listen(0, stop)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_loop_that_goes_round_is_well_and_one_that_does_not_is_not(stop, url, monkeypatch):
    assert httpx.get(f"{url}/health").json() == {"status": "ok"}
    stop.seen -= health.SILENT_SECONDS + 1
    silent = httpx.get(f"{url}/health")
    assert (silent.status_code, silent.json()) == (503, {"status": "hangs"})

    assert not stop.is_set()  # as the loop asks each time
    assert httpx.get(f"{url}/health").status_code == 200


def test_nothing_else_is_answered(url):
    assert httpx.get(f"{url}/other").status_code == 404
