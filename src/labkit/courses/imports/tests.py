"""One test cell of nbgrader's as one or two of labkit's, whose points add up to what it had.

nbgrader gives a cell's points when all of it holds, its hidden regions included. Here hidden tests are cells of their
own: the points are shared by the number of assertions on either side. A cell stays one hidden test where either side
asserts nothing, or where a region stands inside a block and cannot be taken out of it.
"""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass

from labkit.courses.imports import python
from labkit.courses.imports.configuration import Settings
from labkit.courses.imports.regions import regions
from labkit.courses.sums import is_check

_ENDED = "assert True  # nothing above failed"
_COMPUTED = ast.Name | ast.BinOp | ast.UnaryOp | ast.IfExp
_NUMBERS = ("round", "min", "max", "sum", "float", "int")


@dataclass(frozen=True)
class Part:
    source: str
    points: float
    hidden: bool


@dataclass(frozen=True)
class Split:
    """`why` says why it cannot be graded, and is empty where it can; then `parts` are in their order."""

    parts: tuple[Part, ...] = ()
    told: tuple[str, ...] = ()
    why: str = ""


def split(source: str, points: float, settings: Settings) -> Split:
    source, commands = python.without_commands(source)
    told = [f"`{line}` is a command of the notebook's: it stands as a comment now" for line in commands]
    found = regions(source, settings.begin_hidden, settings.end_hidden)
    if found.wrong:
        told.append(f"its marks do not match ({found.wrong}): the rest of the cell was taken for hidden tests")
    tree = python.tree(found.whole)
    if tree is None:
        return Split(told=tuple(told), why="it is not Python")
    if any(is_check(node) for node in ast.walk(tree)):
        return Split(
            told=tuple(told), why="it calls a function `check`, which is labkit's own here: give yours another name"
        )
    sides = _sides(found.text(inside=False), textwrap.dedent(found.text(inside=True)), points) if found.any else None
    if found.any and any(piece.inside and piece.indent for piece in found.pieces):
        sides = None
    if sides is None:
        if found.any and found.text(inside=False).strip():
            told.append("visible and hidden tests cannot be told apart in it: all of it is hidden now")
        parts = [Part(found.whole, points, found.any)]
    else:
        parts = sides
        shares = f"{parts[0].points:g} for what learners see, {parts[1].points:g} for what they do not"
        told.append(
            f"visible and hidden tests are cells of their own now, {shares}; nbgrader gave {points:g} or nothing"
        )
    return _finished(parts, told, settings)


def _sides(shown: str, hidden: str, points: float) -> list[Part] | None:
    trees = python.tree(shown), python.tree(hidden)
    if trees[0] is None or trees[1] is None:
        return None
    counts = [python.asserts(one) + sum(isinstance(node, ast.Raise) for node in ast.walk(one)) for one in trees if one]
    share = round(points * counts[0] / max(sum(counts), 1), 3 if points < 1 else 2)
    rest = round(points - share, 3)
    return [Part(shown, share, False), Part(hidden, rest, True)] if 0 not in counts and share > 0 and rest > 0 else None


def _finished(parts: list[Part], told: list[str], settings: Settings) -> Split:
    done = []
    for part in parts:
        source = _with_credit(part, told)
        tree = python.tree(source)
        if tree is None or not python.does_something(tree):
            asked = f" ({settings.autotest} lines are not tests yet)" if settings.autotest in source else ""
            return Split(told=tuple(told), why=f"it cannot fail, so its points would be free{asked}")
        if settings.autotest in source:
            told.append(f"its {settings.autotest} lines are comments here: write asserts instead")
        if not python.can_fail(tree) and not any(is_check(node) for node in ast.walk(tree)):
            source = f"{source.rstrip()}\n{_ENDED}"
            told.append(f"it asserts nothing by `assert`: `{_ENDED}` was added, which labkit asks for")
        done.append(Part(source, part.points, part.hidden))
    return Split(tuple(done), tuple(told))


def _with_credit(part: Part, told: list[str]) -> str:
    """nbgrader takes a number in the last line for the points reached; here a check says so."""
    tree = python.tree(part.source)
    last = tree.body[-1] if tree and tree.body else None
    if tree is None or not isinstance(last, ast.Expr) or not _is_number(last.value):
        return part.source
    if len(tree.body) > 1 and (tree.body[-2].end_lineno or 0) >= last.lineno:
        return part.source  # `a; b` in one line
    told.append("its last line says how many points it gives: a check does that now")
    kept = part.source.split("\n")[: last.lineno - 1]
    computed = ast.get_source_segment(part.source, last.value)
    credit = f"partial_credit = min({part.points:g}, max(0.0, float({computed})))"
    check = 'check("gives as many points as this cell computes", partial_credit > 0, points=partial_credit)'
    return "\n".join([*kept, credit, check])


def _is_number(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in _NUMBERS
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    return isinstance(value, _COMPUTED)
