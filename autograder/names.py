"""The names a cell binds and uses, read from its text without running it."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable, Iterator

from labkit.courses.syntax import parse

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign


def statements(source: str) -> list[ast.stmt] | None:
    """None where it is not Python."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return parse(source).body
    return None


def body(source: str) -> list[ast.stmt]:
    """The statements of a cell; none where it is not Python."""
    return statements(source) or []


def bound(source: str) -> set[str]:
    """The names a cell binds at its top level (and in its ifs, loops and withs)."""
    return bound_by(body(source))


def used_by(nodes: Iterable[ast.AST]) -> set[str]:
    every = (node for one in nodes for node in ast.walk(one))
    return {node.id for node in every if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def bound_by(nodes: Iterable[ast.AST]) -> set[str]:
    names = set[str]()
    for node in _reached(nodes, (ast.ClassDef, *_SCOPES, *_COMPREHENSIONS)):
        if isinstance(node, ast.ClassDef | _Function):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias) and node.name != "*":
            names.add((node.asname or node.name).split(".")[0])
    return names


def needed_first(nodes: Iterable[ast.stmt]) -> set[str]:
    """The names they use while they run, before they bind them. What a function uses when it is called is not seen."""
    needed, have = set[str](), set[str]()
    for node in nodes:
        reached = list(_reached([node], _SCOPES))
        loads = {one.id for one in reached if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
        if isinstance(node, _Assignment):
            loads -= _stored(inner for one in _comprehensions(node) for inner in ast.walk(one))
            loads |= _stored([node.target]) if isinstance(node, ast.AugAssign) else set()
        else:
            loads -= _stored(reached)
        needed |= loads - have
        have |= bound_by([node])
    return needed


def left_to_do(nodes: list[ast.stmt]) -> set[str]:
    """The names whose definition still is nothing but `raise NotImplementedError`, as a starter's is; all of them
    where the cell itself raises it. A class is left to do where each of its methods is."""
    if any(map(_raises, nodes)):
        return bound_by(nodes)
    return {node.name for node in nodes if isinstance(node, ast.ClassDef | _Function) and _is_left(node)}


def _is_left(node: ast.ClassDef | _Function) -> bool:
    if isinstance(node, ast.ClassDef):
        methods = [one for one in node.body if isinstance(one, _Function)]
        return bool(methods) and all(map(_is_left, methods))
    return any(map(_raises, node.body))


def _raises(node: ast.stmt) -> bool:
    error = node.exc if isinstance(node, ast.Raise) else None
    error = error.func if isinstance(error, ast.Call) else error
    return isinstance(error, ast.Name) and error.id == "NotImplementedError"


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _comprehensions(node: ast.stmt) -> Iterator[ast.AST]:
    """The outermost ones: walking those inside them too would take the square of their depth."""
    reached = _reached([node], (*_SCOPES, *_COMPREHENSIONS))
    return (one for one in reached if isinstance(one, _COMPREHENSIONS))


def _reached(nodes: Iterable[ast.AST], but_not_into: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, but_not_into):
            pending += ast.iter_child_nodes(node)
