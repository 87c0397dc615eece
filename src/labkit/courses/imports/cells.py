"""A notebook's cells as cells of a lab's text, each with what was changed in it or lost of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from labkit.courses.imports import code, python
from labkit.courses.imports.configuration import Settings
from labkit.courses.imports.files import Files
from labkit.courses.imports.made import Converted, Made, fenced
from labkit.courses.imports.notebook import Given
from labkit.courses.imports.regions import Regions, regions
from labkit.courses.imports.report import Notes
from labkit.courses.imports.solution import solution, written
from labkit.courses.imports.tests import Split, split
from labkit.courses.marks import STRAY

_MOST_POINTS = 9999.999


@dataclass(frozen=True)
class _Cell:
    given: Given
    source: str
    needed: bool
    notes: Notes
    settings: Settings
    files: Files
    to: Converted
    pictures: set[str] = field(default_factory=set)  # those of its attachments that learners see

    def made(self, kind: str, source: str, name: str = "", points: float = 0, *, hidden: bool = False) -> None:
        shown = _without_stray_marks(source, kind, self)
        if self.given.kind == "markdown":  # only now: pictures of what learners never see stay out of their data
            shown, pictures = self.files.in_markdown(shown, self.given.attachments, self.given.place, self.notes)
            self.pictures.update(pictures)
        self.to.cells.append(Made(kind, shown, self.given.place, self.notes, name, points, hidden))

    def name(self, ending: str = "") -> str:
        """A name of the lab for this cell, told where it is another."""
        given = self.given.name
        found = self.to.taken.new(given or f"cell-{self.given.number}", f"cell-{self.given.number}", ending=ending)
        self.to.names.append((self.given.place, found))
        return found

    def changed(self, told: str) -> None:
        self.notes.changed(told, self.given.place)

    def lost(self, told: str, points: float = 0) -> None:
        self.notes.lost(told, self.given.place, points)


def convert(given: Iterable[tuple[Given, Notes]], settings: Settings, files: Files) -> Converted:
    """Every cell, in order: header, notebook and footer, each with the notes of its file."""
    cells = list(given)
    plain = [(at, one.source) for at, (one, _) in enumerate(cells) if _is_plain_code(one)]
    later = [(at, one.source) for at, (one, _) in enumerate(cells) if one.kind == "code" and not _is_plain_code(one)]
    needed = code.needed(plain, later)
    to = Converted()
    for at, (one, notes) in enumerate(cells):
        source = files.in_code(one.source, one.place, notes) if one.kind == "code" else one.source
        cell = _public(_Cell(one, source, at in needed or one.locked, notes, settings, files, to))
        if one.name and one.name in to.seen:
            cell.changed("another cell has this name already: it got a number")
        to.seen.add(one.name)
        _kind(cell)(cell)
        for name in sorted(one.attachments.keys() - cell.pictures):
            cell.lost(f"the picture {name!r}: nothing that learners see shows it")
    to.cells[:] = _without_leaks(to.cells)
    return to


def _kind(cell: _Cell) -> Callable[[_Cell], None]:
    given = cell.given
    if given.kind == "raw":
        return _raw
    if given.kind == "markdown":
        if given.task:
            return _task
        return _answer if given.grade or given.solution else _prose
    if (
        given.task
        or given.solution
        or regions(given.source, cell.settings.begin_solution, cell.settings.end_solution).any
    ):
        return _solution
    return _test if given.grade else _code


def _is_plain_code(given: Given) -> bool:
    return given.kind == "code" and not (given.grade or given.solution or given.task)


def _raw(cell: _Cell) -> None:
    source = _without_solution(cell)
    if source.strip():
        cell.changed("a raw cell: it is prose now, as a block of plain text")
        cell.made("prose", fenced(source, ""))


def _prose(cell: _Cell) -> None:
    cell.made("prose", _without_solution(cell))


def _answer(cell: _Cell) -> None:
    given = cell.given
    source, answer = written(cell.source, cell.settings)
    if not given.solution:
        cell.changed("graded prose that nobody could write in: it is an answer now")
    points = _points(cell)
    if not points:
        cell.lost("a written answer without points: it is prose now, which learners cannot write in")
        cell.made("prose", source)
        return
    name = cell.name()
    if answer:
        cell.to.asides.append((f"A model answer to {name}", answer))
    cell.made("answer", source, name, points)


def _task(cell: _Cell) -> None:
    points = _points(cell)
    cell.made("prose", _without_solution(cell))
    if points:
        cell.changed("a task: an answer below it takes what learners write; cells they add are not graded")
        cell.made("answer", cell.settings.text_stub or "YOUR ANSWER HERE", cell.name(), points)
    else:
        cell.lost("a task without points: it is prose now")


def _solution(cell: _Cell) -> None:
    text, told = solution(cell.source, cell.settings)
    for one in told:
        cell.changed(one)
    if cell.given.task:
        cell.changed("a task in a code cell, which nbgrader refuses: it is code that a person grades")
    elif not cell.given.solution:
        cell.changed("a solution in a cell that is none: it is one now")
    points = _points(cell) if cell.given.grade or cell.given.task else 0
    if cell.given.grade and not points:
        cell.lost("code that a person grades, without points: nobody grades it here")
    cell.made("solution", text, cell.name(), points)


def _test(cell: _Cell) -> None:
    points = _points(cell)
    found = split(cell.source, points, cell.settings) if points else Split(why="it gives no points")
    for one in found.told:
        cell.changed(one)
    if found.why:
        _not_graded(cell, found.why, points)
    endings = ("", "-hidden") if len(found.parts) == 2 else ("",)
    for part, ending in zip(found.parts, endings, strict=False):
        cell.made("test", part.source, cell.name(ending), part.points, hidden=part.hidden)


def _not_graded(cell: _Cell, why: str, points: float) -> None:
    found = regions(cell.source, cell.settings.begin_hidden, cell.settings.end_hidden)
    cell.lost(f"this test is set aside: {why}", points)
    cell.to.asides.append((f"The test of {cell.given.place}, set aside", fenced(found.whole)))
    if shown := found.text(inside=False).strip():
        cell.made("demo", shown)


def _code(cell: _Cell) -> None:
    source = cell.source
    text, commands = code.without_magic(source)
    if not cell.needed or python.tree(text) is None or not text.strip():
        if cell.needed and source.strip():
            cell.changed("it is not Python alone: learners may run it, and it is skipped when graded")
        cell.made("demo", source)
        return
    if commands:
        cell.changed("its commands stand in a demo cell of their own, which is skipped when graded")
        cell.made("demo", "\n".join(commands))
    cell.made("code", text)


def _points(cell: _Cell) -> float:
    points = cell.given.points
    fitting = min(round(points, 3), _MOST_POINTS)
    if fitting != points:
        cell.lost(f"{points!r} points cannot be written here: it has {fitting:g}", round(points - fitting, 6))
    return fitting


def _public(cell: _Cell) -> _Cell:
    """Without its mark scheme, and without hidden tests where it is no test: nbgrader takes them out of every cell."""
    hold, given, source = cell.settings, cell.given, cell.source
    found = regions(source, hold.begin_scheme, hold.end_scheme)
    if found.any:
        cell.changed("its mark scheme is in the lab's README.md, which learners do not get" + _odd(found))
        cell.to.asides.append((f"The mark scheme of {given.place}", found.text(inside=True)))
        source = found.text(inside=False)
    found = regions(source, hold.begin_hidden, hold.end_hidden)
    if found.any and _kind(cell) is not _test:
        cell.lost("hidden tests in a cell that is no test: they are left out" + _odd(found))
        cell.to.asides.append((f"Hidden tests of {given.place}", fenced(found.text(inside=True))))
        source = found.text(inside=False)
    return replace(cell, source=source)


def _odd(found: Regions) -> str:
    return f"; its marks do not match ({found.wrong}), and the rest was taken for it" if found.wrong else ""


def _without_solution(cell: _Cell) -> str:
    if not regions(cell.source, cell.settings.begin_solution, cell.settings.end_solution).any:
        return cell.source
    cell.changed("a solution in a cell that is none: learners get the stub in its place")
    return written(cell.source, cell.settings)[0]


def _without_stray_marks(source: str, kind: str, cell: _Cell) -> str:
    """labkit refuses a mark outside of a solution, lest it be a mistake; here it is none."""
    if kind == "solution" or not any(STRAY.match(line) for line in source.split("\n")):
        return source
    cell.changed("a line that looks like a mark (`### BEGIN ...`) is written otherwise")
    if kind in ("prose", "answer"):
        return "\n".join(line.replace("#", "&#35;", 1) if STRAY.match(line) else line for line in source.split("\n"))
    return python.plain_marks(source)


def _without_leaks(cells: list[Made]) -> list[Made]:
    """labkit refuses a line of a hidden test that learners see elsewhere; here it was no secret before."""
    shown = frozenset(line.strip() for cell in cells if not cell.hidden for line in cell.source.split("\n"))
    return [_told_apart(cell, shown) if cell.hidden else cell for cell in cells]


def _told_apart(cell: Made, shown: frozenset[str]) -> Made:
    source, known = python.told_apart(cell.source, shown)
    for line in known[:3]:
        cell.notes.changed(f"learners see the hidden line `{line[:60]}` elsewhere", cell.place)
    return replace(cell, source=source)
