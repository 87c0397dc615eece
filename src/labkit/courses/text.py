"""Reads a lab's text into cells, and refuses what would only fail later, in front of learners."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from labkit.courses.course import LANGUAGES, Lab
from labkit.courses.header import Header, looks_like_header, parse_header, unescaped
from labkit.courses.marks import learner_source, reference_source, refuse_marks
from labkit.courses.sums import refuse_test
from labkit.errors import AuthorError, OperatorError


@dataclass(frozen=True)
class Cell:
    """`source` is the author's own text (markers included); `line` is where its header stands."""

    kind: str  # prose | code | demo | solution | test | answer
    id: str
    source: str
    line: int
    name: str = ""
    points: float = 0
    hidden: bool = False
    reference: str = ""  # a solution as the author solved it
    starter: str = ""  # the same cell as a learner first meets it
    outcome: str = ""  # the id of the course's outcome its points count for


@dataclass(frozen=True)
class LabText:
    language: str
    cells: tuple[Cell, ...]

    def of(self, *kinds: str) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.kind in kinds)

    @property
    def manual(self) -> tuple[Cell, ...]:
        """What a person grades: written answers, and solutions that have points of their own."""
        return tuple(cell for cell in self.of("answer", "solution") if cell.points)


def load_text(lab: Lab, language: str = "en") -> LabText:
    """The cells of lab.py, or of lab.fil.py with the same names and points."""
    path = lab.text_file(language)
    if not path.is_file():
        raise OperatorError(
            f"Lab {lab.course}/{lab.id} has no {LANGUAGES[language]}.", instead="Write it, or use English."
        )
    cells = read_cells(path)
    _refuse_duplicates(path, cells)
    for cell in cells:
        _refuse_outcome(path, cell, lab.outcomes)
    if language != "en":
        cells = _matched(path, cells, load_text(lab).cells)
    return LabText(language, tuple(_checked(path, cell) for cell in cells))


def read_cells(path: Path, *, points_needed: bool = True, skip: int = 0) -> list[Cell]:
    """Splits a py:percent text at its headers; the first `skip` lines belong to the caller."""
    cells: list[Cell] = []
    header: Header | None = None
    start, body = 0, list[str]()
    counts: dict[str, int] = {}
    # Not splitlines(): a form feed or U+2028 inside a cell ends no line of Python.
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if number <= skip:
            continue
        if looks_like_header(line):
            if header:
                cells.append(_cell(path, header, start, body, counts))
            header, start, body = parse_header(line, str(path), number, points_needed=points_needed), number, []
        elif header:
            body.append(unescaped(line))
        elif line.strip():
            raise AuthorError(str(path), number, "text before the first cell", instead="Begin with a `# %%` line.")
    if header is None:
        raise AuthorError(str(path), 1, "no cell in this file", instead="Begin with a `# %%` line.")
    return [*cells, _cell(path, header, start, body, counts)]


def _cell(path: Path, header: Header, start: int, body: list[str], counts: dict[str, int]) -> Cell:
    if header.kind in ("prose", "answer"):
        body = [_uncommented(path, start + offset, line) for offset, line in enumerate(body, 1)]
    counts[header.kind] = counts.get(header.kind, 0) + 1
    # A name cannot hold an underscore, so these ids never meet one.
    cell_id = header.name or f"{header.kind}_{counts[header.kind]}"
    source = "\n".join(body).strip("\n").rstrip()
    about = (header.kind, cell_id, source, start, header.name, header.points, header.hidden)
    return Cell(*about, outcome=header.outcome)


def _uncommented(path: Path, number: int, line: str) -> str:
    if line.startswith("# "):
        return line[2:]
    if line.rstrip() in ("", "#"):
        return ""
    raise AuthorError(str(path), number, "a [markdown] line is not a comment", instead="Begin it with `# `.")


def _refuse_duplicates(path: Path, cells: list[Cell]) -> None:
    seen: dict[str, int] = {}
    for cell in cells:
        if cell.id in seen:
            found = f"the name {cell.id!r} was used on line {seen[cell.id]} already"
            raise AuthorError(str(path), cell.line, found, instead="Names are cell ids: give each its own.")
        seen[cell.id] = cell.line


def _refuse_outcome(path: Path, cell: Cell, known: tuple[str, ...]) -> None:
    if cell.outcome and cell.outcome not in known:
        instead = f"Write one of {', '.join(known)}" if known else "Add an [[outcomes]] table"
        found = f"course.toml has no outcome {cell.outcome!r}"
        raise AuthorError(str(path), cell.line, found, instead=f"{instead}, or leave the word out.")


def _matched(path: Path, cells: list[Cell], english: tuple[Cell, ...]) -> list[Cell]:
    """The graded cells must be the English ones, in their order; each takes the English outcome. Whatever is no prose
    and is left empty takes the English source: of a cell without a name, of the one in the same place of its kind."""
    named = [cell for cell in english if cell.name]
    ours = [cell for cell in cells if cell.name]
    for cell, other in zip(ours, named, strict=False):
        if (cell.kind, cell.name, cell.points, cell.hidden) != (other.kind, other.name, other.points, other.hidden):
            same = (cell.kind, cell.name, cell.hidden) == (other.kind, other.name, other.hidden)
            differs = f"has {cell.points:g} points, in lab.py it has {other.points:g}"
            found = f"this {cell.kind} {cell.name!r} {differs if same else 'is not what lab.py has here'}"
            raise AuthorError(str(path), cell.line, found, instead=f"Write {_described(other)}.")
        if cell.outcome not in ("", other.outcome):
            found = f"outcome={cell.outcome!r}, but lab.py says {other.outcome!r}"
            raise AuthorError(str(path), cell.line, found, instead="Leave the word out: lab.py's holds for both.")
    if len(ours) != len(named):
        extra = ours[len(named)] if len(ours) > len(named) else None
        if extra:
            raise AuthorError(str(path), extra.line, f"lab.py has no {extra.name!r}", instead="Write it there first.")
        missing = named[len(ours)]
        found = f"the {missing.kind} {missing.name!r} of lab.py is missing"
        raise AuthorError(str(path), cells[-1].line, found, instead=f"Add {_described(missing)}.")
    theirs = {cell.id: cell for cell in english if cell.kind != "prose"}
    return [_inheriting(cell, theirs[cell.id]) if cell.id in theirs else cell for cell in cells]


def _described(cell: Cell) -> str:
    markdown = "[markdown] " if cell.kind == "answer" else ""
    points = f" points={cell.points:g}" if cell.points else ""
    return f'`# %% {markdown}{cell.kind}="{cell.name}"{points}{" hidden" if cell.hidden else ""}`'


def _inheriting(cell: Cell, english: Cell) -> Cell:
    return replace(cell, source=cell.source or english.source, outcome=english.outcome)


def _checked(path: Path, cell: Cell) -> Cell:
    """The cell with both its faces, once nothing in it can surprise a learner."""
    if cell.kind == "solution":
        reference = reference_source(str(path), cell.line, cell.source)
        starter = learner_source(str(path), cell.line, cell.source)
        _refuse_syntax(path, cell, reference)
        _refuse_syntax(path, cell, starter)
        return replace(cell, reference=reference, starter=starter)
    refuse_marks(str(path), cell.line, cell.source)
    if cell.kind in ("code", "test"):
        _refuse_syntax(path, cell, cell.source)
    if cell.kind == "test":
        refuse_test(str(path), cell.line, cell.source, cell.points)
    return cell


def _refuse_syntax(path: Path, cell: Cell, source: str) -> None:
    try:
        compile(source, str(path), "exec")
    except SyntaxError as error:
        number = cell.line + (error.lineno or 0)
        found = f"{cell.id} is not Python ({error.msg})"
        instead = "Mend it; magics (%...) may stand in `# %% demo` cells only."
        raise AuthorError(str(path), number, found, instead=instead) from None
