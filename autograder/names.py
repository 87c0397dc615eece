"""The names a cell binds and uses, read from its text without running it."""

from __future__ import annotations

import ast
import contextlib

from labkit.courses.syntax import parse


def body(source: str) -> list[ast.stmt]:
    """The statements of a cell; none where it is not Python."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return parse(source).body
    return []


def used(source: str) -> set[str]:
    nodes = ast.walk(ast.Module(body(source), []))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def bound(source: str) -> set[str]:
    """The names a cell binds at its top level (and in its ifs, loops and withs)."""
    names = set[str]()
    pending: list[ast.AST] = list(body(source))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if isinstance(node, ast.alias) and node.name != "*":
            names.add((node.asname or node.name).split(".")[0])
        pending += ast.iter_child_nodes(node)
    return names
