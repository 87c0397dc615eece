"""The learner's process answers the test process: names, calls, attributes, items of objects it was asked for.

Nothing here is trusted by anybody. While one of her functions runs, its calls of what the test handed over go back
over the same line; what the test asks meanwhile is answered in between.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import operator
import socket
import threading
import types
from collections.abc import Callable, Mapping
from typing import Any

from autograder import frame, wire, writeback
from autograder.arrived import Arrived, Classes
from autograder.blame import NAMED, kind_of, limit_of
from autograder.offer import resolve
from autograder.stand import Stand, stand
from autograder.wreck import wreck

DEEPEST_RECORDS = 30


class Asked:
    """Answers what comes over `line`; `names` are the learner's. With `wreck` every argument is destroyed before a call
    (see wreck.py): what an author's tests make of that is asked by `labkit courses check`."""

    def __init__(self, names: Mapping[str, Any], line: socket.socket, *, wreck: str = "") -> None:
        self._names, self._line, self._wreck = names, line, wreck
        self._kept: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._telling: list[int] = []
        self._stands: dict[int, Stand] = {}
        self._classes = Classes(names)
        self._talking = threading.RLock()  # her threads may call what was handed over at the same time

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._answer(question)
        except wire.WireError as error:
            return {"unsendable": str(error)}
        except BaseException as error:
            return {"raised": kind_of(error), "text": said(error), "limit": limit_of(error)}

    def reply(self, answer: dict[str, Any]) -> None:
        try:
            data = frame.pack(answer)
        except (frame.FrameError, RecursionError, MemoryError, ValueError):
            data = frame.pack({"unsendable": "too large"})
        self._line.sendall(data)

    def call_back(self, offer: int, method: str, args: tuple[Any, ...], words: dict[str, Any]) -> Any:
        """Calls something of the test's, and answers what it asks before it is done."""
        with self._talking:
            coded = {name: self._encode(value) for name, value in words.items()}
            frame.send(
                self._line,
                {"offer": offer, "method": method, "args": [self._encode(one) for one in args], "words": coded},
            )
            while True:
                message = frame.receive(self._line)
                if "op" not in message:
                    break
                self.reply(self.answer(message))
        if "raised" in message:
            raise NAMED.get(message["raised"], Exception)(message["text"])
        return self._given(message["result"])

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        op = question["op"]
        if op == "name":
            if question["name"] not in self._names:
                return {"missing": True}
            return {"value": self._encode(self._names[question["name"]])}
        on = self._kept[question["on"]]
        if op == "call":
            return self._call(on, question)
        if op == "next":
            try:
                return {"value": self._encode(next(on))}
            except StopIteration:
                return {"stop": True}
        if op == "iterate":
            return {"value": self._keep(iter(on))}
        return {"value": self._encode(self._simple(op, on, question))}

    def _simple(self, op: str, on: Any, question: dict[str, Any]) -> Any:
        given = {name: self._given(question[name]) for name in ("key", "to", "item") if name in question}
        simple: dict[str, Callable[[], Any]] = {
            "attribute": lambda: getattr(on, question["name"]),
            "set": lambda: setattr(on, question["name"], given["to"]),
            "item": lambda: on[given["key"]],
            "set-item": lambda: operator.setitem(on, given["key"], given["to"]),
            "contains": lambda: given["item"] in on,
            "length": lambda: len(on),
            "isinstance": lambda: isinstance(given["item"], on),
            "issubclass": lambda: issubclass(given["item"], on),
            "fields": lambda: _fields(on),
            "operator": lambda: _operate(question["name"], on, [self._given(one) for one in question["args"]]),
        }
        return simple[op]()

    def _call(self, on: Any, question: dict[str, Any]) -> dict[str, Any]:
        arrived = Arrived(self._classes)
        args = [self._given(value, arrived) for value in question["args"]]
        words = {name: self._given(value, arrived) for name, value in question["words"].items()}
        coded = writeback.by_place(question["args"], question["words"])
        values = writeback.by_place(args, words)
        try:
            for value in values if self._wreck else ():
                wreck(self._wreck, value)
            value = on(*args, **words)
            if inspect.iscoroutine(value):
                value = asyncio.run(value)
            answer = {"value": self._encode(value)}
        except wire.WireError as error:
            answer = {"unsendable": str(error)}
        except BaseException as error:  # what it changed before it raised has changed all the same
            answer = {"raised": kind_of(error), "text": said(error), "limit": limit_of(error)}
        changed = writeback.changes(coded, values, lambda one: self._encode(one, arrived))
        return {**answer, "changed": changed} if changed else answer

    def _encode(self, value: object, arrived: Arrived | None = None) -> Any:
        """With `arrived`, what came with a call is coded as it came, so that what did not change looks the same."""
        return wire.encode(value, lambda inner: self._object(inner, arrived))

    def _object(self, value: object, arrived: Arrived | None) -> dict[str, Any]:
        came = None if arrived is None else arrived.tag(value, lambda part: self._encode(part, arrived))
        return self._keep(value, arrived) if came is None else came

    def _keep(self, value: object, arrived: Arrived | None = None) -> dict[str, Any]:
        if isinstance(value, types.ModuleType):
            raise wire.WireError("a module: a test imports what it needs itself")
        number = self._numbers.setdefault(id(value), len(self._kept))
        if number == len(self._kept):
            self._kept.append(value)
        if _is_record(value) and number not in self._telling and len(self._telling) < DEEPEST_RECORDS:
            self._telling.append(number)
            try:
                fields = [[name, self._encode(part, arrived)] for name, part in _fields(value)[1].items()]
            finally:
                self._telling.pop()
            return {"t": "record", "v": number, "type": type(value).__name__, "fields": fields}
        what = "class" if isinstance(value, type) else ("callable" if callable(value) else "")
        return {"t": "handle", "v": number, "type": type(value).__name__, "is": what}

    def _given(self, coded: Any, arrived: Arrived | None = None) -> Any:
        came = arrived or Arrived(self._classes)
        return wire.decode(coded, lambda tagged: self._arrived(tagged, came))

    def _arrived(self, tagged: dict[str, Any], arrived: Arrived) -> Any:
        if tagged["t"] == "record":
            return arrived.record(tagged, lambda part: self._given(part, arrived))
        if tagged["t"] == "mine":
            return arrived.keep(self._kept[tagged["v"]], tagged)
        if tagged["t"] == "library":
            module, name = tagged["v"]
            __import__(module)
            return arrived.keep(resolve(module, name), tagged)
        if tagged["v"] not in self._stands:
            self._stands[tagged["v"]] = stand(self, tagged)
        return arrived.keep(self._stands[tagged["v"]], tagged)


def said(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except BaseException:  # her own __str__ may do anything
        return ""


def _is_record(value: object) -> bool:
    if isinstance(value, type):
        return False
    named = isinstance(value, tuple) and hasattr(value, "_fields")
    return named or dataclasses.is_dataclass(value) or type(value) is types.SimpleNamespace


def _fields(value: Any) -> tuple[str, dict[str, Any]]:
    """The type's name ("" for a named tuple, which equals a plain one) and the fields."""
    if isinstance(value, tuple):
        return "", dict(zip(value._fields, value, strict=True))  # type: ignore[attr-defined]
    if dataclasses.is_dataclass(value):
        return type(value).__name__, {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return type(value).__name__, dict(vars(value))


def _operate(name: str, on: Any, others: list[Any]) -> Any:
    """An operator as Python itself would do it: the other side's method where ours declines."""
    plain = name.strip("_")
    if plain in ("neg", "pos", "abs", "invert"):
        return getattr(operator, f"__{plain}__")(on)
    if plain.startswith("r") and plain[1:] in _BINARY:
        return _BINARY[plain[1:]](others[0], on)
    return _BINARY[plain](on, others[0])


_BINARY = {
    name: getattr(operator, f"__{name}__")
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
}
