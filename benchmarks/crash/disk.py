"""A disk as a power cut may leave it.

What was synced is there. A write since the last sync of its file is there, absent, or torn between sectors of 512
bytes, each decided by a coin, in no order. A name (of a new, renamed, linked or deleted file, or a new folder) is sure
only once its folder was synced: the sync of the file itself does not help, although ext4 would often be kinder.

What this does not cover: damage to what was synced, a sector written in halves, names after a folder is renamed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from benchmarks.crash.trace import Event

_SECTOR = 512


@dataclass
class File:
    synced: bytes = b""
    pending: list[Event] = field(default_factory=list)

    def sync(self) -> None:
        content = bytearray(self.synced)
        for event in self.pending:
            _apply(content, event)
        self.synced, self.pending = bytes(content), []

    def after_a_cut(self, coin: random.Random, survival: float) -> bytes:
        content = bytearray(self.synced)
        for event in self.pending:
            if coin.random() < survival:
                _apply(content, event)
            elif event.verb == "write" and coin.random() < survival:
                _tear(content, event, coin)
        return bytes(content)


@dataclass
class Folder:
    """`names` is what programs see; a change not yet synced is a group of names that changes together."""

    names: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[dict[str, File | Folder | None]] = field(default_factory=list)

    def change(self, group: dict[str, File | Folder | None]) -> None:
        _rename(self.names, group)
        self.pending.append(group)

    def sync(self) -> None:
        self.synced, self.pending = dict(self.names), []

    def after_a_cut(self, coin: random.Random, survival: float) -> dict[str, File | Folder]:
        names = dict(self.synced)
        for group in self.pending:
            if coin.random() < survival:
                _rename(names, group)
        return names


class Disk:
    """Begins with `root` as an empty folder whose own name is sure."""

    def __init__(self, root: Path) -> None:
        self._root, self._top = PurePosixPath(root), Folder()

    def play(self, event: Event) -> None:
        if event.verb in ("write", "truncate"):
            self._file(event.path).pending.append(event)
        elif event.verb == "sync":
            self._node(event.path).sync()
        elif event.verb == "create":
            folder, name = self._place(event.path)
            if name not in folder.names:
                folder.change({name: File()})
        elif event.verb == "mkdir":
            folder, name = self._place(event.path)
            folder.change({name: Folder()})
        elif event.verb == "unlink":
            folder, name = self._place(event.path)
            folder.change({name: None})
        elif event.verb in ("rename", "link"):
            self._move(event)

    def write_after_a_cut(self, to: Path, coin: random.Random, survival: float) -> None:
        """Writes the folder as a cut at this moment may leave it; `survival` is the coin's bias, 0 to 1."""
        _write(self._top, to, coin, survival)

    def _move(self, event: Event) -> None:
        node = self._node(event.path)
        (here, old), (there, new) = self._place(event.path), self._place(event.target)
        gone: dict[str, File | Folder | None] = {old: None} if event.verb == "rename" else {}
        if here is there:
            here.change({**gone, new: node})
        else:
            there.change({new: node})
            here.change(gone)

    def _place(self, path: str) -> tuple[Folder, str]:
        *parts, name = PurePosixPath(path).relative_to(self._root).parts
        folder = self._top
        for part in parts:
            node = folder.names[part]
            assert isinstance(node, Folder)
            folder = node
        return folder, name

    def _node(self, path: str) -> File | Folder:
        if PurePosixPath(path) == self._root:
            return self._top
        folder, name = self._place(path)
        return folder.names[name]

    def _file(self, path: str) -> File:
        node = self._node(path)
        assert isinstance(node, File)
        return node


def _rename(names: dict[str, File | Folder], group: dict[str, File | Folder | None]) -> None:
    for name, node in group.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _apply(content: bytearray, event: Event) -> None:
    if event.verb == "truncate":
        del content[event.offset :]
        content.extend(bytes(event.offset - len(content)))
    else:
        content.extend(bytes(max(0, event.offset - len(content))))
        content[event.offset : event.offset + len(event.data)] = event.data


def _tear(content: bytearray, event: Event, coin: random.Random) -> None:
    """Some of the sectors of a write."""
    end = event.offset + len(event.data)
    for start in range(event.offset - event.offset % _SECTOR, end, _SECTOR):
        first, last = max(start, event.offset), min(start + _SECTOR, end)
        if coin.random() < 0.5:
            part = event.data[first - event.offset : last - event.offset]
            _apply(content, Event("write", offset=first, data=part))


def _write(folder: Folder, to: Path, coin: random.Random, survival: float) -> None:
    to.mkdir()
    for name, node in folder.after_a_cut(coin, survival).items():
        if isinstance(node, Folder):
            _write(node, to / name, coin, survival)
        else:
            (to / name).write_bytes(node.after_a_cut(coin, survival))
