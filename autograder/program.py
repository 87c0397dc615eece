"""Turns a repaired notebook into steps, and decides what the tests take from the learner's process and what not.

Hers is what her answer cells bind, and what the author's `code` cells bind by using something of hers. Everything
else of the author's (imports, functions, classes, cells that use nothing of hers) is run in the test process too, so
that the tests never meet a copy she could have changed. A `demo` cell is run in neither.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autograder.free import free
from autograder.names import body, bound, bound_by, needed_first
from labkit.courses import Lab, LabText
from labkit.draw import OPEN

_Import = ast.Import | ast.ImportFrom
_Definition = _Import | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


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
    key: str = OPEN  # which hidden items the tests draw (labkit.draw); her process is not told

    @property
    def tests(self) -> tuple[Test, ...]:
        return tuple(step for step in self.steps if isinstance(step, Test))


def plan(lab: Lab, text: LabText, notebook: dict[str, Any]) -> Program:
    """`text` is trusted and says what each cell is; of `notebook` only the answer cells' source is used."""
    answers = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    hers = set[str]()
    for cell in text.of("solution"):
        # What a library defines is not hers, whoever imports it: the tests import it for themselves.
        hers |= _made(cell.reference) | _made(cell.starter)
    steps: list[Run | Test] = []
    for index, cell in enumerate(text.of("code", "solution", "test")):
        if cell.kind == "test":
            steps.append(Test(cell.id, cell.source, cell.points, cell.hidden))
        elif cell.kind == "solution":
            binds = tuple(sorted(bound(cell.reference) | bound(cell.starter)))
            imports = _source(node for node in body(cell.starter) if isinstance(node, _Import))
            steps.append(Run(index, cell.id, answers[cell.id], True, imports, binds))
        else:
            nodes = body(cell.source)
            pure = not ((free(nodes) | needed_first(nodes)) & hers)
            hers |= set() if pure else _made(cell.source)
            trusted = cell.source if pure else _source(n for n in body(cell.source) if isinstance(n, _Definition))
            steps.append(Run(index, cell.id, cell.source, False, trusted, tuple(sorted(bound(cell.source)))))
    every = "\n".join(step.source for step in steps).replace("from labkit.checks import", "")
    settings = {"profile": lab.profile, "numpy": "numpy" in every or "pandas" in every, "labkit": "labkit" in every}
    settings |= {"model": lab.models[0] if lab.models else ""}
    return Program(tuple(steps), tuple(sorted(hers)), settings)


def _made(source: str) -> set[str]:
    """The names a cell binds otherwise than by importing them."""
    made = [node for node in body(source) if not isinstance(node, _Import)]
    return bound_by(made)


def _source(nodes: Iterable[ast.stmt]) -> str:
    return "\n".join(ast.unparse(node) for node in nodes)
