"""A solution of nbgrader's as labkit's text holds it: what learners write between our marks, the stub beside it."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.courses.imports import python
from labkit.courses.imports.configuration import Settings
from labkit.courses.imports.regions import Piece, regions
from labkit.courses.marks import learner_source, reference_source


def solution(source: str, settings: Settings) -> tuple[str, tuple[str, ...]]:
    """The cell's text, and sentences about what had to be changed. Whatever it takes, no line of a region, and nothing
    of a cell without regions, is left for learners to see."""
    source, commands = python.without_commands(source)
    told = [f"`{line}` is a command of the notebook's: it stands as a comment now" for line in commands]
    found = regions(source, settings.begin_solution, settings.end_solution)
    if found.wrong:
        told.append(f"its marks do not match ({found.wrong}): the rest of the cell was taken for the solution")
    pieces = found.pieces if found.any else (Piece(True, tuple(source.split("\n"))),)
    text = _marked(pieces, settings.own_stub)
    if _stays_python(text):
        return text, tuple(told)
    whole = found.whole if found.any else source
    if python.tree(whole) is not None:
        told.append("what learners get of it would not be Python: they get the stub alone")
        return _marked([Piece(True, tuple(whole.split("\n")))], _python_stub(settings)), tuple(told)
    told.append("its solution is not Python: it stands as comments, and what it solved is not solved now")
    return _marked([Piece(True, tuple(python.commented(whole).split("\n")))], _python_stub(settings)), tuple(told)


def released(source: str, settings: Settings, *, code: bool) -> bool:
    """Whether the solution was taken out of it already."""
    stub = settings.code_stub if code else settings.text_stub
    lines = [line.strip() for line in source.split("\n") if line.strip()]
    gone = [line.strip() for line in stub.split("\n") if line.strip()]
    places = range(len(lines) - len(gone) + 1)
    marked = regions(source, settings.begin_solution, settings.end_solution).any
    return bool(gone) and not marked and any(lines[at : at + len(gone)] == gone for at in places)


def written(source: str, settings: Settings) -> tuple[str, str]:
    """A written answer as learners first meet it, and as its author answered it ("" where it holds only the stub)."""
    found = regions(source, settings.begin_solution, settings.end_solution)
    if not found.any:
        return settings.text_stub, "" if released(source, settings, code=False) else source
    lines: list[str] = []
    for piece in found.pieces:
        lines += [piece.indent + line for line in settings.text_stub.split("\n")] if piece.inside else piece.lines
    return "\n".join(lines), found.text(inside=True)


def _marked(pieces: Iterable[Piece], stub: str | None) -> str:
    lines: list[str] = []
    for piece in pieces:
        body = python.plain_marks("\n".join(piece.lines)).split("\n") if piece.lines else []
        if not piece.inside:
            lines += body
            continue
        indent = piece.indent
        lines += [f"{indent}### BEGIN SOLUTION", *body, f"{indent}### END SOLUTION"]
        if stub is not None:
            given = [f"{indent}# {line}".rstrip() for line in stub.split("\n")]
            lines += [f"{indent}### BEGIN STARTER", *given, f"{indent}### END STARTER"]
    return "\n".join(lines)


def _stays_python(text: str) -> bool:
    faces = reference_source("", 0, text), learner_source("", 0, text)
    return all(python.tree(face) is not None for face in faces)


def _python_stub(settings: Settings) -> str | None:
    return settings.own_stub if settings.own_stub and python.tree(settings.own_stub) is not None else None
