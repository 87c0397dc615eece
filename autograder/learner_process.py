"""The learner's process: runs her cells in order, and between them answers what the tests ask.

Nothing here is trusted by anybody: whatever this process sends is read as data by the test process, or as a word for
a note by the grader. It never holds a test's text.
"""

from __future__ import annotations

import ast
import linecache
import re
import select
import socket
import sys
import types
from typing import Any

from autograder import frame, wire
from autograder.blame import kind_of
from autograder.steady import settle
from autograder.transport import install

_MAGIC = re.compile(r"(?m)^(\s*)[%!].*$")


def serve(control: socket.socket, peer: socket.socket) -> None:
    """Called in a fresh process (later: after a fork); returns when the grader hangs up."""
    program = frame.receive(control)
    settle(program)
    install(control, program)
    notebook = _Notebook()
    asked = _Asked(notebook.names)
    frame.send(control, {"ready": True})
    lines = {control, peer}
    while control in lines:
        for line in select.select(list(lines), [], [])[0]:
            try:
                message = frame.receive(line)
            except (EOFError, OSError):
                lines.discard(line)
                continue
            answer = notebook.run(message) if line is control else asked.answer(message)
            _reply(line, answer)


def _reply(line: socket.socket, answer: dict[str, Any]) -> None:
    try:
        data = frame.pack(answer)
    except (frame.FrameError, RecursionError, MemoryError):
        data = frame.pack({"unsendable": "too large"})
    line.sendall(data)


class _Notebook:
    """A kernel without IPython: one namespace, cells run in it one after another."""

    def __init__(self) -> None:
        self._main = types.ModuleType("__main__")
        self._main.__dict__["display"] = print
        sys.modules["__main__"] = self._main

    @property
    def names(self) -> dict[str, Any]:
        return self._main.__dict__

    def run(self, message: dict[str, Any]) -> dict[str, Any]:
        source, name = str(message["source"]), f"<{message['name']}>"
        try:
            tree = _parsed(source, name)
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
            exec(compile(tree, name, "exec"), self._main.__dict__)  # noqa: S102 - running her code is the purpose
        except BaseException as error:  # sys.exit() and its like end a cell, not the run
            return {"ran": message["index"], "error": _told(error, name)}
        return {"ran": message["index"], "error": None}


def _parsed(source: str, name: str) -> ast.Module:
    try:
        return ast.parse(source, name)
    except SyntaxError:
        # A notebook may hold magics; they have no meaning here.
        return ast.parse(_MAGIC.sub(r"\1pass", source), name)


def _told(error: BaseException, name: str) -> dict[str, Any]:
    line, trace = (error.lineno, None) if isinstance(error, SyntaxError) else (None, error.__traceback__)
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == name else line
        trace = trace.tb_next
    return {"kind": kind_of(error), "text": _text(error), "line": line}


def _text(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except BaseException:  # her own __str__ may do anything
        return ""


class _Asked:
    """Answers the test process: names, calls, attributes, items of objects it was given a handle of."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._kept: list[Any] = []

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._answer(question)
        except wire.WireError as error:
            return {"unsendable": str(error)}
        except BaseException as error:
            return {"raised": kind_of(error), "text": _text(error)}

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        op = question["op"]
        if op == "name":
            if question["name"] not in self._names:
                return {"missing": True}
            return self._value(self._names[question["name"]])
        on = self._kept[question["on"]]
        if op == "call":
            words = {name: self._given(value) for name, value in question["words"].items()}
            return self._value(on(*[self._given(value) for value in question["args"]], **words))
        if op == "attribute":
            return self._value(getattr(on, question["name"]))
        if op == "item":
            return self._value(on[self._given(question["key"])])
        if op == "length":
            return self._value(len(on))
        if op == "iterate":
            return {"value": self._keep(iter(on))}
        try:
            return self._value(next(on))
        except StopIteration:
            return {"stop": True}

    def _value(self, value: object) -> dict[str, Any]:
        return {"value": wire.encode(value, self._keep)}

    def _keep(self, value: object) -> dict[str, Any]:
        if isinstance(value, types.ModuleType):
            raise wire.WireError("a module: a test imports what it needs itself")
        self._kept.append(value)
        return {"t": "handle", "v": len(self._kept) - 1, "type": type(value).__name__}

    def _given(self, coded: Any) -> Any:
        return wire.decode(coded, lambda tagged: self._kept[tagged["v"]])
