"""Whether an answer is the lab's own: whoever hands it in has seen it, and learners' notebooks do not have it.

Compared is what is left of the code once comments, docstrings and layout are gone and every local name is called by
when it first appears; texts, word by word. What this does not cover: an answer retold in other statements or other
words. And where the answer is short, everybody who is right writes the same: below `_LONG_ENOUGH` characters in all,
nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from labkit.courses.syntax import parse
from labkit.courses.text import LabText

# Shorter solutions have one natural way to be written.
_LONG_ENOUGH = 200


def is_copied(text: LabText, notebook: Mapping[str, Any]) -> bool:
    """Whether every solution in a rebuilt notebook is the author's own, and they are long enough for that to tell."""
    answers = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"] if "id" in cell}
    solutions = text.of("solution")
    own = [bare(cell.reference) for cell in solutions]
    if not own or sum(map(len, own)) < _LONG_ENOUGH:
        return False
    return own == [bare(answers.get(cell.id, "")) for cell in solutions]


def bare(source: str) -> str:
    """The code without what does not matter to it; text that cannot be read as code is compared word by word."""
    try:
        return ast.unparse(_Bare().visit(parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return " ".join(source.split())


class _Bare(ast.NodeTransformer):
    """Names in the order of their first appearance inside functions; what a cell binds outside keeps its name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:] or [ast.Pass()]
        node.returns, before = None, self._names
        self._names = {**before, **{name: f"v{place}" for place, name in enumerate(_bound(node))}}
        self.generic_visit(node)
        self._names = before
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._names.get(node.arg, node.arg), None)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(" ".join(node.value.split())) if isinstance(node.value, str) else node


def _bound(node: ast.FunctionDef) -> list[str]:
    names = [one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)]
    names += [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    return list(dict.fromkeys(names))
