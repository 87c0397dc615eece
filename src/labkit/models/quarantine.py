"""Opens bytes nobody trusts: parsers written in C run on them in a short-lived sandboxed child, never in this process.

    the model process ── python -m labkit.models.opening OPENER ...   one process, of one thread
                          └─ fork_into(sandbox): the opener, under the strongest tier there is

The process in between has imported what the opener needs, so that nothing is imported inside; it holds no secret.
Bytes go in as a sealed file in memory. What comes out is one line of JSON and then bytes, at most `largest` of them;
it is as little to be trusted as what went in, and whoever asked checks it.

Covers: what the tier covers (labkit.sandbox.tiers), and the wall clock, memory and output of each opening (`Bounds`).
Does NOT cover: a kernel bug behind an allowed call; what an opener says of the bytes, or of how it ended, which may be
a lie; the machine's time, up to the bounds. Where no tier works nothing is opened (ModelUnavailable).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import labkit
from labkit.errors import ModelUnavailable, RequestRefused, SandboxUnavailable

_log = logging.getLogger(__name__)
_PATIENCE = 20.0
_PATH = str(Path(labkit.__file__).parent.parent)
# As fork_into says it, where no byte was looked at (Python itself says 1 where it cannot start); and what the process
# in between says where its child was ended.
NOT_CONFINED, _NOT_STARTED = 71, 1
ENDED = {75: "time", 76: "memory", 77: "disk"}
_LONGEST_LINE = 1 << 16
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Opened:
    """What an opener said of the bytes, and what it made of them. Both come from a process that may have been won."""

    told: Mapping[str, Any]
    content: bytes


@dataclass(frozen=True)
class Bounds:
    """Of one opening: `largest` in bytes of content, `seconds` of the clock and of the processor."""

    largest: int
    seconds: float = 100.0
    memory_mb: int = 1024


class Refused(Exception):
    """Raised by an opener: a word its caller knows the sentence for."""


def open_in_quarantine(
    opener: str, data: bytes, arguments: Mapping[str, Any], sentences: Mapping[str, str], bounds: Bounds
) -> Opened:
    """Runs `open_untrusted(source, sink, arguments)` of the module `opener` on `data`, sandboxed, after its `warm()`
    outside. Both descriptors are open files; what it answers goes to `sink`, by `answer`.

    Raises RequestRefused with the sentence of the word it refused with; or when it crashed, took too long, or grew
    too large, all of which are the bytes' doing. Raises ModelUnavailable where no sandbox works.
    """
    with _sealed(data) as source, tempfile.TemporaryFile() as errors:
        ended, out = _run(opener, source.fileno(), arguments, errors, bounds)
        errors.seek(0)
        said = errors.read(4000).decode("utf-8", "replace").strip()
    if ended == 0 and len(out) <= bounds.largest + _LONGEST_LINE and (opened := _parsed(out)) is not None:
        if (word := opened.told.get("refused")) is None:
            return opened
        if isinstance(word, str) and word in sentences:
            raise RequestRefused(sentences[word])
    if ended in (NOT_CONFINED, _NOT_STARTED):
        _log.error("Nothing was opened: %r", said)
        raise ModelUnavailable("Files cannot be opened safely on this machine.", instead="Tell whoever runs it.")
    _log.warning("Opening %s of %d bytes ended with %d: %r", opener, len(data), ended, said)
    if ended in ENDED:
        raise RequestRefused(f"The file takes too much {ENDED[ended]} to open.", instead="Send a smaller one.")
    raise RequestRefused("The file cannot be read; it may be damaged.", instead="Save it again, or send another.")


@functools.cache
def tier() -> str:
    """The name of the tier that is used. Raises ModelUnavailable where there is none."""
    from labkit.sandbox.tiers import best

    try:
        return best().name
    except SandboxUnavailable as error:
        raise ModelUnavailable(
            f"Files cannot be opened safely on this machine: {error.message}", instead=error.instead
        ) from error


def _run(
    opener: str, source: int, arguments: Mapping[str, Any], errors: IO[bytes], bounds: Bounds
) -> tuple[int, bytes]:
    words = [opener, tier(), json.dumps(arguments), json.dumps(vars(bounds)), str(source)]
    most = bounds.largest + _LONGEST_LINE
    with subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "labkit.models.opening", *words],
        pass_fds=[source],
        env={**ENVIRONMENT, "PATH": os.defpath, "PYTHONPATH": _PATH, "TMPDIR": tempfile.gettempdir()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd="/",
    ) as process:
        assert process.stdout is not None
        # The process in between keeps the clock; this one is for when it does not.
        late = threading.Timer(bounds.seconds + _PATIENCE, process.kill)
        late.start()
        try:
            out = process.stdout.read(most + 1)
            if len(out) > most:
                process.kill()  # it might write without end; what it has forked ends with it
            return process.wait(), out
        finally:
            late.cancel()


def _parsed(out: bytes) -> Opened | None:
    line, newline, content = out.partition(b"\n")
    if not newline or len(line) > _LONGEST_LINE:
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return Opened(told, content) if isinstance(told, dict) else None


@contextlib.contextmanager
def _sealed(data: bytes) -> Iterator[IO[bytes]]:
    """`data` as a file in memory that nobody changes any more."""
    file = os.fdopen(os.memfd_create("untrusted", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    with file:
        file.write(data)
        file.flush()
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        file.seek(0)
        yield file


def answer(sink: int, told: Mapping[str, Any], content: bytes = b"") -> None:
    """For openers: the whole answer, or the beginning of it."""
    with open(sink, "wb", closefd=False) as file:
        file.write(json.dumps(told).encode() + b"\n")
        file.write(content)
