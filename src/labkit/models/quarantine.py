"""Opens bytes nobody trusts: parsers written in C run on them in a short-lived sandboxed child, never in this process.

    the model process ── python -m labkit.models.quarantine OPENER TIER ARGUMENTS INPUT   one process, of one thread
                          └─ fork_into(sandbox): the opener, under the strongest tier there is

The process in between has imported what the opener needs, so that nothing is imported inside; it holds no secret.
Bytes go in as a sealed file in memory. What comes out is one line of JSON and then bytes, at most `largest` of them;
it is as little to be trusted as what went in, and whoever asked checks it.

Covers: what the tier covers (labkit.sandbox.tiers), and the wall clock, memory and output of each opening.
Does NOT cover: a kernel bug behind an allowed call; what the opener says of the bytes, which may be a lie; that the
answer takes the time of the machine, up to the limits. Where no tier works nothing is opened (ModelUnavailable).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import logging
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import labkit
from labkit.errors import ModelUnavailable, RequestRefused, SandboxUnavailable

_log = logging.getLogger(__name__)
# Accounts nobody has, above those of the grader's sandboxes; one for each opening that runs.
_FIRST_UID, _UIDS = 1_950_000_000, 4_194_304
_SECONDS, _MEMORY_MB = 100.0, 1024
_PATIENCE = 20.0
# As fork_into says it; and what the process in between says where its child was ended.
_NOT_CONFINED = 71
_ENDED = {75: "time", 76: "memory", 77: "disk"}
_LONGEST_LINE = 1 << 16
_ENVIRONMENT = {
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


class Refused(Exception):
    """Raised by an opener: a word its caller knows the sentence for."""


def open_in_quarantine(
    opener: str, data: bytes, arguments: Mapping[str, Any], sentences: Mapping[str, str], *, largest: int
) -> Opened:
    """Runs `labkit.models.OPENER`'s `open_untrusted(source, sink, arguments)` on `data`, sandboxed; its `NEEDS` are
    modules that are imported first, outside.

    Raises RequestRefused with the sentence of the word it refused with; or when it crashed, took too long, or grew
    too large, all of which are the bytes' doing. Raises ModelUnavailable where no sandbox works.
    """
    with _sealed(data) as source, tempfile.TemporaryFile() as errors:
        ended, out = _run(opener, source.fileno(), arguments, errors, largest)
        errors.seek(0)
        said = errors.read(4000).decode("utf-8", "replace").strip()
    if ended == 0 and len(out) <= largest + _LONGEST_LINE and (opened := _parsed(out)) is not None:
        if (word := opened.told.get("refused")) is None:
            return opened
        if isinstance(word, str) and word in sentences:
            raise RequestRefused(sentences[word])
    if ended == _NOT_CONFINED:
        _log.error("Nothing was opened: %s", said)
        raise ModelUnavailable("Files cannot be opened safely on this machine.", instead="Tell whoever runs it.")
    _log.warning("Opening %s of %d bytes ended with %d: %s", opener, len(data), ended, said)
    if ended in _ENDED:
        raise RequestRefused(f"The file takes too much {_ENDED[ended]} to open.", instead="Send a smaller one.")
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


def _run(opener: str, source: int, arguments: Mapping[str, Any], errors: IO[bytes], largest: int) -> tuple[int, bytes]:
    words = [opener, tier(), json.dumps(arguments), str(source)]
    process = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "labkit.models.quarantine", *words],
        pass_fds=[source],
        env={
            **_ENVIRONMENT,
            "PATH": os.defpath,
            "PYTHONPATH": str(Path(labkit.__file__).parent.parent),
            "TMPDIR": tempfile.gettempdir(),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd="/",
    )
    assert process.stdout is not None
    # The process in between keeps the clock; this one is for when it does not.
    late = threading.Timer(_SECONDS + _PATIENCE, process.kill)
    late.start()
    try:
        # One byte more than may be: whoever writes without end is cut off here, and has a full pipe until it is killed.
        out = process.stdout.read(largest + _LONGEST_LINE + 1)
    finally:
        if len(out) > largest + _LONGEST_LINE:
            process.kill()
        process.stdout.close()
        ended = process.wait()
        late.cancel()
    return ended, out


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
def _sealed(data: bytes) -> Any:
    """`data` as a file in memory that nobody changes any more."""
    import fcntl

    file = os.fdopen(os.memfd_create("untrusted", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    with file:
        file.write(data)
        file.flush()
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        file.seek(0)
        yield file


def main(argv: list[str]) -> int:
    """The process in between: imports, forks, watches, and ends as the child did."""
    from labkit.sandbox import Forked, Limits, Sandbox, fork_into, watch
    from labkit.sandbox.tiers import named

    opener, tier_name, arguments, source = argv[0], argv[1], json.loads(argv[2]), int(argv[3])
    module = importlib.import_module(f"labkit.models.{opener}")
    for name in module.NEEDS:
        importlib.import_module(name)
    sink = os.dup(1)
    limits = Limits(
        *(_SECONDS, _MEMORY_MB),
        cpu_seconds=int(_SECONDS),
        data_mb=2 * _MEMORY_MB,
        file_mb=64,
        processes=8,
        files=64,
        tmp_mb=128,
        nice=5,
        yields_memory=True,
    )
    sandbox = Sandbox(env=_ENVIRONMENT, limits=limits, uid=_FIRST_UID + os.getpid() % _UIDS)
    body = functools.partial(_body, module.open_untrusted, source, sink, arguments)
    scratch = Path(tempfile.gettempdir(), f"labkit-opening-{secrets.token_hex(8)}")
    pid = fork_into(sandbox, body, keep=(source, sink), tier=named(tier_name), stderr=2, scratch=scratch)
    process = Forked(pid)
    for file in (source, sink, 1):
        os.close(file)
    running = watch(process, limits, folder=scratch if tier_name == "landlock" else None)
    running.wait()
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    codes = {why: code for code, why in _ENDED.items()}
    return codes.get(running.ended_for, ended)


def _body(open_untrusted: Callable[[int, int, Any], None], source: int, sink: int, arguments: Any) -> None:
    try:
        open_untrusted(source, sink, arguments)
    except Refused as refused:
        answer(sink, {"refused": str(refused)})


def answer(sink: int, told: Mapping[str, Any], content: bytes = b"") -> None:
    """For openers: the whole answer, or the beginning of it."""
    with open(sink, "wb", closefd=False) as file:
        file.write(json.dumps(told).encode() + b"\n")
        file.write(content)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
