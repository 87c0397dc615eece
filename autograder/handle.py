"""The test process's end of the line: asks the learner's process, and stands in for what is not plain data there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from autograder import frame, wire
from autograder.blame import Gone, Malformed, Missing, NotPlain, raised

MOST_ASKED = 500_000
MOST_ITEMS = 100_000


class Peer:
    """One question at a time; a learner's process that is gone or answers nonsense is her side's problem."""

    def __init__(self, line: socket.socket) -> None:
        self._line: socket.socket | None = line
        self._asked = 0

    def fetch(self, name: str) -> Any:
        return self.ask("name", name, name=name)

    def ask(self, op: str, label: str, **fields: Any) -> Any:
        answer = self._exchange(label, {"op": op, **fields})
        if op == "next" and answer.get("stop") is True:
            raise StopAsking
        if "raised" in answer:
            raise raised(label, answer["raised"], answer.get("text"))
        if answer.get("missing") is True:
            raise Missing(label)
        if "unsendable" in answer:
            raise Malformed(label, text=str(answer["unsendable"]))
        try:
            return wire.decode(answer.get("value"), lambda coded: self._handle(coded, label))
        except (wire.WireError, RecursionError):
            raise Malformed(label) from None

    def argument(self, value: object) -> Any:
        """A value of the test's on its way to the learner's code; her own objects go back as themselves."""
        return wire.encode(value, self._mine)

    def _exchange(self, label: str, question: dict[str, Any]) -> dict[str, Any]:
        self._asked += 1
        if self._line is None or self._asked > MOST_ASKED:
            raise Gone(label)
        data = frame.pack(question)
        try:
            self._line.sendall(data)
            return frame.receive(self._line)
        except (OSError, EOFError):
            self._line = None
            raise Gone(label) from None
        except frame.FrameError:
            self._line = None  # out of step: no later answer could be trusted to be the answer to its question
            raise Malformed(label) from None

    def _mine(self, value: object) -> Any:
        if type(value) is Handle:
            return {"t": "mine", "v": object.__getattribute__(value, "_number")}
        raise TypeError(f"a test cannot hand {type(value).__name__} objects to a learner's code, only plain data")

    def _handle(self, coded: dict[str, Any], label: str) -> Handle:
        number, kind = coded["v"], coded.get("type")
        if coded["t"] != "handle" or type(number) is not int or not isinstance(kind, str):
            raise ValueError("not a handle")
        return Handle(self, number, label, kind[:60])


class StopAsking(Exception):
    """Nothing more to iterate over."""


class Handle:
    """An object of the learner's that is not plain data: it can be called, indexed, iterated over, measured with
    `len`, and its public attributes read. It is never equal to anything, never true, never a number."""

    __slots__ = ("_kind", "_label", "_number", "_peer")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, peer: Peer, number: int, label: str, kind: str) -> None:
        self._peer, self._number, self._label, self._kind = peer, number, label, kind

    def __call__(self, *args: object, **words: object) -> Any:
        peer = self._peer
        coded = {name: peer.argument(value) for name, value in words.items()}
        return peer.ask("call", self._label, on=self._number, args=[peer.argument(a) for a in args], words=coded)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._peer.ask("attribute", f"{self._label}.{name}", on=self._number, name=name)

    def __getitem__(self, key: object) -> Any:
        return self._peer.ask("item", self._label, on=self._number, key=self._peer.argument(key))

    def __len__(self) -> int:
        length = self._peer.ask("length", self._label, on=self._number)
        if type(length) is not int or not 0 <= length < 1 << 31:
            raise Malformed(self._label)
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._peer.ask("iterate", self._label, on=self._number)
        if type(iterator) is not Handle:
            raise Malformed(self._label)
        for _ in range(MOST_ITEMS):
            try:
                yield self._peer.ask("next", self._label, on=iterator._number)
            except StopAsking:
                return
        raise Malformed(self._label, text=f"more than {MOST_ITEMS} items")

    def __repr__(self) -> str:
        return f"<{self._label} of the learner>"

    def _refuse(self, *_: object) -> Any:
        raise NotPlain(self._label, text=self._kind)


_COMPARING = ("eq", "ne", "lt", "le", "gt", "ge", "bool", "float", "int", "index", "complex", "round")
_COMPUTING = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
for _operator in (*_COMPARING, *_COMPUTING, *(f"r{name}" for name in _COMPUTING), "neg", "pos", "abs", "invert"):
    setattr(Handle, f"__{_operator}__", Handle._refuse)
