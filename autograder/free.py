"""The names a text uses and does not bind: what has to come from elsewhere, also for its functions once called.

Scopes are told apart as Python does. Not covered: a name bound by `:=` within a comprehension and used outside of it,
which is taken for free; and names made up while the text runs (`globals()["x"]`).
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_BUILT_IN = frozenset(dir(builtins))
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class _Scope:
    pending: list[ast.AST]
    bound: set[str] = field(default_factory=set)
    is_class: bool = False  # what it binds is not seen by the functions in it
    used: set[str] = field(default_factory=set)
    inner: list[_Scope] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)  # declared global or nonlocal


def free(nodes: Iterable[ast.stmt]) -> set[str]:
    """Each node is met once, and each name counted once into its scope and once out of it."""
    found, around = set[str](), Counter[str]()
    pending: list[_Scope | set[str]] = [_Scope(list(nodes))]
    while pending:
        one = pending.pop()
        if isinstance(one, set):  # a scope is left
            around.subtract(one)
            continue
        _read(one)
        if one.is_class:
            one.used -= one.bound
        else:
            around.update(one.bound)
            pending.append(one.bound)
        found |= {name for name in one.used if not around[name]}
        pending += one.inner
    return found - _BUILT_IN


def _read(scope: _Scope) -> None:
    while scope.pending:
        node = scope.pending.pop()
        if isinstance(node, ast.Name):
            (scope.used if isinstance(node.ctx, ast.Load) else scope.bound).add(node.id)
        elif isinstance(node, ast.Global):
            scope.used.update(node.names)
            scope.elsewhere.update(node.names)
        elif isinstance(node, ast.Nonlocal):
            scope.elsewhere.update(node.names)
        elif isinstance(node, _Function | ast.ClassDef | _Comprehension):
            _enter(node, scope)
        else:
            scope.bound |= _named(node)
            scope.pending += ast.iter_child_nodes(node)
    scope.bound -= scope.elsewhere


def _enter(node: _Function | ast.ClassDef | _Comprehension, scope: _Scope) -> None:
    """What of it is run outside goes to `scope`, the rest into a scope of its own."""
    if isinstance(node, _Comprehension):
        first, *others = node.generators
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        scope.pending.append(first.iter)
        scope.inner.append(_Scope([*values, first.target, *first.ifs, *others]))
        return
    within = node.body if isinstance(node.body, list) else [node.body]
    inner = _Scope(list(within), is_class=isinstance(node, ast.ClassDef))
    if not isinstance(node, ast.Lambda):
        scope.bound.add(node.name)
        inner.bound |= {one.name for one in getattr(node, "type_params", ())}
    if not isinstance(node, ast.ClassDef):
        inner.bound |= _parameters(node.args)
    outside = (part for name, part in ast.iter_fields(node) if name not in {"body", "type_params"})
    for part in outside:
        scope.pending += [one for one in (part if isinstance(part, list) else [part]) if isinstance(one, ast.AST)]
    scope.inner.append(inner)


def _parameters(given: ast.arguments) -> set[str]:
    each = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    return {one.arg for one in each if one}


def _named(node: ast.AST) -> set[str]:
    """The name a node binds by a word of its own."""
    if isinstance(node, ast.alias):
        return {(node.asname or node.name).split(".")[0]} - {"*"}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return {node.name} if node.name else set()
    return {node.rest} if isinstance(node, ast.MatchMapping) and node.rest else set()
