"""The learner's process: runs her cells in order, and between them answers what the tests ask.

Nothing here is trusted by anybody: whatever this process sends is read as data by the test process, or as a word for
a note by the grader. It never holds a test's text.
"""

from __future__ import annotations

import linecache
import select
import socket
import sys
import types
from typing import Any

from autograder import frame
from autograder.asked import Asked, said
from autograder.blame import kind_of, limit_of
from autograder.shell import Shell
from autograder.steady import settle
from autograder.transport import install


def serve(control: socket.socket, peer: socket.socket) -> None:
    """Called in a fresh process (later: after a fork); returns when the grader hangs up."""
    program = frame.receive(control)
    settle(program)
    install(control, program)
    notebook = _Notebook()
    asked = Asked(notebook.names, peer, wreck=str(program.get("wreck", "")))
    frame.send(control, {"ready": True})
    lines = {control, peer}
    while control in lines:
        for line in select.select(list(lines), [], [])[0]:
            try:
                message = frame.receive(line)
            except (EOFError, OSError):
                lines.discard(line)
                continue
            if line is control:
                frame.send(control, notebook.run(message))
            else:
                asked.reply(asked.answer(message))


class _Notebook:
    """A kernel without IPython: one namespace, cells run in it one after another."""

    def __init__(self) -> None:
        self._main = types.ModuleType("__main__")
        self._main.__dict__["display"] = print
        self._shell = Shell(self._main.__dict__)
        sys.modules["__main__"] = self._main

    @property
    def names(self) -> dict[str, Any]:
        return self._main.__dict__

    def run(self, message: dict[str, Any]) -> dict[str, Any]:
        source, name = str(message["source"]), f"<{message['name']}>"
        try:
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
            self._shell.carry_out(source, name)
        except BaseException as error:  # sys.exit() and its like end a cell, not the run
            return {"ran": message["index"], "error": _told(error, name)}
        return {"ran": message["index"], "error": None}


def _told(error: BaseException, name: str) -> dict[str, Any]:
    line, trace = (error.lineno, None) if isinstance(error, SyntaxError) else (None, error.__traceback__)
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == name else line
        trace = trace.tb_next
    return {"kind": kind_of(error), "text": said(error), "line": line, "limit": limit_of(error)}
