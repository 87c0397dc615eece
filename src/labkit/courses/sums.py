"""What can be seen of a test without running it: its checks, and whether their points add up.

Seen: `check(...)` written as a statement of its own at the left margin, with points written as a number. A test whose
checks stand in a loop, a function or a condition is not summed: `labkit courses check` finds out by grading.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from labkit.courses.syntax import parse
from labkit.errors import AuthorError


@dataclass(frozen=True)
class StaticCheck:
    reason: str
    points: float
    hint: str
    statement: int  # which top-level statement of the test it is


def calls_check(source: str) -> bool:
    return any(is_check(node) for node in ast.walk(parse(source)))


def static_checks(source: str) -> tuple[StaticCheck, ...] | None:
    """The checks of a test, or None where they cannot all be seen."""
    tree = parse(source)
    found = [static_check(index, node) for index, node in enumerate(tree.body)]
    seen = [check for check in found if check is not None]
    return tuple(seen) if len(seen) == sum(is_check(node) for node in ast.walk(tree)) else None


def refuse_test(file: str, line: int, source: str, points: float) -> None:
    tree = parse(source)
    can_fail = any(is_check(node) or isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(tree))
    if not can_fail:
        instead = "Write `check(reason, condition)` or an assert."
        raise AuthorError(file, line, "this test cannot fail: its points would be free", instead=instead)
    checks = static_checks(source)
    if checks and abs(sum(check.points for check in checks) - points) > 1e-9:
        total = sum(check.points for check in checks)
        instead = f"Write points={total:g} in the header, or change the checks."
        raise AuthorError(file, line, f"points={points:g}, but its checks add up to {total:g}", instead=instead)


def is_check(node: ast.AST) -> bool:
    """Whether it is a call of `check`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"


def static_check(index: int, statement: ast.stmt) -> StaticCheck | None:
    """The check a top-level statement is, or None where it is none or its points cannot be read."""
    node = statement.value if isinstance(statement, ast.Expr) else None
    if not (isinstance(node, ast.Call) and is_check(node)):
        return None
    given = {word.arg: word.value for word in node.keywords}
    points = _constant(given.get("points"), 1)
    reason = _constant(node.args[0] if node.args else given.get("reason"), "")
    hint = _constant(given.get("hint"), "")
    if not isinstance(points, int | float):
        return None
    return StaticCheck(reason if isinstance(reason, str) else "", points, hint if isinstance(hint, str) else "", index)


def _constant(node: ast.expr | None, default: object) -> object:
    if node is None:
        return default
    return node.value if isinstance(node, ast.Constant) else None
