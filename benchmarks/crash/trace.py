"""Records what a program asks of the disk below one folder, with strace, and reads the record.

A write counts from the moment it was asked for (it may be on the disk before it returns), a sync from the moment it
returned. A call on the folder that this file does not know ends the reading with an error: nothing is passed over.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labkit.errors import OperatorError

_SYNCS = ("fsync", "fdatasync")
_CALLS = (
    *_SYNCS,
    *("write", "pwrite64", "writev", "pwritev", "pwritev2", "lseek", "ftruncate", "truncate", "fallocate"),
    *("openat", "open", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat"),
    *("unlink", "unlinkat", "rmdir", "symlink", "symlinkat", "sync", "syncfs", "sync_file_range"),
    *("sendfile", "copy_file_range", "msync"),
)
_HEX = r"(?:\\x[0-9a-f]{2})*"
_LINE = re.compile(r"(\d+)\s+(\w+)\((.*)\)\s+= (-?\d+)(?:<(" + _HEX + r")>)?.*", re.S)
_UNFINISHED = re.compile(r"(\d+)\s+(.*) <unfinished \.\.\.>$", re.S)
_RESUMED = re.compile(r"(\d+)\s+<\.\.\. \w+ resumed>(.*)$", re.S)
_DESCRIPTOR = re.compile(r"(\w+)<(" + _HEX + r")>")
_STRING = re.compile(r'"(' + _HEX + r')"')


@dataclass(frozen=True)
class Event:
    """`verb` is write, truncate, create, mkdir, rename, link, unlink, sync or print; `path` is absolute.

    `data` and `offset` belong to a write, `offset` alone is a truncate's new size, `target` a rename's or link's.
    """

    verb: str
    path: str = ""
    target: str = ""
    offset: int = 0
    data: bytes = b""


def record(command: Sequence[str], trace: Path, cwd: Path | None = None) -> None:
    """Runs `command` under strace. Raises OperatorError where strace is missing or the program fails."""
    argv = [*("strace", "-f", "-y", "--seccomp-bpf", "--strings-in-hex=all", "-s", "4000000"), "-e"]
    argv += [f"trace={','.join(_CALLS)}", "-o", str(trace), "--", *command]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=cwd)
    except FileNotFoundError:
        raise OperatorError("strace is not installed.", instead="apt install strace") from None
    if done.returncode:
        raise OperatorError(f"The recorded program failed: {done.stderr[-500:]}", instead="Run it without strace.")


@dataclass
class _Reader:
    folder: str
    positions: dict[int, int] = field(default_factory=dict)

    def events(self, name: str, arguments: str, result: int, opened: str) -> Iterator[Event]:
        """What one finished call means for the folder."""
        if result < 0:
            return
        number, on = _descriptor(arguments)
        strings = [_bytes(found) for found in _STRING.findall(arguments)]
        if name == "write" and number == 1:
            yield Event("print", data=strings[0])
        elif name in ("write", "pwrite64", "lseek", *_SYNCS, "ftruncate", "fallocate"):
            if self._inside(on) or (name == "lseek" and number in self.positions):
                yield from self._on_descriptor(name, number, on, arguments, strings, result)
        elif name in ("openat", "open", "creat"):
            if self._inside(opened):
                yield from self._opened(arguments, result, opened)
        else:
            yield from self._named(name, arguments, strings)

    def _on_descriptor(
        self, name: str, number: int, path: str, arguments: str, strings: list[bytes], result: int
    ) -> Iterator[Event]:
        if name in _SYNCS:
            yield Event("sync", path)
        elif name == "pwrite64":
            yield Event("write", path, offset=int(arguments.rsplit(",", 1)[1]), data=strings[0][:result])
        elif name == "write":
            at = self.positions.get(number, 0)
            self.positions[number] = at + result
            yield Event("write", path, offset=at, data=strings[0][:result])
        elif name == "lseek":
            self.positions[number] = result
        elif name == "ftruncate":
            yield Event("truncate", path, offset=int(arguments.rsplit(",", 1)[1]))
        else:
            raise ValueError(f"{name} on {path} is not understood")

    def _opened(self, arguments: str, number: int, path: str) -> Iterator[Event]:
        self.positions[number] = 0
        if "O_APPEND" in arguments or "O_TMPFILE" in arguments:
            raise ValueError(f"{path} is opened in a way that is not understood")
        if "O_CREAT" in arguments:
            yield Event("create", path)
        if "O_TRUNC" in arguments:
            yield Event("truncate", path)

    def _named(self, name: str, arguments: str, strings: list[bytes]) -> Iterator[Event]:
        folders = [_text(found) for _, found in _DESCRIPTOR.findall(arguments)]
        bases = folders if len(folders) == len(strings) else [""] * len(strings)
        paths = [os.path.normpath(Path(base, os.fsdecode(one))) for base, one in zip(bases, strings, strict=True)]
        if not any(self._inside(path) or not path.startswith("/") for path in paths):
            return
        verb = {"unlink": "unlink", "rename": "rename", "mkdir": "mkdir", "link": "link"}.get(
            name.removesuffix("2").removesuffix("at")
        )
        if verb is None or "AT_REMOVEDIR" in arguments or not all(map(self._inside, paths)):
            raise ValueError(f"{name} on {paths} is not understood")
        yield Event(verb, paths[0], target=paths[1] if len(paths) > 1 else "")

    def _inside(self, path: str) -> bool:
        return path == self.folder or path.startswith(f"{self.folder}/")


def read(trace: Path, folder: Path) -> list[Event]:
    """The record's events on `folder` and what was printed, in order."""
    reader, slots, begun = _Reader(str(folder)), list[list[Event]](), dict[str, tuple[str, int]]()
    for line in trace.read_text().splitlines():
        slots.append([])
        place, text = len(slots) - 1, line
        if unfinished := _UNFINISHED.match(line):
            begun[unfinished[1]] = (unfinished[2], place)
            continue
        if resumed := _RESUMED.match(line):
            first, place = begun.pop(resumed[1])
            text = f"{resumed[1]} {first}{resumed[2]}"
        if call := _LINE.match(text):
            name = call[2]
            # A sync holds from its return on; everything else may hold from its beginning.
            slot = slots[-1] if name in _SYNCS else slots[place]
            slot += reader.events(name, call[3], int(call[4]), _text(call[5] or ""))
    return [event for slot in slots for event in slot]


def _descriptor(arguments: str) -> tuple[int, str]:
    found = _DESCRIPTOR.match(arguments)
    return (int(found[1]), _text(found[2])) if found and found[1].isdigit() else (-1, "")


def _bytes(coded: str) -> bytes:
    return bytes.fromhex(coded.replace("\\x", ""))


def _text(coded: str) -> str:
    return os.fsdecode(_bytes(coded))
