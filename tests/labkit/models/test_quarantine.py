"""What an opener can do once the bytes it opened have taken it over."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import ModelUnavailable, RequestRefused, SandboxUnavailable
from labkit.models import quarantine
from labkit.models.quarantine import Bounds, Opened, open_in_quarantine

pytestmark = pytest.mark.sandbox

Open = Callable[..., Opened]
SMALL = Bounds(1000, seconds=20)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens with an opener of these lines; `data`, `sink` and `answer` are at hand."""
    monkeypatch.setattr(quarantine, "_PATH", f"{quarantine._PATH}:{tmp_path}")

    def run(lines: str, data: bytes = b"", bounds: Bounds = SMALL, **arguments: Any) -> Opened:
        body = textwrap.indent(textwrap.dedent(lines), "    ")
        (tmp_path / "labkit_test_opener.py").write_text(
            "import os, socket, time\nfrom labkit.models.quarantine import Refused, answer\n"
            "def warm():\n    pass\n"
            f"def open_untrusted(source, sink, arguments):\n    data = os.read(source, 1 << 20)\n{body}\n"
        )
        return open_in_quarantine("labkit_test_opener", data, arguments, {"bad": "It is bad."}, bounds)

    return run


def test_an_opener_gets_the_bytes_and_answers(opened: Open) -> None:
    found = opened("answer(sink, {'seen': arguments['word']}, data[::-1])", b"abc", word="a\u00e9")
    assert found == Opened({"seen": "a\u00e9"}, b"cba")


def test_a_refusal_is_told_in_a_sentence_of_the_callers(opened: Open) -> None:
    with pytest.raises(RequestRefused, match=r"^It is bad\.$"):
        opened("raise Refused('bad')")


@pytest.mark.parametrize(
    "lines",
    [
        "raise Refused('Send your password to the teacher.')",
        "answer(sink, {'refused': ['bad']})",
        "os.abort()",
        "pass",
        "os.write(sink, b'not JSON\\n')",
        "os.write(sink, b'[1]\\n')",
        "os.write(sink, b'[' * 60000 + b'\\n')",
        "answer(sink, {}, bytes(100_000))",
        "while True: os.write(sink, bytes(10_000))",
        "answer(sink, {}); os.kill(os.getpid(), 9)",
    ],
)
def test_an_opener_that_breaks_or_lies_is_a_file_that_cannot_be_read(lines: str, opened: Open) -> None:
    with pytest.raises(RequestRefused, match="cannot be read; it may be damaged"):
        opened(lines)


@pytest.mark.parametrize(
    ("lines", "bounds", "what"),
    [
        ("time.sleep(60)", Bounds(10, seconds=0.5), "time"),
        ("os.fork() or os.setsid() or time.sleep(60); time.sleep(60)", Bounds(10, seconds=0.5), "time"),
        ("kept = bytearray(os.urandom(1 << 20) * 300); time.sleep(60)", Bounds(10, memory_mb=200), "memory"),
    ],
)
def test_what_takes_too_much_is_ended(lines: str, bounds: Bounds, what: str, opened: Open) -> None:
    began = time.monotonic()
    with pytest.raises(RequestRefused, match=f"takes too much {what} to open"):
        opened(lines, bounds=bounds)
    assert time.monotonic() - began < 50  # and not the minute it would have slept


REACHING = [
    "open(arguments['file']).read()",
    "open(arguments['file'], 'w')",
    "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "os.kill(arguments['pid'], 0)",
    "os.pwrite(source, b'x', 0)",
    "os.setuid(0)",
]


def test_nothing_of_the_machine_is_reached(opened: Open, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o666)
    tries = [f"try:\n    {line}\nexcept OSError:\n    met.append({number})" for number, line in enumerate(REACHING)]
    lines = "\n".join(["met = []", *tries, "answer(sink, {'met': met})"])
    assert opened(lines, file=str(secret), pid=os.getpid()).told["met"] == list(range(len(REACHING)))
    assert secret.read_text() == "secret"


def test_nothing_of_our_environment_is_handed_on(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_TEST_SECRET", "sekret")
    told = opened("answer(sink, dict(os.environ))").told
    assert "LABKIT_TEST_SECRET" not in told and told["OMP_THREAD_LIMIT"] == "1"


def openings(name: str) -> list[str]:
    """Processes with this opener on their command line."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"labkit.models.opening\0{name}\0" in place.read_text():
                found.append(place.parent.name)
    return found


def test_an_opening_ends_with_the_process_that_asked(tmp_path: Path) -> None:
    name = f"labkit_test_opener_{os.getpid()}"
    (tmp_path / f"{name}.py").write_text("import time\ndef warm(): pass\ndef open_untrusted(*_): time.sleep(90)\n")
    asking = f"""
from labkit.models import quarantine
quarantine._PATH += ":{tmp_path}"
quarantine.open_in_quarantine("{name}", b"", {{}}, {{}}, quarantine.Bounds(10))
"""
    with subprocess.Popen([sys.executable, "-c", asking]) as process:
        wait_until(lambda: len(openings(name)) >= 2)
        process.kill()
    wait_until(lambda: not openings(name))


def wait_until(so: Callable[[], bool]) -> None:
    for _ in range(600):
        if so():
            return
        time.sleep(0.05)
    pytest.fail("half a minute went by")


@pytest.fixture
def no_tier() -> Iterator[None]:
    quarantine.tier.cache_clear()
    yield
    quarantine.tier.cache_clear()


def test_where_no_sandbox_works_nothing_is_opened(
    no_tier: None, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def best() -> None:
        raise SandboxUnavailable("No sandbox for a warm child works here.", instead="Nothing untrusted is run.")

    monkeypatch.setattr("labkit.sandbox.tiers.best", best)
    with pytest.raises(ModelUnavailable, match=r"cannot be opened safely.*Nothing untrusted is run"):
        opened("answer(sink, {})")


def test_an_opener_that_cannot_be_confined_does_not_run(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "tier", lambda: "bubblewrap")  # which execs, and so cannot be entered
    with pytest.raises(ModelUnavailable, match="cannot be opened safely"):
        opened("answer(sink, {})")


def test_a_machine_that_cannot_start_it_is_at_fault_and_not_the_file(opened: Open) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be opened safely"):
        open_in_quarantine("labkit_no_such_opener", b"", {}, {}, SMALL)
