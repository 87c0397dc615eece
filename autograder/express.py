"""Refuses, before anybody is graded, tests that ask of a learner's process what cannot cross to it or back.

Seen: names nobody defines; `is`, `type(...)`, `except`, `with`, `del` and `await` on what is hers. What is only found
by running (an object that cannot be handed over) stops `labkit courses check` with the line it stands on.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from autograder.program import Run, plan
from labkit.courses import Lab, LabText, load_text, notebook
from labkit.courses.syntax import parse
from labkit.courses.text import Cell
from labkit.errors import AuthorError

_OF_TESTS = {"check", "__name__"}
_CONSTANTS = (None, True, False, Ellipsis)


def refuse_inexpressible(lab: Lab) -> None:
    """Raises AuthorError with the file and line of the first thing a test cannot ask for."""
    for language in lab.languages:
        text = load_text(lab, language)
        for cell, node, found, instead in _found(lab, text):
            line = cell.line + getattr(node, "lineno", 0)
            raise AuthorError(str(lab.text_file(text.language)), line, f"test {cell.id!r} {found}", instead=instead)


def inexpressible(lab: Lab) -> dict[str, str]:
    """Every test of the English text that asks for what cannot be, with the first thing it asks for."""
    refused: dict[str, str] = {}
    for cell, _, found, instead in _found(lab, load_text(lab)):
        refused.setdefault(cell.id, f"it {found}. {instead}")
    return refused


def _found(lab: Lab, text: LabText) -> Iterator[tuple[Cell, ast.AST, str, str]]:
    program = plan(lab, text, notebook(lab, text, "grader"))
    hers = set(program.allowed)
    known = set(vars(builtins)) | _OF_TESTS | hers
    cells = {cell.id: cell for cell in text.of("test")}
    for step in program.steps:
        if isinstance(step, Run):
            known |= _bound(parse(step.trusted)) - hers
            continue
        tree = parse(step.source)
        known |= _bound(tree)
        for node in ast.walk(tree):
            yield from ((cells[step.name], node, *told) for told in _problems(node, known, hers))


def _problems(node: ast.AST, known: set[str], hers: set[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
        yield (
            f"uses {node.id!r}, which no cell before it binds",
            "Bind it in a solution cell, in a code cell of yours, or in the test.",
        )
    if isinstance(node, ast.Compare):
        yield from _compared(node, hers)
    if isinstance(node, ast.ExceptHandler) and node.type is not None and _names(node.type) & hers:
        yield "catches an exception class of hers", "Catch a builtin one that hers derives from."
    if isinstance(node, ast.With | ast.AsyncWith) and any(_root(item.context_expr) in hers for item in node.items):
        yield "enters an object of hers with `with`", "Call the methods that do the work."
    if isinstance(node, ast.Await):
        yield "awaits", "Call it: a coroutine of hers is run to its end."
    if isinstance(node, ast.Delete) and any(_root(target) in hers for target in node.targets):
        if any(isinstance(target, ast.Name) and target.id in hers for target in node.targets):
            yield "deletes a name of hers", "Ask for what must hold while it is there."
        else:
            yield "deletes part of an object of hers", "Call a method of hers that does it."


def _compared(node: ast.Compare, hers: set[str]) -> Iterator[tuple[str, str]]:
    sides = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
        both = (left, right)
        if any(isinstance(side, ast.Constant) and side.value in _CONSTANTS for side in both):
            continue
        typed = [side for side in both if isinstance(side, ast.Call) and _root(side.func) == "type"]
        if typed and any(isinstance(side, ast.Name) and side.id in hers for side in both):
            yield "compares type(...) with a class of hers", "Write isinstance(value, TheClass)."
        if isinstance(operator, ast.Is | ast.IsNot) and any(_root(side) in hers for side in both):
            yield "compares something of hers with `is`: values arrive as copies", "Compare with ==."


def _root(node: ast.expr) -> str:
    """The name an expression starts from: f(x).y[0] starts from f."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _bound(tree: ast.Module) -> set[str]:
    """Every name bound anywhere in it, inner scopes included: what is refused must be wrong for certain."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
    return found
