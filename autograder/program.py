"""Turns a repaired notebook into steps, and decides what the tests take from the learner's process and what not.

Hers is what her answer cells bind, and what the author's `code` cells bind by using something of hers. Everything
else of the author's (imports, functions, cells that use nothing of hers) is run in the test process too, so that the
tests never meet a copy she could have changed. A `demo` cell is run in neither.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labkit.courses import Lab, LabText

_Definition = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Run:
    """A cell for the learner's process. `trusted` is the part of it the test process runs for itself."""

    index: int
    name: str
    source: str
    hers: bool  # an answer cell, as against the author's own
    trusted: str
    binds: tuple[str, ...]


@dataclass(frozen=True)
class Test:
    name: str
    source: str
    points: float
    hidden: bool


@dataclass(frozen=True)
class Program:
    steps: tuple[Run | Test, ...]
    allowed: tuple[str, ...]  # the names tests may fetch from the learner's process
    settings: dict[str, Any]  # what both processes are told at their start

    @property
    def tests(self) -> tuple[Test, ...]:
        return tuple(step for step in self.steps if isinstance(step, Test))


def plan(lab: Lab, text: LabText, notebook: dict[str, Any]) -> Program:
    """`text` is trusted and says what each cell is; of `notebook` only the answer cells' source is used."""
    answers = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    hers = set[str]()
    for cell in text.of("solution"):
        hers |= _bound(cell.reference) | _bound(cell.starter)
    steps: list[Run | Test] = []
    for index, cell in enumerate(text.of("code", "solution", "test")):
        if cell.kind == "test":
            steps.append(Test(cell.id, cell.source, cell.points, cell.hidden))
        elif cell.kind == "solution":
            binds = tuple(sorted(_bound(cell.reference) | _bound(cell.starter)))
            imports = _source(node for node in _body(cell.starter) if isinstance(node, ast.Import | ast.ImportFrom))
            steps.append(Run(index, cell.id, answers[cell.id], True, imports, binds))
        else:
            pure = not (_used(cell.source) & hers)
            hers |= set() if pure else _bound(cell.source)
            trusted = cell.source if pure else _source(n for n in _body(cell.source) if isinstance(n, _Definition))
            steps.append(Run(index, cell.id, cell.source, False, trusted, tuple(sorted(_bound(cell.source)))))
    every = "\n".join(step.source for step in steps).replace("from labkit.checks import", "")
    settings = {"profile": lab.profile, "numpy": "numpy" in every or "pandas" in every, "labkit": "labkit" in every}
    return Program(tuple(steps), tuple(sorted(hers)), settings)


def _body(source: str) -> list[ast.stmt]:
    with contextlib.suppress(SyntaxError, ValueError):
        return ast.parse(source).body
    return []


def _source(nodes: Iterable[ast.stmt]) -> str:
    return "\n".join(ast.unparse(node) for node in nodes)


def _used(source: str) -> set[str]:
    nodes = ast.walk(ast.Module(_body(source), []))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _bound(source: str) -> set[str]:
    """The names a cell binds at its top level (and in its ifs, loops and withs)."""
    names = set[str]()
    pending: list[ast.AST] = list(_body(source))
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
