"""What an attacker uses against the whole running platform: a browser's session without a browser, raw bytes, a kernel.

Everything goes to the one public address, 127.0.0.1 and its port, whatever host is claimed: names below `localhost` are
the browser's to resolve and not this machine's.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
import pytest

from hub_config.hosts import Hosts

_SECONDS = 60
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Keeps cookies for each host apart, as browsers do on localhost; says it is a page of the host it asks."""

    port: int
    cookies: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    source: str = "127.0.0.1"

    def ask(self, method: str, url: str, body: bytes | None = None, **headers: str) -> Answer:
        """`url` is whole or a path on the main host; an underscore in a header's name stands for a hyphen."""
        parts = urlsplit(urljoin(f"http://localhost:{self.port}/", url))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        said = {"Host": parts.netloc, "Sec-Fetch-Site": "same-origin", "Cookie": self.cookie(url)}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, _SECONDS, source_address=(self.source, 0))
        try:
            connection.request(method, target, body, {name: value for name, value in said.items() if value})
            given = connection.getresponse()
            answer = Answer(given.status, given.headers, given.read())
        finally:
            connection.close()
        self._keep(parts.hostname or "", answer)
        return answer

    def get(self, url: str, **headers: str) -> Answer:
        return self.ask("GET", url, **headers)

    def post(self, url: str, form: Mapping[str, str], **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", url, urlencode(form).encode(), **{**kind, **headers})

    def follow(self, url: str, most: int = 20) -> Answer:
        """GET, and on to wherever it leads."""
        for _ in range(most):
            answer = self.get(url, Sec_Fetch_Mode="navigate", Accept="text/html")
            if answer.status not in (301, 302, 303, 307):
                return answer
            url = urljoin(urljoin(f"http://localhost:{self.port}/", url), answer.headers["Location"])
        raise AssertionError(f"redirects without end: {url}")

    def cookie(self, url: str) -> str:
        """What a browser would send to `url`."""
        parts = urlsplit(urljoin(f"http://localhost:{self.port}/", url))
        kept = self.cookies.get(parts.hostname or "", {})
        return "; ".join(f"{name}={value}" for name, (value, path) in kept.items() if parts.path.startswith(path))

    def value(self, host: str, name: str) -> str:
        return self.cookies.get(host, {}).get(name, ("", ""))[0]

    def _keep(self, host: str, answer: Answer) -> None:
        kept = self.cookies.setdefault(host, {})
        for line in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                if morsel.value and morsel["max-age"] != "0":
                    kept[name] = (morsel.value, morsel["path"] or "/")
                else:
                    kept.pop(name, None)


def token_in(page: str) -> str:
    """The hidden token of a form of the hub's."""
    found = re.search(r'name="_xsrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


@pytest.fixture(scope="session")
def hosts(platform) -> Hosts:
    return Hosts.of(platform.url)


@pytest.fixture(scope="session")
def enter(platform) -> Callable[[str], Client]:
    """Signs somebody in by a link, anew each time."""

    def go(username: str) -> Client:
        client = Client(platform.port)
        link = platform.link_for(username)
        page = client.get(link, Sec_Fetch_Site="none")
        answer = client.post(link, {"_xsrf": token_in(page.text)})
        assert answer.status in (302, 303), answer.text
        assert client.follow("/services/labkit/").status == 200
        return client

    return go


@pytest.fixture(scope="module")
def ana(enter) -> Client:
    return enter("ana")


@pytest.fixture(scope="module")
def ben(enter) -> Client:
    return enter("ben")


@pytest.fixture(scope="module")
def maria(enter) -> Client:
    return enter("maria")


@pytest.fixture(scope="session")
def opened(platform, hosts: Hosts) -> Callable[[Client, str], Client]:
    """Starts somebody's server as her page does, and signs her in at its host."""

    def go(client: Client, username: str) -> Client:
        lab = "/services/labkit/labs/testing/clip"
        client.get(f"{lab}/open")
        end = time.monotonic() + 120
        while not client.get(f"{lab}/progress").headers["HX-Redirect"]:
            assert time.monotonic() < end, f"{username}'s server did not start"
            time.sleep(0.3)
        answer = client.follow(f"{hosts.user(username)}labkit/open/testing/clip")
        assert answer.status == 200, answer.text
        return client

    return go


@dataclass
class Kernel:
    """A kernel of somebody's server, reached through the platform's address as JupyterLab reaches it."""

    client: Client
    server: str
    id: str = ""

    def __post_init__(self) -> None:
        answer = self.api("POST", "api/kernels", {"name": "python3"})
        assert answer.status == 201, answer.text
        self.id = answer.json()["id"]

    def api(self, method: str, path: str, body: object = None) -> Answer:
        """JupyterLab's own API with her browser's session."""
        host = urlsplit(self.server).hostname or ""
        xsrf = self.client.value(host, "_xsrf")
        content = None if body is None else json.dumps(body).encode()
        return self.client.ask(
            method, self.server + path, content, X_XSRFToken=xsrf, Content_Type="application/json", Origin=self.origin
        )

    @property
    def origin(self) -> str:
        parts = urlsplit(self.server)
        return f"{parts.scheme}://{parts.netloc}"

    def run(self, code: str) -> str:
        """What `code` prints, and its traceback."""
        with ThreadPoolExecutor(1) as pool:  # of its own: a browser's loop runs in this thread
            return pool.submit(asyncio.run, self._run(code)).result()

    def end(self) -> None:
        self.api("DELETE", f"api/kernels/{self.id}")

    async def _run(self, code: str) -> str:
        said = {"Host": urlsplit(self.server).netloc, "Cookie": self.client.cookie(self.server), "Origin": self.origin}
        url = f"http://127.0.0.1:{self.client.port}{urlsplit(self.server).path}api/kernels/{self.id}/channels"
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": uuid.uuid4().hex}
        header |= {"username": "", "version": "5.3", "date": ""}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        printed: list[str] = []
        async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=said) as channel:
            await channel.send_json({**message, "buffers": []})
            while True:
                told = await channel.receive_json(timeout=120)
                if told["parent_header"].get("msg_id") != header["msg_id"]:
                    continue
                if told["msg_type"] == "stream":
                    printed.append(told["content"]["text"])
                elif told["msg_type"] == "error":
                    printed.append("\n".join(told["content"]["traceback"]))
                elif told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
                    return "".join(printed)


@pytest.fixture(scope="session")
def kernel_of(hosts: Hosts) -> Callable[[Client, str], Kernel]:
    return lambda client, username: Kernel(client, hosts.user(username))


@pytest.fixture(scope="module")
def ana_kernel(ana: Client, opened, hosts: Hosts) -> Iterator[Kernel]:
    kernel = Kernel(opened(ana, "ana"), hosts.user("ana"))
    yield kernel
    kernel.end()


@pytest.fixture(scope="module")
def ana_token(ana_kernel: Kernel) -> str:
    """The hub token of her server: whatever runs in her notebook has it."""
    return ana_kernel.run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()


def _send(port: int, *parts: bytes, seconds: float = 20, source: str = "127.0.0.1") -> bytes:
    """Raw bytes to the public address; gives all that comes back until it is closed or silent."""
    with socket.create_connection(("127.0.0.1", port), seconds, (source, 0)) as connection:
        received = b""
        try:
            for part in parts:
                connection.sendall(part)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            pass
        return received


@pytest.fixture(scope="session")
def send() -> Callable[..., bytes]:
    return _send


@pytest.fixture
def stranger(platform) -> Client:
    return Client(platform.port)


@dataclass
class Collector:
    """The attacker's own site, on any name below `localhost`: serves an empty page and remembers what it was asked."""

    port: int
    seen: list[str]

    def url(self, host: str = "evil.localhost", path: str = "/page") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in ("/page", "/favicon.ico"):
                seen.append(self.path)
            content = b"<!doctype html><title>a page</title><h1>a page</h1>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Collector(server.server_port, seen)
    server.shutdown()
    thread.join()
    server.server_close()
