"""A platform whose trainings run as Jobs of the double of a cluster."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub_config.training.conftest import BASE, Site, make_site, rows, small_base
from tests.k8s.api_server import Cluster, Server, write_kubeconfig

__all__ = ["make_site", "rows", "small_base"]


@pytest.fixture
def cluster(tmp_path: Path, small_base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if not shutil.which("bwrap"):
        pytest.fail('no bubblewrap: apt install bubblewrap, or leave it out with -m "not sandbox"')
    secret, data = tmp_path / "secret", tmp_path / "training"
    secret.mkdir()
    data.mkdir()
    worker = {
        **{"database_url": f"sqlite:///{tmp_path / 'labkit.db'}", "folder": "/srv/labkit/training"},
        **{"bases": {BASE: f"/srv/labkit/models/{small_base.name}"}, "checkpoint_seconds": 0.2, "nice": 0},
    }
    (secret / "training.json").write_text(json.dumps(worker))
    volumes = {"training-config": secret, "labkit-training": data, "labkit-models": small_base.parent}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(Cluster("labkit", ("course-testing",), volumes, tmp_path / "pods.log"), port)
    server.start()
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(server, tmp_path / "kubeconfig")))
    yield server
    server.stop()


@pytest.fixture
def on_kubernetes(make_site: Callable[..., Site], cluster: Server) -> Callable[..., Site]:
    """A site whose worker only submits; settings of the backend may be given."""

    def make(*, answering: bool = False, **settings: Any) -> Site:
        backend = {
            **{"kind": "kubernetes", "namespace": "labkit", "queue": "course-testing", "image": "labkit/trainer"},
            **{"secret": "training-config", "claim": "labkit-training", "models": "labkit-models"},
            **{"look_seconds": 0.2, "grace": 30, **settings},
        }
        return make_site(answering=answering, backend=backend)

    return make
