"""What can be seen of a cell's Python without running it, and what is made of a cell that is not quite Python."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from labkit.courses.marks import is_telling
from labkit.courses.syntax import parse

_COMMAND = re.compile(r"^(?P<indent>[ \t]*)(?:[%!?]|[\w.]+\?{1,2}[ \t]*$)")
_ASSIGNED = re.compile(r"^[\w., \t]+=[ \t]*[%!]")
_STRAY_MARK = re.compile(r"^([ \t]*)#{2,}([ \t]*(?:BEGIN|END)\b)", re.IGNORECASE | re.MULTILINE)
_UNREADABLE = (SyntaxError, ValueError, MemoryError, RecursionError)


def tree(source: str) -> ast.Module | None:
    """None where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an odd escape, say: it runs as it ran before
            found = parse(source)
            compile(source, "<cell>", "exec", dont_inherit=True)
    except _UNREADABLE:
        return None
    return found


def same(one: str, other: str) -> bool:
    """Whether two texts are the same program."""
    first, second = tree(one), tree(other)
    try:
        return first is not None and second is not None and ast.dump(first) == ast.dump(second)
    except RecursionError:
        return False


def without_commands(source: str) -> tuple[str, tuple[str, ...]]:
    """The cell with magics, shell lines and `name?` as comments, and those lines; untouched where it is Python."""
    if tree(source) is not None:
        return source, ()
    lines, found = [], []
    for line in source.split("\n"):
        command = _COMMAND.match(line)
        if command or _ASSIGNED.match(line):
            found.append(line.strip())
            indent = command["indent"] if command else ""
            lines.append(f"{indent}# {line[len(indent) :]}")
        else:
            lines.append(line)
    return "\n".join(lines), tuple(found)


def commented(source: str) -> str:
    return "\n".join(f"# {line}" if line.strip() else "#" for line in source.split("\n"))


def plain_marks(source: str) -> str:
    """`## Begin ...` as `# Begin ...`: in a solution, labkit takes the first for a mark."""
    return _STRAY_MARK.sub(r"\1#\2", source)


def told_apart(source: str, shown: frozenset[str]) -> tuple[str, list[str]]:
    """The text with a comment after each line that is one of `shown`, and those lines, where it stays the same program.

    Lines of strings that go over several lines cannot have one: then nothing is changed.
    """
    lines, found = source.split("\n"), []
    for at, line in enumerate(lines):
        plain = line.strip()
        if is_telling(plain) and plain in shown:
            lines[at] = f"{line}  # learners see this line elsewhere"
            found.append(plain)
    changed = "\n".join(lines)
    return (changed, found) if found and same(changed, source) else (source, [])


def can_fail(found: ast.Module) -> bool:
    """Whether it says itself that it can: by `assert` or `raise`."""
    return any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(found))


def does_something(found: ast.Module) -> bool:
    """Whether it calls or computes anything outside of a definition."""
    return any(isinstance(node, ast.Call | ast.Subscript | ast.BinOp | ast.Name) for node in ast.walk(found))


def asserts(found: ast.Module) -> int:
    """How many assertions it makes, by `assert` or by a function named like one."""
    return sum(isinstance(node, ast.Assert) or _asserting(node) for node in ast.walk(found))


def bound(found: ast.Module) -> set[str]:
    """Every name it binds, in whatever scope."""
    return set(_bound(found))


def used(found: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(found) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}


def changed(found: ast.Module) -> set[str]:
    """Names whose objects a statement of it may change: by a method called for its effect, an item or an attribute."""
    names = set()
    for node in ast.walk(found):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
        ):
            names.add(_root(node.value.func))
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            names.add(_root(node))
    return names - {""}


def imported(found: ast.Module) -> Iterator[str]:
    """The top names of the packages it imports, anywhere in it."""
    for node in ast.walk(found):
        if isinstance(node, ast.Import):
            yield from (one.name.split(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _asserting(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name.lower().startswith(("assert_", "assert", "ok_", "eq_"))


def _bound(found: ast.Module) -> Iterator[str]:
    for node in ast.walk(found):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).split(".")[0]
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
