"""Cells as the notebook understands them: magics, `!commands`, `name?`, prompts, and cells indented as a whole.

A cell that is no Python is read once more by IPython's own reader, and what that makes of it is run against `Shell`,
a stand-in in which commands, help and most magics do nothing. Not covered: magics a learner registers, those of
extensions, `_`, `Out` and their like, and `from IPython import get_ipython`, which finds no shell. A command continued
over several lines makes one line, so that errors below it are told with a smaller number.
"""

from __future__ import annotations

import ast
import asyncio
import codeop
import inspect
import sys
import types
import warnings
from collections.abc import Mapping
from typing import Any

# These run their cell and add a measurement or take its output away; any other cell is not Python, or not for here.
_RUN_THEIR_CELL = frozenset(("time", "timeit", "prun", "memit", "capture"))


class Shell:
    """What `get_ipython()` gives in a learner's cell."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.user_ns = names
        # A `from __future__` of hers holds for her later cells, as in a notebook; one of ours never holds in them.
        self._compile = codeop.Compile()
        self._compile.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        names["get_ipython"] = lambda: self

    def carry_out(self, source: str, file: str) -> None:
        self._run(self._code(source, file))

    def run_line_magic(self, name: str, line: str, *_: object) -> Any:
        """`%time` gives the value of what it measures; every other magic does nothing."""
        if name != "time" or not line.strip():
            return None
        caller = sys._getframe(1)
        return self._run(self._measured(line, caller.f_code.co_filename, caller.f_lineno - 1), caller.f_locals)

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        if name not in _RUN_THEIR_CELL:
            return
        caller = sys._getframe(1)
        code = self._code(cell, caller.f_code.co_filename, caller.f_lineno)
        if name != "capture":
            self._run(code)
            return
        from IPython.utils.capture import capture_output

        with capture_output(display=False) as captured:
            self._run(code)
        for word in line.split():
            if not word.startswith("-"):
                self.user_ns[word] = captured

    def magic(self, line: str) -> None:
        """As old notebooks call magics."""

    def system(self, command: str) -> None:
        """A `!command`: there is nobody's shell here."""

    def getoutput(self, command: str, *_: object) -> list[str]:
        return []

    def _code(self, source: str, file: str, above: int = 0) -> types.CodeType:
        """`above` lines of the file stand before it, so that its errors name the file's lines."""
        try:
            return self._compile("\n" * above + source, file, "exec")
        except SyntaxError:
            read = _read(source)
            if read is None:
                raise
        return self._compile("\n" * above + read, file, "exec")

    def _measured(self, line: str, file: str, above: int) -> types.CodeType:
        try:
            return self._compile("\n" * above + line.strip(), file, "eval")
        except SyntaxError:
            return self._code(line.strip(), file, above)

    def _run(self, code: types.CodeType, local: Mapping[str, object] | None = None) -> Any:
        value = eval(code, self.user_ns, local)  # noqa: S307 - running her code is the purpose
        return asyncio.run(value) if code.co_flags & inspect.CO_COROUTINE else value  # it awaits, as notebooks allow


def _read(source: str) -> str | None:
    """The cell as IPython reads it; None where it cannot."""
    from IPython.core.inputtransformer2 import TransformerManager

    text = source.lstrip()
    blank = source[: len(source) - len(text)].count("\n")  # IPython drops blank lines at the top
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "\n" * blank + str(TransformerManager().transform_cell(source))
    except Exception:  # more magics than it has patience for, or brackets it trips over: then Python's word counts
        return None
