"""Where in a text the statements stand that may be taken from it by themselves: imports, definitions, assignments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

from autograder.names import bound_by

Span = tuple[int, int]  # in bytes, as Python counts columns
_LINE = re.compile(rb"\r\n|\r|\n")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Taken = ast.Import | ast.ImportFrom | _Definition | ast.Assign | ast.AnnAssign | ast.AugAssign


def spans(nodes: Iterable[ast.stmt], text: str) -> Mapping[str, tuple[Span, ...]]:
    """By the name that is bound. Not covered: what is bound within an if, a loop, a with or a try, by `del`, by a
    star import, or changed without being bound, as `table["x"] = 1` does."""
    data = text.encode()
    starts = [0, *(line.end() for line in _LINE.finditer(data))]
    found: dict[str, list[Span]] = {}
    for node in nodes:
        if isinstance(node, _Taken) and not _binds_nothing(node) and (names := bound_by([node])):
            span = _span(node, starts, data)
            for name in names:
                found.setdefault(name, []).append(span)
    return {name: tuple(each) for name, each in found.items()}


def cut(text: str, span: Span) -> str:
    return text.encode()[slice(*span)].decode()


def head(nodes: Iterable[ast.stmt]) -> int:
    """The line up to which a text has to stay first in its cell: that of its last `from __future__`."""
    return max((node.end_lineno or 0 for node in nodes if _is_future(node)), default=0)


def _span(node: _Taken, starts: list[int], data: bytes) -> Span:
    first: ast.stmt | ast.expr = node
    if isinstance(node, _Definition) and node.decorator_list:
        first = node.decorator_list[0]
    start = starts[first.lineno - 1] + first.col_offset
    start = start if first is node else data.rfind(b"@", 0, start)
    return start, starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def _binds_nothing(node: _Taken) -> bool:
    return _is_future(node) or (isinstance(node, ast.AnnAssign) and node.value is None)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
